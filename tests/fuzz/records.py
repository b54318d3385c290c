"""Targets for everything that comes from Kafka: records in every preset, and checkpoint records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import msgspec

from forwarder.deliver.payload.registry import provider_of
from forwarder.errors import CheckpointError
from forwarder.flow.marks import tp_of
from forwarder.lane.policy import policy_of
from forwarder.lane.sizes import body_size
from forwarder.lane.spans import Spans
from forwarder.model.event import TP, Event
from forwarder.progress import checkpoint
from forwarder.settings.payload import payload_of
from forwarder.settings.process import Source
from forwarder.settings.webhook import Webhook
from forwarder.source.decode import Decoder
from forwarder.source.presets.registry import NAMES
from tests.fuzz.target import target

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
WHERE = TP("logs", 3)
JSON_TOKENS = (
    b'{"', b'":', b"[[", b"]]", b"{}", b"null", b"true", b"1e400", b"-0", b"9" * 30, b"\\u0000", b"\\ud800", b"\xff",
    b"\xef\xbb\xbf", b'"time"', b'"2026-02-30T25:61:61Z"', b'"severity"', b'"type"', b'"id"', b"NaN", b"\x00", b"[" * 600,
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """As the consumer hands it over."""

    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    key: bytes | None = b"key"
    topic: str = WHERE.topic
    partition: int = WHERE.partition
    offset: int = 7
    timestamp: int = 1_790_000_000_000


def _samples() -> list[bytes]:
    return [path.read_bytes() for path in sorted(SAMPLES.glob("*/*")) if ".expected." not in path.name]


DECODERS = {name: Decoder(Source(topic=WHERE.topic, preset=name)) for name in NAMES}
HEADERS: tuple[tuple[tuple[str, bytes | None], ...], ...] = (
    (),
    (("ce_specversion", b"1.0"), ("ce_type", b"a.b"), ("ce_id", b"1"), ("ce_source", b"/x")),
    (("content-type", None), ("x", b"\xff\xfe")),
)


@target("record", _samples(), JSON_TOKENS)
def any_record(data: bytes) -> None:
    """Each preset makes one event of any record, the same on the short way and on the careful one, and never raises."""
    for name, decoder in DECODERS.items():
        for headers in HEADERS:
            record = Record(data, headers)
            careful, (short,) = decoder.decode(record), decoder.decode_all(WHERE, [record])
            assert _told(careful) == _told(short), f"{name}: the short way reads another event than the careful one"
            _check_event(careful, data)


@target("payload", _samples(), JSON_TOKENS)
def any_payload(data: bytes) -> None:
    """Whatever was readable is rendered: JSON stays JSON, one line stays one line, and the size is never underestimated."""
    event = DECODERS["auto"].decode(Record(data))
    if event.problem is not None:
        return
    for name in ("json", "ndjson", "stalwart"):
        hook = Webhook(name="fuzz", url="https://fuzz.example/", payload=payload_of({"format": name}))
        provider = provider_of(hook.payload, "cluster")
        body = provider.render((event, event))
        assert body.content == provider.render((event, event)).content
        if name == "ndjson":
            lines = body.content.rstrip(b"\n").split(b"\n")
            assert len(lines) == 2, "an event is one line"
            _ = [json.loads(line) for line in lines]
        else:
            json.loads(body.content)
        policy = policy_of(hook)
        assert len(body.content) <= 2 * body_size(event, policy.wrapping) + 1024


CHECKPOINTS = (
    b'{"epoch":1,"seq":2,"position":3}',
    b'{"epoch":1,"seq":2,"position":2000,"lanes":{"chat":{"cursor":1200,"frozen":{"runs":{"logs/0":[[1200,1299]]},"count":100,'
    b'"attempts":6,"first_ms":1},"failures":6,"ahead":[[1300,1302]]}},"books":{"siem":{"r":2000,"f":1900,"d":100},"chat":'
    b'{"r":1500,"d":1150,"p":300,"x":{"expired":40},"l":{"refused":10},"c":1500,"s":1,"n":{"shed":2}}},"version":2,"tail":[1,2]}',
    b'{"epoch":1,"seq":57,"position":2000,"lanes":{"chat":{"cursor":1200}},"known":["chat","siem"]}',
)


@target(
    "checkpoint",
    CHECKPOINTS,
    (b"9" * 25, b"null", b"[[0,4611686018427387904]]", b"-1", b'"version":3', b"/0", b'"state":"gone"'),
)
def any_checkpoint(data: bytes) -> None:
    """A record is understood, or refused as CheckpointError; it is never half understood, and never a memory bomb."""
    checkpoint.order_of(data)
    try:
        loaded = checkpoint.decode(data)
    except CheckpointError:
        return
    for mark in loaded.lanes.values():
        assert Spans(mark.ahead).runs() == [tuple(run) for run in mark.ahead], "as a lane takes it over"
        for name in mark.frozen.runs if mark.frozen else ():
            tp_of(name)
    again = checkpoint.encode(loaded, 1 << 40)
    assert checkpoint.decode(again) == loaded
    assert checkpoint.order_of(again) == (loaded.epoch, loaded.seq)


def _told(event: Event) -> tuple[object, ...]:
    return (
        event.tp, event.offset, event.timestamp_ms, event.key, event.value, tuple(event.headers or ()), event.id, event.type,
        event.time_ns, event.severity, event.tenant, event.size, event.text, event.problem,
    )  # fmt: skip


def _check_event(event: Event, data: bytes) -> None:
    assert (event.tp, event.offset, event.value) == (WHERE, 7, data)
    assert 0 <= event.severity <= 6
    assert isinstance(event.time_ns, int)
    for text in (event.id, event.type, event.tenant):
        assert isinstance(text, str)
    if event.problem is None and not event.text:
        msgspec.json.decode(data)
    elif event.problem is not None:
        assert event.detail

"""What reading envelopes costs, beside a bare decoder of five fields on the same bytes; all in one run, printed as ratios.

`python bench/decode.py [--events N]`. CPU time of this process, best of several rounds, one core. Needs no Kafka.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from forwarder.model.event import TP
from forwarder.settings.process import Envelope, Source
from forwarder.source.decode import Decoder

ROUNDS = 7


@dataclass(slots=True)
class Record:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"17"),
    ("ce_source", b"/host/7"),
    ("ce_type", b"com.example.alert"),
    ("ce_time", b"2026-04-05T17:31:00.123456Z"),
    ("content-type", b"application/json"),
)


class FiveFields(msgspec.Struct, gc=False):
    """The bare decoder: five top-level fields of a Falco event, and nothing made of them."""

    uuid: str = ""
    rule: str = ""
    time: str = ""
    priority: str = ""
    hostname: str = ""


def falco(number: int) -> bytes:
    """About 500 bytes, in the key order of the real producer."""
    return json.dumps(
        {
            "time": f"2026-06-21T14:{number // 6000 % 60:02d}:{number // 100 % 60:02d}.{number % 10**9:09d}Z",
            "rule": "Terminal shell in container",
            "priority": "Notice",
            "source": "syscall",
            "hostname": "ip-10-0-0-17",
            "output": "A shell was spawned in a container with an attached terminal (user=root container=web)",
            "tags": ["container", "mitre_execution", "shell"],
            "output_fields": {
                "container.id": "abcdef012345",
                "k8s.ns.name": "prod",
                "k8s.pod.name": f"web-{number}",
                "proc.cmdline": "bash -il",
                "user.name": "root",
            },
        },
        separators=(",", ":"),
    ).encode()


def padded(value: bytes, size: int = 500) -> bytes:
    return value[:-1] + b',"pad":"' + b"x" * (size - len(value) - 10) + b'"}'


def generic(number: int) -> bytes:
    return padded(json.dumps({"kind": "login", "user": {"name": f"u{number}"}, "ok": True}).encode())


def cpu_seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def records(values: list[bytes], headers: tuple[tuple[str, bytes], ...] = ()) -> list[Record]:
    return [Record("events", 0, n, 1_700_000_000_000, None, value, headers) for n, value in enumerate(values)]


def through(source: Source, batch: list[Record]) -> Callable[[], object]:
    """Decodes in chunks of 1000, as a consumer hands them over."""
    decoder, tp = Decoder(source), TP("events", 0)
    chunks = [batch[start : start + 1000] for start in range(0, len(batch), 1000)]

    def work() -> None:
        for chunk in chunks:
            decoder.decode_all(tp, chunk)

    return work


def each(parse: Callable[[bytes], Any], values: list[bytes]) -> Callable[[], object]:
    def work() -> None:
        for value in values:
            parse(value)

    return work


def ways(count: int) -> dict[str, Callable[[], object]]:
    values = [padded(falco(number)) for number in range(count)]
    others = [generic(number) for number in range(count)]
    batch = records(values)
    tenant = Envelope(tenant='output_fields["k8s.pod.name"]')
    return {
        "bare: struct of five fields": each(msgspec.json.Decoder(FiveFields).decode, values),
        "msgspec, keys to raw bytes": each(msgspec.json.Decoder(dict[str, Raw]).decode, values),
        "msgspec, everything": each(msgspec.json.Decoder().decode, values),
        "json of the standard library": each(json.loads, values),
        "Decoder, preset falco": through(Source(topic="events", preset="falco"), batch),
        "Decoder, preset auto": through(Source(topic="events"), batch),
        "Decoder, auto, one header": through(Source(topic="events"), records(values, (("traceparent", b"00-ab"),))),
        "Decoder, falco, tenant by path": through(Source(topic="events", preset="falco", envelope=tenant), batch),
        "Decoder, auto, binary cloudevents": through(Source(topic="events"), records(values, BINARY)),
        "Decoder, auto, fits no preset": through(Source(topic="events"), records(others)),
        "Decoder, preset raw": through(Source(topic="events", preset="raw"), records(others)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    count = parser.parse_args().events
    size = len(padded(falco(count)))
    print(f"{count} events of {size} bytes, best of {ROUNDS} rounds, CPU time")
    bare = 0.0
    for name, work in ways(count).items():
        micros = cpu_seconds(work) / count * 1e6
        bare = bare or micros
        print(f"{name:34} {micros:6.2f} us  {micros / bare:5.2f} x bare  {micros - bare:+6.2f} us")


if __name__ == "__main__":
    main()

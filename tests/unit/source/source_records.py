"""Records as a consumer hands them over, and the sample records of real producers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forwarder.model.event import TP, Event
from forwarder.settings.process import Source
from forwarder.source.decode import Decoder

SAMPLES = Path(__file__).parents[2] / "samples"
STAMP_MS = 1_700_000_000_001
TP0 = TP("events", 0)


@dataclass(frozen=True)
class Record:
    value: bytes | None
    headers: Any = ()
    key: bytes | None = None
    topic: str = "events"
    partition: int = 0
    offset: int = 7
    timestamp: int = STAMP_MS


@dataclass(frozen=True)
class Sample:
    """One record of a producer: the preset it is filed under, the one `auto` must find, and the envelope."""

    preset: str
    name: str
    detected: str
    record: Record
    expected: dict[str, Any]


def samples() -> list[Sample]:
    return [_sample(path) for path in sorted(SAMPLES.glob("*/*.expected.json"))]


def _sample(path: Path) -> Sample:
    document = json.loads(path.read_text(encoding="utf-8"))
    value = None if document["value"] is None else (path.parent / document["value"]).read_bytes()
    headers = tuple((name, text.encode()) for name, text in document["headers"].items())
    expected = dict(document["expected"])
    expected["time_ns"] = expected["time_ns"] or STAMP_MS * 1_000_000
    return Sample(path.parent.name, path.stem, document["detected"], Record(value, headers), expected)


def decoder(preset: str = "auto", **source: Any) -> Decoder:
    return Decoder(Source(topic="events", preset=preset, **source))


def decode(value: bytes | dict[str, Any] | None, preset: str = "auto", headers: Any = (), **source: Any) -> Event:
    """Through both ways, which must agree."""
    if isinstance(value, dict):
        value = json.dumps(value).encode()
    record = Record(value, headers)
    careful = decoder(preset, **source).decode(record)
    quick = decoder(preset, **source)
    quick.decode_all(TP0, [record])  # the second pass has a preset to guess
    assert quick.decode_all(TP0, [record]) == [careful]
    return careful

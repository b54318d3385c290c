"""Events of five producers in their real shapes, numbered, with what they mean written down beside them. Pure; sends nothing.

What an event means (severity, type) is stated here by hand and not read with Forwarder's own code, so that the judge has a
truth of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from forwarder.cli import samples

FALCO, SECURITY, MAIL = "demo-falco", "demo-security", "demo-mail"
PARTITIONS: Mapping[str, int] = {FALCO: 3, SECURITY: 4, MAIL: 1}
"""The source topics, deliberately of different widths."""

_HOSTS = 16
_PREFIX = "0de30000-0000-4000-8000-"
_NUMBER = re.compile(r"(?<![0-9a-f])0de30000-?0000-?4000-?8000-?(\d{12})$")

_QUIET, _LOUD = 9, 10
"""Of every ten events of a producer nine are below high."""


class Meaning(NamedTuple):
    """What Forwarder should find in an event."""

    type: str
    severity: int


@dataclass(frozen=True, slots=True)
class Made:
    """One event, ready to be produced."""

    number: int
    topic: str
    key: bytes
    value: bytes
    meaning: Meaning


def make(number: int, now: float) -> Made:
    """Event `number` at `now` (Unix seconds); producers take turns."""
    build = _PRODUCERS[number % len(_PRODUCERS)]
    return build(number, number // len(_PRODUCERS), now)


def number_of(event: Any) -> int | None:
    """The number of an event as a receiver got it, in any payload format; None for what nobody here made."""
    if not isinstance(event, dict):
        return None
    metadata = event.get("metadata")
    nested = metadata.get("uid") if isinstance(metadata, dict) else None
    for found in (event.get("uuid"), event.get("id"), nested):
        match = _NUMBER.search(found) if isinstance(found, str) else None
        if match:
            return int(match[1])
    return None


def _falco(number: int, turn: int, now: float) -> Made:
    word, severity = _pick(turn, [("Notice", 2), ("Warning", 3), ("Debug", 1)], [("Critical", 5), ("Error", 4)])
    more = {"uuid": _id(number), "priority": word, "time": _rfc3339(now), "hostname": _host(turn)}
    return _made(number, FALCO, "falco", "Terminal shell in container", severity, turn, more)


def _ocsf(number: int, turn: int, now: float) -> Made:
    word, severity = _pick(turn, [("Informational", 1), ("Low", 2), ("Medium", 3)], [("High", 4), ("Fatal", 6)])
    template = _TEMPLATES["ocsf"]
    more = {
        "metadata": {**template["metadata"], "uid": _id(number)},
        "time": int(now * 1000), "severity": word, "severity_id": severity,
    }  # fmt: skip
    return _made(number, SECURITY, "ocsf", "200401", severity, turn, more)


def _cloudevents(number: int, turn: int, now: float) -> Made:
    (scale, word), severity = _pick(turn, [((9, "INFO"), 1), ((13, "WARN"), 3)], [((17, "ERROR"), 4)])
    more = {"id": _id(number), "time": _rfc3339(now), "severitynumber": scale, "severitytext": word}
    return _made(number, SECURITY, "cloudevents", "com.example.user.role.changed", severity, turn, more)


def _sysdig(number: int, turn: int, now: float) -> Made:
    scale, severity = _pick(turn, [(7, 1), (6, 2), (5, 3)], [(1, 4), (3, 4)])
    more = {
        "id": _id(number).replace("-", ""), "severity": scale,
        "timestamp": int(now * 1_000_000_000), "timestampRFC3339Nano": _rfc3339(now),
    }  # fmt: skip
    return _made(number, SECURITY, "sysdig", "Write below etc", severity, turn, more)


def _stalwart(number: int, turn: int, now: float) -> Made:
    kind, severity = _pick(turn, [("auth.success", 1), ("delivery.completed", 1)], [("auth.failed", 4)])
    more = {"id": _id(number), "createdAt": _rfc3339(now), "type": kind}
    return _made(number, MAIL, "stalwart", kind, severity, turn, more)


def _pick(turn: int, quiet: list[tuple[Any, int]], loud: list[tuple[Any, int]]) -> tuple[Any, int]:
    if turn % _LOUD == _QUIET:
        return loud[turn // _LOUD % len(loud)]
    return quiet[turn % len(quiet)]


def _made(
    number: int, topic: str, preset: str, kind: str, severity: int, turn: int, more: Mapping[str, Any]
) -> Made:  # fmt: skip
    value = msgspec.json.encode({**_TEMPLATES[preset], **more})
    return Made(number, topic, _host(turn).encode(), value, Meaning(kind, severity))


def _id(number: int) -> str:
    return f"{_PREFIX}{number:012d}"


def _host(turn: int) -> str:
    return f"node-{turn % _HOSTS}"


def _rfc3339(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_PRODUCERS: tuple[Callable[[int, int, float], Made], ...] = (_falco, _ocsf, _cloudevents, _stalwart, _sysdig)
_TEMPLATES: Mapping[str, dict[str, Any]] = {
    name: msgspec.json.decode(samples.value(name)) for name in ("falco", "ocsf", "cloudevents", "sysdig", "stalwart")
}

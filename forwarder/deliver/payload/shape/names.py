"""The parts of an event that a shape may name, each as a function of the scene. Knows no tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from forwarder.deliver.payload.shape.cutting import cut
from forwarder.deliver.payload.shape.scene import Scene, Value, text_of
from forwarder.deliver.payload.timestamps import TimestampFormat, timestamp
from forwarder.model.severity import Severity
from forwarder.settings.providers.leaves import Reference, steps

Getter = Callable[[Scene], Value | None]
"""A part of an event; None where the event has none."""

_LEVELS = tuple(level.name.lower() for level in Severity)
_TELLING = (
    "message", "msg", "summary", "title", "description", "output", "reason", "rule", "ruleName", "finding_info", "content", "event",
    "name", "short_description", "data", "violation",
)  # fmt: skip
"""Keys under which producers put what people read, best first."""
_SUMMARY = 200
_LINE = 300
_MORE = "..."

SLOT = b"\x00"
"""Where the events of a batch go in `around`: a byte that JSON never holds."""


def _time(style: TimestampFormat) -> Getter:
    def get(scene: Scene) -> Value | None:
        time_ns = scene.time_ns
        value = timestamp(time_ns, style) if time_ns else b"null"
        return None if value == b"null" else value

    return get


def _plain_time(scene: Scene) -> Value | None:
    whole = timestamp(scene.time_ns // 10**9 * 10**9, "rfc3339")
    return None if not scene.time_ns or whole == b"null" else whole[1:-2].decode().replace("T", " ")


def _key(scene: Scene) -> Value | None:
    key = scene.event.key
    return None if key is None else key.decode("utf-8", "replace")


def summary(scene: Scene) -> str:
    """One line for people: `auth.failed (high, acme): message`."""
    event = scene.event
    head = event.type or event.tp.topic
    about = ", ".join(part for part in (_LEVELS[event.severity], event.tenant) if part)
    telling = _first_text(scene)
    line = f"{head} ({about})" + (f": {telling}" if telling else "")
    return cut(" ".join(line.split()), _LINE, _MORE)


def _first_text(scene: Scene) -> str:
    if scene.event.text:
        return cut(scene.text, _SUMMARY, _MORE)
    for key in _TELLING:
        value = scene.at((key,))
        if value is not None and value[:1] == b"{":
            nested = (scene.at((key, inner)) for inner in _TELLING)
            value = next((found for found in nested if found is not None and found[:1] == b'"'), None)
        if value is not None and value[:1] == b'"' and len(value) > 2:
            return cut(text_of(value), _SUMMARY, _MORE)
    return ""


def getters(style: TimestampFormat, words: tuple[str, ...]) -> Mapping[str, Getter]:
    """All plain names. `style` is the webhook's, `words` are the receiver's for each severity."""
    spoken = words or _LEVELS
    return {
        "id": lambda scene: scene.id,
        "identity": lambda scene: scene.identity,
        "type": lambda scene: scene.event.type or None,
        "time": _time(style),
        "time.s": _time("seconds"),
        "time.ms": _time("milliseconds"),
        "time.us": _time("microseconds"),
        "time.ns": _time("nanoseconds"),
        "time.rfc3339": _time("rfc3339"),
        "time.plain": _plain_time,
        "severity": lambda scene: spoken[scene.event.severity],
        "severityName": lambda scene: _LEVELS[scene.event.severity],
        "severityNumber": lambda scene: b"%d" % scene.event.severity,
        "tenant": lambda scene: scene.event.tenant or None,
        "topic": lambda scene: scene.event.tp.topic,
        "partition": lambda scene: b"%d" % scene.event.tp.partition,
        "offset": lambda scene: b"%d" % scene.event.offset,
        "key": _key,
        "cluster": lambda scene: scene.cluster,
        "data": lambda scene: scene.data,
        "text": lambda scene: scene.text,
        "summary": summary,
        "events": lambda scene: SLOT,
        "count": lambda scene: b"%d" % scene.count,
    }


def inside(reference: Reference) -> Getter:
    """A value inside the record."""
    path = reference.path
    return lambda scene: scene.at(path)


def at_option(path: str) -> Getter:
    """The value inside the record at a path that an option holds; absent where the option is empty. Raises LeafError."""
    if not path:
        return lambda scene: None
    found = steps(path)
    return lambda scene: scene.at(found)

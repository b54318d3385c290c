"""One message about all events of a batch, as values: how many, of which types, how bad the worst is, and the first of them.

Pure, and the same for every chat: how it looks there is `chat` and the files of the formats. Never parses more than it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from forwarder.deliver.payload.records import created_ns, text_of
from forwarder.deliver.payload.shape.cutting import cut
from forwarder.deliver.payload.shape.names import summary
from forwarder.deliver.payload.shape.scene import Scene
from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.event import Event
from forwarder.model.severity import Severity

TOP_TYPES = 5
_TITLE, _NAME, _LINE, _RECORD = 140, 100, 300, 8000
"""Most characters of a title, of a name inside a fact, of a line, and of the record of a single event."""
_UNSEEN = {
    **dict.fromkeys((*range(32), *range(127, 160)), " "),
    **dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), ""),
}
"""Control characters, and those that turn the direction of text around: an event must not rearrange what people read."""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told. `worst` is 0..6. A digest has `lines`, of which it leaves out `more`; a single event has its `record`
    instead, which ends with the marker where something of it is missing. All texts are plain: whoever renders them escapes them."""

    title: str
    worst: int
    facts: tuple[tuple[str, str], ...]
    lines: tuple[str, ...] = ()
    more: int = 0
    record: str = field(default="", repr=False)

    @property
    def rest(self) -> str:
        """What the last line says about the events that have none; empty where all have one."""
        return f"and {self.more} more" if self.more else ""

    def smaller(self, marker: str) -> Message | None:
        """The same with about half of its lines, or of its record, left out visibly; None where nothing is left to leave out."""
        if self.lines:
            kept = len(self.lines) // 2
            return replace(self, lines=self.lines[:kept], more=self.more + len(self.lines) - kept)
        if len(self.record) > 2 * len(marker):
            return replace(self, record=cut(self.record, len(self.record) // 2, marker))
        return None


def message_of(events: Sequence[Event], cluster: str, title: str, lines: int, marker: str) -> Message:
    """A digest of several events, or one event in full. `title` stands before what happened; `lines` is the most of them."""
    worst = max(event.severity for event in events)
    if len(events) == 1:
        return _single(events[0], cluster, title, marker)
    level = Severity(worst).name.lower()
    told = [_line(event, cluster, marker) for event in events[:lines]]
    head = f"{len(events)} events" + (f", worst {level}" if worst else "")
    return Message(_titled(title, head, marker), worst, _facts(events), tuple(told), len(events) - len(told))


def plain(text: str) -> str:
    """The text on one line, without characters that nobody sees."""
    return " ".join(text.translate(_UNSEEN).split())


def _single(event: Event, cluster: str, title: str, marker: str) -> Message:
    scene = Scene(event, cluster, 1)
    facts = [("Severity", Severity(event.severity).name.lower()), ("Time", _time(created_ns(event)))]
    facts += [("Type", plain(event.type)), ("Tenant", plain(event.tenant)), ("Id", plain(scene.id))]
    if scene.id != scene.identity:
        facts.append(("Kafka", scene.identity))
    shown = tuple((name, cut(text, _LINE, marker)) for name, text in facts if text)
    whole = text_of(event)
    record = "\n".join(line.translate(_UNSEEN) for line in whole[: 2 * _RECORD].splitlines())
    held = cut(record + marker if len(whole) > 2 * _RECORD else record, _RECORD, marker)
    return Message(_titled(title, plain(summary(scene)), marker), event.severity, shown, record=held)


def _facts(events: Sequence[Event]) -> tuple[tuple[str, str], ...]:
    types = Counter(event.type or event.tp.topic for event in events)
    top = [f"{cut(plain(name), _NAME, '...')} ({count})" for name, count in _ranked(types)[:TOP_TYPES]]
    if len(types) > len(top):
        top.append(f"{len(types) - len(top)} more types")
    levels = Counter(event.severity for event in events)
    tenants = Counter(event.tenant for event in events if event.tenant)
    facts = [
        ("Types", ", ".join(top)),
        ("Severity", ", ".join(f"{Severity(level).name.lower()} ({levels[level]})" for level in sorted(levels)[::-1])),
        ("Tenants", ", ".join(cut(plain(name), _NAME, "...") for name, _ in _ranked(tenants)[:TOP_TYPES])),
        ("Time", _span(events)),
    ]
    if len(tenants) > TOP_TYPES:
        facts[2] = ("Tenants", f"{facts[2][1]}, {len(tenants) - TOP_TYPES} more")
    return tuple((name, text) for name, text in facts if text)


def _ranked(counted: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first; in alphabetical order where they are equal, so that the same events give the same bytes."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def _line(event: Event, cluster: str, marker: str) -> str:
    return cut(plain(summary(Scene(event, cluster, 1))), _LINE, marker)


def _titled(title: str, head: str, marker: str) -> str:
    return cut(plain(f"{title}: {head}" if title else head), _TITLE, marker)


def _span(events: Sequence[Event]) -> str:
    times = [time for time in [created_ns(event) for event in events] if time]
    first, last = _time(min(times, default=0)), _time(max(times, default=0))
    return first if first == last else f"{first} to {last}"


def _time(time_ns: int) -> str:
    """To the second; empty where nobody knows."""
    text = timestamp(time_ns // 10**9 * 10**9, "rfc3339").decode() if time_ns else "null"
    return "" if text == "null" else text.strip('"')

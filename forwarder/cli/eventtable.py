"""Event types and event sets as text or JSON. Asks nobody; escapes what producers wrote, for a terminal obeys some of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

import msgspec

from forwarder.cli.options import Output
from forwarder.cli.table import columns
from forwarder.settings.process import EventSet, Settings
from forwarder.settings.sets.catalogue import builtin, named

_NOBODY = "NOBODY"
_NOTES = {"yes": "", "filter": " (filter)", "disabled": " (disabled)"}


class Row(TypedDict):
    """One type, as `flow/typelist` writes it."""

    topic: str
    type: str | None
    title: str
    sets: list[str]
    count: int
    firstSeen: str | None
    lastSeen: str | None
    webhooks: dict[str, str]
    nobody: bool
    partial: bool


class Types(msgspec.Struct):
    """What a service answers: the names of its webhooks, and a row for each type."""

    webhooks: list[str] = []
    rows: list[Row] = msgspec.field(default_factory=list, name="types")

    def having(self, rows: list[Row]) -> Types:
        """The same webhooks with other rows."""
        return Types(self.webhooks, rows)


def types(found: Types, output: Output) -> str:
    """The types, most frequent first within their topic."""
    rows = sorted(found.rows, key=lambda row: (row["topic"], row["type"] is None, -row["count"], row["type"] or ""))
    if output is Output.JSON:
        return msgspec.json.format(msgspec.json.encode({"types": rows}), indent=2).decode()
    if not rows:
        return "no event type was seen"
    table = columns([("topic", "type", "title", "count", "last seen", "webhooks"), *map(_row, rows)], right=(3,))
    return f"{table}\n\n{_summary([row for row in rows if row['type'] is not None])}"


def _row(row: Row) -> tuple[str, ...]:
    kind = "(all other types)" if row["type"] is None else plain(row["type"]) or "(none)"
    return (plain(row["topic"]), kind, plain(row["title"]), str(row["count"]), row["lastSeen"] or "", _who(row))


def _who(row: Row) -> str:
    hooks = ", ".join(plain(name) + _NOTES.get(how, "") for name, how in row["webhooks"].items())
    if row["nobody"]:
        return f"{_NOBODY}{': ' + hooks if hooks else ''}"
    return f"{hooks}{', ' if hooks else ''}?" if row["partial"] or row["type"] is None else hooks


def _summary(rows: Sequence[Row]) -> str:
    kinds = f"{len(rows)} type{'' if len(rows) == 1 else 's'}"
    lost = sum(row["nobody"] for row in rows)
    if lost:
        return f"{kinds}; {lost} of them {'goes' if lost == 1 else 'go'} to nobody"
    return kinds if any(row["partial"] for row in rows) else f"{kinds}; each goes to somebody"


def plain(text: str) -> str:
    """Printable characters as they are, others escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def sets(settings: Settings | None, output: Output) -> str:
    """The configuration's sets, then those that ship and that it does not define itself."""
    own = settings.event_sets if settings else {}
    shipped = {name: one for name, one in builtin().items() if own.get(name, one.set) == one.set}
    mine = {name: one for name, one in own.items() if name not in shipped}
    users = _users(settings)
    rows = [_set(name, one, "configuration", "", users) for name, one in mine.items()]
    rows += [
        _set(name, one.set, "shipped, guessed" if one.guessed else "shipped", one.source, users)
        for name, one in shipped.items()
    ]
    if output is Output.JSON:
        return msgspec.json.format(msgspec.json.encode({"sets": rows}), indent=2).decode()
    heading = ("name", "title", "category", "from", "webhooks", "events")
    return columns([heading, *(_told(row) for row in rows)])


def _set(name: str, one: EventSet, origin: str, source: str, users: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": name, "title": one.title, "category": one.category, "level": one.level, "events": list(one.events),
        "from": origin, "source": source, "webhooks": users.get(name, []),
    }  # fmt: skip


def _told(row: dict[str, Any]) -> Sequence[str]:
    return (
        row["name"], row["title"], row["category"], row["from"], ", ".join(row["webhooks"]) or "-", _some(row["events"]),
    )  # fmt: skip


def _some(names: Iterable[str], most: int = 3) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _users(settings: Settings | None) -> dict[str, list[str]]:
    """The webhooks that name a set, themselves or in a rule."""
    found: dict[str, list[str]] = {}
    for hook in settings.webhooks if settings else ():
        for name in named(hook):
            found.setdefault(name, []).append(hook.name)
    return found

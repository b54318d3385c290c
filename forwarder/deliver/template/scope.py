"""Which names mean what at a place of a template, found out once when it is compiled. Holds no value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Any

from forwarder.deliver.template.frame import Frame

Getter = Callable[[Frame], Any]


class Kind(Enum):
    """What is known of a value before there is one. ABSENT: that there will never be one."""

    ANY = "any"
    ROOT = "root"
    EVENT = "event"
    EVENTS = "events"
    VALUES = "values"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of every template: how to get it, and what it is."""

    get: Getter
    kind: Kind = Kind.ANY


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The variables of a template. `elsewhere`: names that exist and cannot be used in this one, with the reason. `fields`: those
    of an event. `direct`: how to get those of the one event. `values`: the names in the webhook's `payload.values`."""

    variables: Mapping[str, Variable]
    elsewhere: Mapping[str, str]
    fields: Collection[str]
    direct: Mapping[str, Getter]
    values: Collection[str] = ()


@dataclass(slots=True)
class Slot:
    """A template's own variable: its place in the frame."""

    index: int
    kind: Kind = Kind.ANY
    used: bool = False


@dataclass(slots=True)
class Names:
    """The variables of a block; `outer` are those around it."""

    outer: Names | None = None
    slots: dict[str, Slot] = field(default_factory=dict)

    def find(self, name: str) -> Slot | None:
        """The innermost variable of that name."""
        names: Names | None = self
        while names is not None:
            if name in names.slots:
                names.slots[name].used = True
                return names.slots[name]
            names = names.outer
        return None


def near(name: str, known: Collection[str]) -> str:
    """`, did you mean X?`, or nothing."""
    folded = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f", did you mean {folded[close[0]]}?" if close else ""

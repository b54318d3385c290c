"""Loops as steps: what they go over, where each item goes, and what each pass costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from forwarder.deliver.template.bounds import MAX_ITEMS
from forwarder.deliver.template.calls import missing, out_of_work
from forwarder.deliver.template.frame import Frame, Step
from forwarder.deliver.template.functions import kind, series
from forwarder.deliver.template.scope import Getter, Slot
from forwarder.deliver.template.tree import For, Place, RenderError
from forwarder.deliver.template.values import MISSING, Whole

Items = Callable[[Frame], Sequence[Any]]
Store = Callable[[Frame, Any], None]


def items_of(statement: For, get: Getter) -> Items:
    """What is looped over; Go's loops go over pairs of index or key and value, and over a number."""
    place, in_pairs = statement.place, statement.counted

    def items(frame: Frame) -> Sequence[Any]:
        value = get(frame)
        if value is MISSING:
            raise missing(place, statement.of)
        if in_pairs:
            return _pairs(value, place)
        try:
            return series(value)
        except ValueError as error:
            raise RenderError(place, f"a loop cannot go over this: {error}") from None

    return items


def _pairs(value: Any, place: Place) -> Sequence[Any]:
    if isinstance(value, Whole):
        value = value.whole()
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        if value > MAX_ITEMS:
            raise RenderError(place, f"a loop over more than {MAX_ITEMS} numbers", bounded=True)
        value = range(value)
    if value is None:
        return ()
    if not isinstance(value, list | tuple | range):
        raise RenderError(place, f"a loop cannot go over {kind(value)}")
    return tuple(enumerate(value))


def counted(targets: list[Slot]) -> Store:
    first, second = (slot.index for slot in targets)

    def store(frame: Frame, pair: Any) -> None:
        frame.slots[first], frame.slots[second] = pair

    return store


def unpacked(place: Place, targets: list[int]) -> Store:
    if len(targets) == 1:
        only = targets[0]

        def put(frame: Frame, item: Any) -> None:
            frame.slots[only] = item

        return put

    def unpack(frame: Frame, item: Any) -> None:
        if not isinstance(item, list | tuple) or len(item) != len(targets):
            raise RenderError(place, f"each item must be a list of {len(targets)} to be taken apart")
        for target, one in zip(targets, item, strict=True):
            frame.slots[target] = one

    return unpack


def filtered(items: Items, store: Store, test: Getter, place: Place, cost: int) -> Items:
    def kept(frame: Frame) -> Sequence[Any]:
        found = []
        for item in items(frame):
            frame.work -= cost
            if frame.work < 0:
                raise out_of_work(place)
            store(frame, item)
            if test(frame):
                found.append(item)
        return found

    return kept


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop whose parts are compiled. `own` are the slots of its body's variables, empty again for each item; `told` is that of
    Jinja's `loop`, where the body uses it. `cost`: steps of one pass."""

    place: Place
    items: Items
    store: Store
    body: list[Step]
    other: list[Step]
    own: list[int]
    told: int | None
    cost: int


def loop_step(parts: Loop) -> Step:
    """The step that runs a loop."""
    place, items, store, told, cost = parts.place, parts.items, parts.store, parts.told, parts.cost
    body, other, own = parts.body, parts.other, parts.own

    def loop(frame: Frame) -> None:
        todo = items(frame)
        slots = frame.slots
        for at, item in enumerate(todo):
            frame.work -= cost
            if frame.work < 0:
                raise out_of_work(place)
            for index in own:
                slots[index] = MISSING
            store(frame, item)
            if told is not None:
                slots[told] = _told(at, todo)
            try:
                for step in body:
                    step(frame)
            except RenderError as error:
                blame(error, item)
                raise
        if not todo:
            for step in other:
                step(frame)

    return loop


def blame(error: RenderError, item: Any) -> None:
    """Name the event that a loop over events was at."""
    at = getattr(item[1] if isinstance(item, tuple) else item, "index", None)
    if error.event is None and isinstance(at, int):
        error.event = at


def _told(at: int, todo: Sequence[Any]) -> dict[str, Any]:
    """Jinja's `loop`."""
    size = len(todo)
    return {
        "index": at + 1,
        "index0": at,
        "revindex": size - at,
        "revindex0": size - at - 1,
        "first": at == 0,
        "last": at == size - 1,
        "length": size,
        "previtem": todo[at - 1] if at else MISSING,
        "nextitem": todo[at + 1] if at + 1 < size else MISSING,
    }

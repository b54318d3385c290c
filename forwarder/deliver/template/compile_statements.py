"""Statements to closures that write into a frame. Counts every step of a loop, and every byte that is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from forwarder.deliver.template.bounds import MAX_ITEMS, MAX_OUTPUT_BYTES
from forwarder.deliver.template.compile_expressions import Expressions, missing, out_of_work
from forwarder.deliver.template.frame import Frame
from forwarder.deliver.template.functions import Function, kind, series
from forwarder.deliver.template.scope import Getter, Kind, Names, Slot, Vocabulary
from forwarder.deliver.template.tree import (
    Block,
    Emit,
    For,
    If,
    Let,
    Place,
    Put,
    RenderError,
    Scope,
    Statement,
    TemplateError,
    Text,
    Writing,
)
from forwarder.deliver.template.values import MISSING, Json, Namespace, Whole, encoded, quoted, text_of

Step = Callable[[Frame], None]


class Statements:
    """Compiles the statements of one template. `slots` is how many variables of its own a frame must have room for."""

    def __init__(self, functions: Mapping[str, Function], lenient: Collection[str], vocabulary: Vocabulary) -> None:
        self.slots = 0
        self._expressions = Expressions(functions, lenient, vocabulary)

    def block(self, body: Block, names: Names) -> list[Step]:
        """The steps of a block, in order. Raises TemplateError."""
        return [self._statement(statement, names) for statement in body]

    def _statement(self, statement: Statement, names: Names) -> Step:
        self._expressions.count += 1
        match statement:
            case Text(text=text):
                return _writing(statement.place, text.encode("utf-8", "replace"))
            case Emit():
                return _emitting(statement, self._expressions.value(statement.of, names))
            case If():
                return self._if(statement, names)
            case For():
                return self._for(statement, names)
            case Let(name=name, of=of):
                get, known = self._expressions.compiled(of, names)
                return _storing(self._declared(names, name, known), get)
            case Put():
                return self._put(statement, names)
            case Scope(body=body):
                return _all(self.block(body, Names(names)))

    def _if(self, statement: If, names: Names) -> Step:
        arms = [(self._expressions.value(test, names), self.block(body, names)) for test, body in statement.arms]
        other = self.block(statement.other, names)

        def decide(frame: Frame) -> None:
            for test, steps in arms:
                if test(frame):
                    break
            else:
                steps = other
            for step in steps:
                step(frame)

        return decide

    def _put(self, statement: Put, names: Names) -> Step:
        slot = names.find(statement.name)
        if slot is None:
            raise TemplateError(statement.place, f"{statement.name} is not declared yet")
        get = self._expressions.value(statement.of, names)
        if statement.key is None:
            slot.kind = Kind.ANY
            return _storing(slot, get)
        index, key, place = slot.index, statement.key, statement.place

        def put(frame: Frame) -> None:
            held = frame.slots[index]
            if not isinstance(held, Namespace):
                raise RenderError(place, "only a namespace() can be changed")
            held[key] = get(frame)

        return put

    def _declared(self, names: Names, name: str, known: Kind = Kind.ANY) -> Slot:
        slot = names.slots.get(name)
        if slot is None:
            slot = names.slots[name] = Slot(self.slots, known)
            self.slots += 1
        elif slot.kind is not known:
            slot.kind = Kind.ANY
        return slot

    def _for(self, statement: For, names: Names) -> Step:
        get, known = self._expressions.compiled(statement.of, names)
        if known is Kind.ROOT:
            raise TemplateError(statement.place, "all variables together cannot be looped over; name one")
        inner = Names(names)
        item = Kind.EVENT if known is Kind.EVENTS else Kind.ANY
        kinds = (Kind.ANY, item) if statement.counted else (item,) * len(statement.targets)
        targets = [self._declared(inner, name, one) for name, one in zip(statement.targets, kinds, strict=True)]
        loop = self._declared(inner, "loop") if statement.loop else None
        before = self._expressions.count
        test = self._expressions.value(statement.test, inner) if statement.test else None
        body = self.block(statement.body, inner)
        cost = self._expressions.count - before + 1
        own = [slot.index for slot in inner.slots.values()]
        store = _counted(targets) if statement.counted else _unpacked(statement.place, [slot.index for slot in targets])
        told = loop.index if loop is not None and loop.used else None
        other = self.block(statement.other, names)
        items = _items_of(statement, get)
        if test is not None:
            items = _filtered(items, store, test, statement.place, cost)
        return _looping(statement.place, items, store, body, other, own, told, cost)


def _all(steps: list[Step]) -> Step:
    def run(frame: Frame) -> None:
        for step in steps:
            step(frame)

    return run


def _storing(slot: Slot, get: Getter) -> Step:
    index = slot.index

    def store(frame: Frame) -> None:
        frame.slots[index] = get(frame)

    return store


def _too_long(place: Place) -> RenderError:
    return RenderError(place, f"the body is larger than {MAX_OUTPUT_BYTES} bytes", bounded=True)


def _writing(place: Place, content: bytes) -> Step:
    size = len(content)

    def write(frame: Frame) -> None:
        frame.room -= size
        if frame.room < 0:
            raise _too_long(place)
        frame.out.append(content)

    return write


def _emitting(statement: Emit, get: Getter) -> Step:
    place, written = statement.place, _WRITERS[statement.writing]

    def emit(frame: Frame) -> None:
        value = get(frame)
        if value is MISSING:
            raise missing(place, statement.of)
        content = written(value)
        frame.room -= len(content)
        if frame.room < 0:
            raise _too_long(place)
        frame.out.append(content)

    return emit


def _plain(value: Any) -> bytes:
    return text_of(value).encode("utf-8", "replace")


def _quoted(value: Any) -> bytes:
    return quoted(value if value.__class__ is str else text_of(value))


def _value(value: Any) -> bytes:
    return value.encode() if value.__class__ is Json else encoded(value)


_WRITERS: Mapping[Writing, Callable[[Any], bytes]] = {
    Writing.PLAIN: _plain,
    Writing.QUOTED: _quoted,
    Writing.VALUE: _value,
}


def _items_of(statement: For, get: Getter) -> Callable[[Frame], Sequence[Any]]:
    """What is looped over; Go's loops go over pairs of index or key and value, and over a number."""
    place, counted = statement.place, statement.counted

    def items(frame: Frame) -> Sequence[Any]:
        value = get(frame)
        if value is MISSING:
            raise missing(place, statement.of)
        if counted:
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


Store = Callable[[Frame, Any], None]


def _counted(targets: list[Slot]) -> Store:
    first, second = (slot.index for slot in targets)

    def store(frame: Frame, pair: Any) -> None:
        frame.slots[first], frame.slots[second] = pair

    return store


def _unpacked(place: Place, targets: list[int]) -> Store:
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


def _filtered(
    items: Callable[[Frame], Sequence[Any]], store: Store, test: Getter, place: Place, cost: int
) -> Callable[[Frame], Sequence[Any]]:
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


def _looping(
    place: Place,
    items: Callable[[Frame], Sequence[Any]],
    store: Store,
    body: list[Step],
    other: list[Step],
    own: list[int],
    told: int | None,
    cost: int,
) -> Step:
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

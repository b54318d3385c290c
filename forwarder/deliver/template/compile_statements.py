"""Statements to closures that write into a frame. Counts every step of a loop, and every byte that is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from forwarder.deliver.template.compile_expressions import Expressions
from forwarder.deliver.template.frame import Frame, Step
from forwarder.deliver.template.functions import Function
from forwarder.deliver.template.loops import Loop, counted, filtered, items_of, loop_step, unpacked
from forwarder.deliver.template.scope import Getter, Kind, Names, Slot, Vocabulary
from forwarder.deliver.template.tree import (
    Block,
    Emit,
    For,
    If,
    Let,
    Put,
    RenderError,
    Scope,
    TemplateError,
    Text,
)
from forwarder.deliver.template.values import Namespace
from forwarder.deliver.template.writing import encoded_text, text_step, value_step


class Statements:
    """Compiles the statements of one template. `slots` is how many variables of its own a frame must have room for."""

    def __init__(self, functions: Mapping[str, Function], lenient: Collection[str], vocabulary: Vocabulary) -> None:
        self.slots = 0
        self._expressions = Expressions(functions, lenient, vocabulary)

    def block(self, body: Block, names: Names) -> list[Step]:
        """The steps of a block, in order. Raises TemplateError."""
        steps: list[Step] = []
        before = b""
        for statement in body:
            if isinstance(statement, Text):
                before += encoded_text(statement)
            elif isinstance(statement, Emit):
                self._expressions.count += 1
                steps.append(value_step(statement, self._expressions.needed(statement.of, names), before))
                before = b""
            else:
                steps += [text_step(statement.place, before)] if before else []
                before = b""
                steps += self._others(statement, names)
        return [*steps, text_step(body[-1].place, before)] if before else steps

    def _others(self, statement: If | For | Let | Put | Scope, names: Names) -> list[Step]:
        self._expressions.count += 1
        match statement:
            case If():
                return [self._if(statement, names)]
            case For():
                return [self._for(statement, names)]
            case Let(name=name, of=of):
                get, known = self._expressions.compiled(of, names)
                return [_storing(self._declared(names, name, known), get)]
            case Put():
                return [self._put(statement, names)]
            case Scope(body=body):
                return self.block(body, Names(names))

    def _if(self, statement: If, names: Names) -> Step:
        arms = [(self._expressions.value(test, names), self.block(body, names)) for test, body in statement.arms]
        other = self.block(statement.other, names)

        def decide(frame: Frame) -> None:
            chosen = other
            for test, steps in arms:
                if test(frame):
                    chosen = steps
                    break
            for step in chosen:
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
            value = get(frame)
            if value.__class__ is Namespace:
                raise RenderError(place, "a namespace() cannot be kept in another value")
            held[key] = value

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
        store = counted(targets) if statement.counted else unpacked(statement.place, [slot.index for slot in targets])
        told = loop.index if loop is not None and loop.used else None
        other = self.block(statement.other, names)
        items = items_of(statement, get)
        if test is not None:
            items = filtered(items, store, test, statement.place, cost)
        return loop_step(Loop(statement.place, items, store, body, other, own, told, cost))


def _storing(slot: Slot, get: Getter) -> Step:
    index = slot.index

    def store(frame: Frame) -> None:
        frame.slots[index] = get(frame)

    return store

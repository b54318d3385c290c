"""A lane in the hands of a test: time by hand, events by offset, verdicts by name. Decides nothing that the lane decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane
from forwarder.lane.policy import LanePolicy, policy_of
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.model.event import TP, Event, Unreadable
from forwarder.model.verdict import (
    Bisect,
    Delivered,
    Disable,
    Drop,
    Halve,
    Interrupted,
    Pace,
    Retry,
    Verdict,
)
from forwarder.settings.webhook import Webhook

P0, P1, P2 = TP("logs", 0), TP("logs", 1), TP("logs", 2)
WALL = 1_700_000_000.0
"""Wall seconds at the rig's monotonic 0."""

OK = Delivered()
TOO_LARGE = Halve("status 413")
REFUSED = Bisect("status 400")
GONE = Disable("status 410")
DROPPED = Drop("statusPolicy")
STOPPED = Interrupted()


def later(after: float | None = None) -> Retry:
    """A fault that passes; `after` is the receiver's wish in seconds."""
    return Retry(Pace.NORMAL, "status 503", after)


def event(offset: int, tp: TP = P0, **given: Any) -> Event:
    """One second of event and record time per offset; 100 bytes of value, 500 of memory."""
    value: bytes | None = given.pop("value", b"x" * 100)
    fields: dict[str, Any] = {
        "timestamp_ms": int((WALL + offset) * 1000),
        "key": None,
        "headers": (),
        "id": "",
        "type": "login",
        "when": int((WALL + offset) * 1e9),
        "severity": 3,
        "tenant": "",
        "size": len(value or b"") + 400,
    }
    return Event(tp=tp, offset=offset, value=value, **{**fields, **given})


def events(offsets: Iterable[int], tp: TP = P0, **given: Any) -> list[Event]:
    return [event(offset, tp, **given) for offset in offsets]


def unreadable(offset: int, tp: TP = P0) -> Event:
    return event(offset, tp, problem=Unreadable.NOT_JSON)


def webhook(**given: Any) -> Webhook:
    """Settings as a file would hold them. Nothing waits and nothing expires, unless a test says so."""
    calm = {"name": "siem", "url": "https://siem.example/hook", "throttle": 0, "discardAfter": "never"}
    return Webhook.model_validate({**calm, **given})


def policy(**given: Any) -> LanePolicy:
    return policy_of(webhook(**given))


def offsets(items: Iterable[Event]) -> list[int]:
    return [item.offset for item in items]


def done(told: list[tuple[str, list[int]]], kind: str) -> list[int]:
    """The offsets of everything of one kind that `Rig.run` tells."""
    return [offset for what, some in told if what == kind for offset in some]


class Rig:
    """One lane that owns `tps` from offset 0 and is live there."""

    def __init__(self, *tps: TP, budget: int = 256 * 1024 * 1024, live: bool = True, **given: Any) -> None:
        self.now = 0.0
        self.budget = Budget(budget)
        self.positions: dict[TP, int] = {}
        self.routed: dict[TP, int] = {}
        self.woken: list[float] = []
        self.looks = 0
        self.lane = Lane(
            webhook(**given), self.budget, self.positions, self.routed, lambda lane, when: self.woken.append(when)
        )
        self.lane.on_room = self._look
        for tp in tps or (P0,):
            self.positions[tp] = 0
            self.lane.own(tp, 0)
            if live:
                self.lane.join(tp)

    def _look(self) -> None:
        self.looks += 1

    @property
    def wall(self) -> float:
        return WALL + self.now

    def offer(self, numbers: Iterable[int], tp: TP = P0, **given: Any) -> None:
        """What the router does with a chunk: move the position, then offer."""
        self.offer_events(events(numbers, tp, **given))

    def offer_events(self, some: list[Event]) -> None:
        tp = some[0].tp
        self.routed[tp] = self.routed.get(tp, 0) + len(some)
        self.positions[tp] = max(self.positions[tp], some[-1].offset + 1)
        self.lane.offer(tp, some, self.now)

    def feed(self, numbers: Iterable[int], upto: int, tp: TP = P0) -> None:
        some = events(numbers, tp)
        self.lane.feed(tp, some, upto, self.now, offsets(some))

    def poll(self) -> list[Action]:
        return self.lane.poll(self.now, self.wall)

    def next_poll(self) -> float:
        return self.lane.next_poll(self.now, self.wall)

    def one(self) -> Send:
        """The one thing the lane wants to send now."""
        (action,) = self.poll()
        assert isinstance(action, Send)
        return action

    def answer(self, action: Action, verdict: Verdict, delay: float = 1.0, fault: Fault | None = None) -> None:
        """Report an attempt. A retry is answered with status 503, unless `fault` says that there was no answer."""
        assert isinstance(action, Send)
        result = Response(200 if isinstance(verdict, Delivered) else 503) if fault is None else Failure(fault, "gone")
        attempt = Attempt("b", action.part.attempts, result, 0.1)
        self.lane.on_verdict(action.flight, attempt, verdict, self.now, self.wall, delay)

    def wrote(self, action: Action, ok: bool = True, delay: float = 1.0) -> None:
        assert isinstance(action, WriteDeadLetters | WriteLedger)
        self.lane.on_written(action.flight, ok, self.now, delay)

    def deliver_all(self, most: int = 1000) -> list[list[int]]:
        """Poll and accept until nothing is left to do now; the offsets of each batch sent."""
        sent: list[list[int]] = []
        for _ in range(most):
            actions = self.poll()
            if not actions:
                return sent
            for action in actions:
                if isinstance(action, Send):
                    sent.append(offsets(action.part.events))
                    self.answer(action, OK)
                else:
                    self.wrote(action)
        raise AssertionError("the lane never comes to rest")

    def run(self, judge: Callable[[list[int]], Verdict], most: int = 500) -> list[tuple[str, list[int]]]:
        """Do what the lane wants until it rests; `judge` gives the verdict on a list of offsets. What happened, in order."""
        told: list[tuple[str, list[int]]] = []
        for _ in range(most):
            actions = self.poll()
            if not actions:
                return told
            for action in actions:
                told.append(self._do(action, judge))
            self.check()
        raise AssertionError("the lane never comes to rest")

    def _do(self, action: Action, judge: Callable[[list[int]], Verdict]) -> tuple[str, list[int]]:
        some = offsets(action.part.events)
        match action:
            case Send():
                verdict = judge(some)
                self.answer(action, verdict)
                return ("sent" if verdict is OK else "refused"), some
            case WriteDeadLetters():
                self.wrote(action)
                return "dead letter", some
            case WriteLedger():
                self.wrote(action)
                return "ledger", some

    def caught_up(self, tp: TP = P0) -> None:
        """What catch-up does once the lane has met the router."""
        assert self.lane.behind[tp] == self.positions[tp]
        self.lane.join(tp)

    def check(self) -> None:
        """What must hold at every moment."""
        lane = self.lane
        held = list(lane.window.events) + list(lane.flights.events())
        assert lane.books.imbalance == 0
        assert lane.books.held == len(held)
        assert lane.books.returned >= 0
        assert lane.holding.bytes == self.budget.used == sum(item.size for item in held)

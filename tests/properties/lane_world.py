"""A small world around one lane: Kafka's log, the router, catch-up, the dispatcher, checkpoints, an endpoint with moods.

It keeps the rules of flow/ (who may call what, and when) and remembers every outcome, so that laws can be checked. A lane is
polled only when it asked for it, and catch-up looks only when it was kicked: a wake-up that is missing shows as a standstill.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, cast

from forwarder.deliver.sender import Prepared
from forwarder.flow.marks import restore
from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Part
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.model.event import TP, Event
from forwarder.model.verdict import Delivered, Interrupted, Partial, Verdict
from forwarder.progress.checkpoint import Checkpoint
from tests.properties import lane_catchup, lane_watch
from tests.properties.lane_books import OtherBooks
from tests.properties.lane_places import Kafka, Mood, Shelf, Taste, judge, judge_each
from tests.unit.lane.lane_rig import WALL, webhook

Place = tuple[int, int]
"""Partition and offset."""

LIMITS = {"maxEvents": 4, "maxBytes": 450}


class World:
    """`outcomes`: which events have one. `delivered`: the last arrival per partition since the last crash."""

    def __init__(self, partitions: int = 2, room: int = 12, **given: Any) -> None:
        self.tps = [TP("logs", number) for number in range(partitions)]
        self.kafka = Kafka(self.tps)
        self.positions = dict.fromkeys(self.tps, 0)
        self.books = OtherBooks(self.tps)
        self.now = 0.0
        self.outcomes: set[Place] = set()
        self.delivered = dict.fromkeys(self.tps, -1)
        self.batches: set[tuple[Place, ...]] = set()
        self.safe = dict.fromkeys(self.tps, 0)
        self.crashed = self.cured = self.shuffled = False
        self._given, self._room = given, room
        self._start_process()
        self.shelf = Shelf(self.tps)
        self._own(self.shelf.load())

    # --- process ---

    def _start_process(self) -> None:
        self.budget, self.others = Budget(self._room * 600), 0
        self.under_way: list[Action] = []
        self.due = math.inf
        self.kicked = False
        self.following: set[TP] = set()
        self.routed: dict[TP, int] = {}
        self.lane = Lane(webhook(**{**LIMITS, **self._given}), self.budget, self.positions, self.routed, self._wake)
        self._tighten()
        self.lane.on_room = lambda: setattr(self, "kicked", True)

    def _tighten(self) -> None:
        """A lane that is full soon."""
        lane = self.lane
        lane.policy = dataclasses.replace(lane.policy, capacity_events=self._room, capacity_bytes=self._room * 500)
        lane.holding.policy = lane.flights.policy = lane.policy

    def _wake(self, lane: Lane, when: float) -> None:
        self.due = min(self.due, when)

    def crowd(self, share: float) -> None:
        """Other lanes and bodies in flight hold that share of the budget."""
        self.budget.release(self.others)
        self.others = int(self.budget.limit * share)
        self.budget.charge(self.others)

    # --- Kafka and the router ---

    def produce(self, tp: TP, taste: Taste, severity: int = 3) -> None:
        self.kafka.produce(tp, taste, self.now, severity)

    def read(self, tp: TP, count: int, skip: int = 0) -> None:
        """The shared read: a chunk of `count` offsets; the consumer may have skipped some before it."""
        expected = self.positions[tp]
        start = max(expected + skip, self.kafka.first[tp])
        skip = start - expected
        end = min(start + count, self.kafka.end(tp))
        if start >= end:
            return
        self.positions[tp] = end
        live = not skip and tp not in self.lane.behind
        if skip:
            self.lane.fall_behind(tp, expected)
        records, found = set(self.kafka.records(tp, start, end)), self.kafka.wanted(tp, start, end)
        self.routed[tp] = self.routed.get(tp, 0) + len(records)
        if found:
            self.lane.offer(tp, found, self.now)
        if live:
            self.books.routed(tp, start, end, records, {item.offset for item in found})

    # --- catch-up, by the rules of flow/catchup ---

    def catch_up(self, count: int = 5) -> bool:
        """One pass for each reader that is running; False when none is."""
        return lane_catchup.catch_up(self, count)

    def done(self, tp: TP, start: int, end: int) -> set[int]:
        ahead = self.lane.delivered_ahead.get(tp, ())
        return {offset for offset in range(start, end) if offset in ahead}

    def held(self, tp: TP) -> set[int]:
        return {item.offset for item in (*self.lane.window.events, *self.lane.flights.events()) if item.tp == tp}

    # --- the dispatcher ---

    def serve(self) -> None:
        """Poll, if the lane asked for it."""
        if self.due > self.now:
            return
        for action in self.lane.poll(self.now, WALL + self.now):
            if isinstance(action, Send):
                self._check_batch(action.part)
            self.under_way.append(action)
        self.due = self.lane.next_poll(self.now, WALL + self.now)

    def advance(self, seconds: float) -> None:
        """Time passes; the guards kick catch-up now and then."""
        self.now += seconds
        self.kicked = True
        self.serve()

    def finish(self, index: int, mood: Mood, written: bool = True) -> None:
        """One action under way comes to its end."""
        if not self.under_way:
            return
        action = self.under_way.pop(index % len(self.under_way))
        if isinstance(action, Send):
            self._answer(action, mood)
        else:
            places = list(action.part.events)
            self.lane.on_written(action.flight, written, self.now, 1.0)
            if written:
                for item in places:
                    self._note(item.tp, item.offset, action)
        self.due = -math.inf
        self.serve()

    def _answer(self, action: Send, mood: Mood) -> None:
        part = action.part
        tastes = set() if self.cured else {self.kafka.taste(item) for item in part.events}
        verdict, fault = judge(tastes, mood)
        if mood is Mood.MIXED and len(part.events) > 1:
            verdict, self.shuffled = judge_each([self.kafka.taste(item) for item in part.events]), True
        result = Response(200) if fault is None else Failure(fault, "no answer")
        sent = _arrived(part, verdict)
        self.lane.on_verdict(action.flight, Attempt("b", part.attempts, result, 0.1), verdict, self.now, WALL, 1.0)
        for item in sent:
            self._note(item.tp, item.offset, action)
            if self.kafka.taste(item) is Taste.DISPUTED:
                continue  # a new filter may want it when later ones have been sent
            before = self.delivered[item.tp]
            self.delivered[item.tp] = item.offset
            assert item.offset > before or self.lane.policy.slots > 1 or self.shuffled, "in order"

    def _note(self, tp: TP, offset: int, action: Action) -> None:
        place = (tp.partition, offset)
        assert self.crashed or place not in self.outcomes, "an event has one outcome"
        self.outcomes.add(place)
        match action:
            case Send():
                self.books.settle(tp, offset, "delivered")
            case WriteLedger(part=part):
                self.books.settle(tp, offset, f"discarded {part.reason.value if part.reason else ''}")
            case WriteDeadLetters(part=part):
                self.books.settle(tp, offset, f"dead letter {part.reason.value if part.reason else ''}")

    def _check_batch(self, part: Part) -> None:
        places = tuple((item.tp.partition, item.offset) for item in part.events)
        assert len(part.events) <= LIMITS["maxEvents"]
        assert len(part.events) == 1 or sum(len(item.value or b"") + 1 for item in part.events) < LIMITS["maxBytes"]
        if part.attempts > 1:
            assert places in self.batches, "a retry sends the same batch"
        self.batches.add(places)
        if not isinstance(part.prepared, Prepared):
            part.prepared = Prepared(cast(Any, None), "b", 0, "", cast(Any, None), "c")

    # --- checkpoints ---

    def save(self) -> None:
        """What the keeper writes."""
        self.shelf.save(self.lane, self.positions)
        self.books.save()

    def _own(self, loaded: dict[TP, Checkpoint]) -> None:
        for tp, checkpoint in loaded.items():
            self.positions[tp] = checkpoint.position
            restore(self.lane, tp, checkpoint, "f", None)
        if self.lane.state is not LaneState.DISABLED:
            for tp in self.tps:
                lane_catchup.joined(self, tp)
        self.due = -math.inf
        self.kicked = True
        self.serve()

    def crash(self) -> None:
        """kill -9: what was not checkpointed is forgotten, and what was under way may or may not have arrived."""
        self.crashed = True
        self.delivered = dict.fromkeys(self.tps, -1)
        self.books.crash()
        self._start_process()
        self._own(self.shelf.load())

    def hand_over(self, *, restart: bool, refilter: bool = False) -> None:
        """A drain: attempts under way are interrupted, the checkpoint is written, the partitions are given up and come back."""
        self.lane.draining = True
        for action in self.under_way:
            if isinstance(action, Send):
                attempt = Attempt("b", action.part.attempts, Failure(Fault.CANCELLED, ""), 0.0)
                self.lane.on_verdict(action.flight, attempt, Interrupted(), self.now, WALL, 0.0)
            else:
                self.lane.on_written(action.flight, False, self.now, 1.0)
        self.under_way.clear()
        self.following.clear()
        self.save()
        if restart:
            self._start_process()
        else:
            self.lane.disown(frozenset(self.tps))
            assert self.budget.used == self.others
            self.lane.draining = False
        self.kafka.broad ^= refilter
        self._own(self.shelf.load())

    # --- configuration ---

    def off(self) -> None:
        self.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")

    def on(self) -> None:
        if self.lane.state in (LaneState.DISABLED, LaneState.PAUSED):
            self.lane.switch_on(Trigger.SWITCHED_ON)
        self.due = -math.inf
        self.serve()

    def jump(self) -> None:
        """Switched off, then on with `onEnable: now`."""
        self.off()
        lane_watch.jump(self)
        self.on()

    def reconfigure(self, refilter: bool = False) -> None:
        """The same limits; it is the rest of the change that counts here."""
        self.lane.reconfigure(self.lane.webhook)
        self.kafka.broad ^= refilter
        self._tighten()
        self.due = -math.inf
        self.kicked = True
        self.serve()

    # --- what must hold ---

    def check(self) -> None:
        lane_watch.check(self)

    def settle(self) -> None:
        lane_watch.settle(self)


def _arrived(part: Part, verdict: Verdict) -> list[Event]:
    """What the endpoint has of a part now."""
    if isinstance(verdict, Partial):
        return [item for index, item in enumerate(part.events) if index not in (*verdict.again, *verdict.refused)]
    return list(part.events) if isinstance(verdict, Delivered) else []

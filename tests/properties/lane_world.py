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
from forwarder.lane.actions import Action, Send
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Part
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.model.event import TP
from forwarder.model.verdict import Delivered, Interrupted
from forwarder.progress.checkpoint import Checkpoint
from tests.properties.lane_places import Kafka, Mood, Shelf, Taste, judge
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
        self.now = 0.0
        self.outcomes: set[Place] = set()
        self.delivered = dict.fromkeys(self.tps, -1)
        self.batches: set[tuple[Place, ...]] = set()
        self.safe = dict.fromkeys(self.tps, 0)
        self.crashed = self.cured = False
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
        self.lane = Lane(webhook(**{**LIMITS, **self._given}), self.budget, self.positions, self._wake)
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
        start = expected + skip
        end = min(start + count, self.kafka.end(tp))
        if start >= end:
            return
        self.positions[tp] = end
        if skip:
            self.lane.fall_behind(tp, expected)
        if found := self.kafka.wanted(tp, start, end):
            self.lane.offer(tp, found, self.now)

    # --- catch-up, by the rules of flow/catchup ---

    def look(self) -> None:
        if self.kicked:
            self.kicked = False
            self.following |= {tp for tp in self.tps if self.lane.wants(tp)}

    def catch_up(self, count: int = 5) -> bool:
        """One pass for each reader that is running; False when none is."""
        self.look()
        for tp in sorted(self.following):
            if not self.lane.wants(tp) or self._joined(tp):
                self.following.discard(tp)
                continue
            start = self.lane.behind[tp]
            if start < self.kafka.first[tp]:
                self._lose(tp, start)
                continue
            upto = min(start + count, self.kafka.end(tp), self.positions[tp])
            self.lane.feed(tp, self.kafka.wanted(tp, start, upto), upto, self.now)
            self._joined(tp)
        return bool(self.following)

    def _joined(self, tp: TP) -> bool:
        if self.lane.behind.get(tp, self.positions[tp]) < self.positions[tp]:
            return False
        self.lane.join(tp)
        return True

    def _lose(self, tp: TP, cursor: int) -> None:
        upto = self.kafka.first[tp]
        spared = self.lane.flights.offsets(tp, cursor) | self.lane.delivered_ahead.get(tp, set())
        gone = set(range(cursor, upto)) - spared
        assert self.lane.skip(tp, upto) == len(gone)
        self.outcomes |= {(tp.partition, offset) for offset in gone}

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
                    self._note(item.tp, item.offset)
        self.due = -math.inf
        self.serve()

    def _answer(self, action: Send, mood: Mood) -> None:
        part = action.part
        tastes = set() if self.cured else {self.kafka.taste(item) for item in part.events}
        verdict, fault = judge(tastes, mood)
        result = Response(200) if fault is None else Failure(fault, "no answer")
        sent = list(part.events)
        self.lane.on_verdict(action.flight, Attempt("b", part.attempts, result, 0.1), verdict, self.now, WALL, 1.0)
        if isinstance(verdict, Delivered):
            for item in sent:
                self._note(item.tp, item.offset)
                before = self.delivered[item.tp]
                self.delivered[item.tp] = item.offset
                assert item.offset > before or self.lane.policy.slots > 1, "in order"

    def _note(self, tp: TP, offset: int) -> None:
        place = (tp.partition, offset)
        assert self.crashed or place not in self.outcomes, "an event has one outcome"
        self.outcomes.add(place)

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

    def _own(self, loaded: dict[TP, Checkpoint]) -> None:
        for tp, checkpoint in loaded.items():
            self.positions[tp] = checkpoint.position
            restore(self.lane, tp, checkpoint, "f", None)
        if self.lane.state is not LaneState.DISABLED:
            for tp in self.tps:
                self._joined(tp)
        self.due = -math.inf
        self.kicked = True
        self.serve()

    def crash(self) -> None:
        """kill -9: what was not checkpointed is forgotten, and what was under way may or may not have arrived."""
        self.crashed = True
        self.delivered = dict.fromkeys(self.tps, -1)
        self._start_process()
        self._own(self.shelf.load())

    def hand_over(self, *, restart: bool) -> None:
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
        self._own(self.shelf.load())

    # --- configuration ---

    def off(self) -> None:
        self.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")

    def on(self) -> None:
        if self.lane.state in (LaneState.DISABLED, LaneState.PAUSED):
            self.lane.switch_on(Trigger.SWITCHED_ON)
        self.due = -math.inf
        self.serve()

    def reconfigure(self) -> None:
        """The same limits; it is the rest of the change that counts here."""
        self.lane.reconfigure(self.lane.webhook)
        self._tighten()
        self.due = -math.inf
        self.kicked = True
        self.serve()

    # --- what must hold ---

    def check(self) -> None:
        lane, books = self.lane, self.lane.books
        held = list(lane.window.events) + list(lane.flights.events())
        assert books.imbalance == 0
        assert books.held == len(held)
        assert books.returned >= 0
        assert self.budget.used - self.others == lane.holding.bytes == sum(item.size for item in held)
        assert len({(item.tp, item.offset) for item in held}) == len(held), "an event is held once"
        cursors = lane.cursors()
        for tp in self.tps:
            cursor = min(cursors.get(tp, self.positions[tp]), self.positions[tp])
            for item in self.kafka.wanted(tp, self.safe[tp], cursor):
                assert (tp.partition, item.offset) in self.outcomes or self.lane.policy.lossy, (
                    f"{tp} {item.offset} was lost"
                )
            self.safe[tp] = max(self.safe[tp], cursor)

    def settle(self) -> None:
        """The endpoint takes everything and all is read: it must come to an end by itself."""
        self.cured = True
        for tp in self.tps:
            self.read(tp, self.kafka.end(tp))
        self.on()
        for _ in range(3000):
            self.serve()
            if self.under_way:
                self.finish(0, Mood.WELL)
            elif not self.catch_up():
                if self._at_rest():
                    break
                self.advance(max(1.0, min(400.0, self.due - self.now)))
        self.check()
        assert self._at_rest(), "the lane stands still"
        assert self.lane.books.pending == 0
        if not self.lane.policy.lossy:
            for tp in self.tps:
                for item in self.kafka.wanted(tp, 0, self.kafka.end(tp)):
                    assert (tp.partition, item.offset) in self.outcomes

    def _at_rest(self) -> bool:
        return not self.lane.cursors() and not self.under_way

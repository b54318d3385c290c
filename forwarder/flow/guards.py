"""Timed looks at what no event betrays: a silent skip at the tail, a recreated topic, a spent byte budget. Starts no attempt."""

from __future__ import annotations

from forwarder.clock import Clock
from forwarder.flow.catchup import CatchUp
from forwarder.flow.intake import Intake
from forwarder.flow.roster import Roster
from forwarder.kafka.group import Group
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane
from forwarder.model.event import TP
from forwarder.observe.events import BudgetSpent, TopicRecreated
from forwarder.observe.health import Health
from forwarder.observe.observer import Observer
from forwarder.source.positions import Positions, Recreated, Tail, TailGuard

SOON_SECONDS, LATER_SECONDS, WATCHFUL_SECONDS = 0.3, 1.0, 5.0
"""After a rebalance a skip is likeliest: look often for a while, then at leisure."""

PAUSE_ABOVE, RESUME_BELOW = 1.25, 0.9
"""Shares of the budget at which partitions are paused and resumed, when giving windows back to Kafka was not enough."""


class Guards:
    """`since` is when partitions were last assigned (monotonic seconds)."""

    def __init__(
        self, group: Group, roster: Roster, intake: Intake, catch_up: CatchUp, positions: Positions,
        budget: Budget, health: Health, observer: Observer, clock: Clock,
    ) -> None:  # fmt: skip
        self.since = 0.0
        self.paused = False
        self._group = group
        self._roster = roster
        self._intake = intake
        self._catch_up = catch_up
        self._positions = positions
        self._budget = budget
        self._health = health
        self._observer = observer
        self._clock = clock
        self._tail = TailGuard()
        self._told: set[TP] = set()

    def assigned(self) -> None:
        """A rebalance ended: watch closely."""
        self.since = self._clock.monotonic()
        self.paused = False
        self._tail.forget()
        self._told.clear()
        self._catch_up.halted.clear()
        self.look_for_recreated()

    def interval(self) -> float:
        """Seconds until the next look."""
        return SOON_SECONDS if self._clock.monotonic() - self.since < WATCHFUL_SECONDS else LATER_SECONDS

    def look(self) -> None:
        """One look at everything. Also kicks catch-up: a lane that waited for the budget, not for its own room, is told by nobody."""
        self.look_at_budget()
        self.look_for_recreated()
        self._catch_up.kick()
        if not self._intake.closed and not self.paused:
            for tp in list(self._positions.expected):
                if tp not in self._positions.halted:
                    self._look_at_tail(tp)

    def look_at_budget(self) -> None:
        """When the budget is spent, the largest windows go back to Kafka; if too much still waits, reading pauses.

        What is in flight counts for neither: to hold up everybody would not make an endpoint answer. A lane that is well and within
        its share is left alone.
        """
        budget = self._budget
        if budget.spent:
            shrunk = []
            durable = (lane for lane in self._roster if not lane.policy.lossy and _may_shrink(lane))
            for lane in sorted(durable, key=lambda lane: lane.window.bytes, reverse=True):
                if not budget.spent or not lane.window.events:
                    break
                lane.shrink()
                shrunk.append(lane.name)
            self._observer.emit(
                BudgetSpent(used_bytes=budget.used, budget_bytes=budget.limit, webhooks=tuple(shrunk[:20]))
            )
        waiting = sum(lane.window.bytes for lane in self._roster) if budget.spent or self.paused else 0
        if waiting > budget.limit * PAUSE_ABOVE and not self.paused:
            self.paused = True
            self._group.pause(self._group.assignment())
        elif self.paused and waiting < budget.limit * RESUME_BELOW:
            self.paused = False
            self._group.resume(self._group.assignment())

    def _look_at_tail(self, tp: TP) -> None:
        expected = self._positions.expected[tp]
        passed = self._group.passed(tp)
        if passed is not None and passed[0] <= expected < passed[1]:
            self._positions.expected[tp] = passed[1]
            return
        handed, end = self._group.fetch_position(tp), self._group.log_end(tp)
        match self._tail.check(tp, expected, handed, end, self._clock.monotonic()):
            case Tail.SKIPPED if handed is not None:
                self._intake.skipped(tp, handed)
            case Tail.RECREATED if end is not None:
                self._positions.halted[tp] = Recreated(expected, end)
                self.look_for_recreated()

    def look_for_recreated(self) -> None:
        """Halt what stands on a topic that was made anew: nothing of it is routed, caught up or committed any more. All other
        partitions go on."""
        halted = self._positions.halted
        for tp, why in halted.items():
            if tp not in self._told:
                self._told.add(tp)
                self._catch_up.halted.add(tp)
                self._observer.emit(
                    TopicRecreated(topic=tp.topic, partition=tp.partition, expected=why.expected, end=why.found)
                )
        if halted:
            self._health.set("topics", False, self._what_to_do(sorted(halted)))
        elif self._health.conditions["topics"].ok is False:
            self._health.set("topics", True)

    def _what_to_do(self, halted: list[TP]) -> str:
        places = ", ".join(f"{tp.topic}/{tp.partition}" for tp in halted[:5]) + (" ..." if halted[5:] else "")
        topics = ", ".join(self._group.checkpoint_topic(topic) for topic in sorted({tp.topic for tp in halted}))
        return (
            f"{places}: the log does not hold what was read already, so the topic was deleted and made anew. To read the new one "
            f"from its first record: stop all workers of the group, delete {topics}, start them again"
        )


def _may_shrink(lane: Lane) -> bool:
    return lane.refreeze is None and (lane.holding.above_share or lane.flights.failures > 0)

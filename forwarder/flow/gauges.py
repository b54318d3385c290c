"""Numbers read at scrape time: pending, bytes, lag, ages. Looks; changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from forwarder.clock import Clock
from forwarder.deliver.sign.signer import Signer
from forwarder.flow.accounting import totals
from forwarder.flow.roster import UNREADABLE, Roster
from forwarder.flow.tally import Tally
from forwarder.kafka.group import Group
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane
from forwarder.observe import declared as d
from forwarder.observe.metrics import Metrics
from forwarder.source.positions import Positions


class Gauges:
    """Registers itself with the metrics. `group` may be None until Kafka is reached."""

    def __init__(
        self,
        metrics: Metrics,
        roster: Roster,
        tally: Tally,
        positions: Positions,
        budget: Budget,
        group: Callable[[], Group | None],
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._roster = roster
        self._tally = tally
        self._positions = positions
        self._budget = budget
        self._group = group
        self._clock = clock
        metrics.gauge(d.MEMORY_BUDGET).set(budget.limit)
        metrics.on_scrape(self.refresh)

    def refresh(self) -> None:
        """Set everything that is not counted as it happens."""
        self._tally.sync_all()
        self._metrics.gauge(d.MEMORY_USED).set(self._budget.used)
        for lane in self._roster:
            blocked = any(flight.head.failed_writes for flight in lane.flights.items)
            self._metrics.gauge(d.DEAD_LETTERS_BLOCKED, lane.name).set(int(blocked))
            if lane.name != UNREADABLE:
                self._lane(lane)
        group = self._group()
        if group is not None:
            self._partitions(group)

    def _lane(self, lane: Lane) -> None:
        bound = self._metrics.webhook(lane.name)
        bound.pending.set(lane.books.pending)
        bound.books_imbalance.set(lane.books.imbalance)
        for word, count in totals(lane).items():
            bound.books_events[word].set(count)
        bound.circuit_open.set(int(lane.flights.circuit_open))
        bound.behind_partitions.set(len(lane.behind))
        bound.window_bytes.set(lane.holding.bytes)
        bound.oldest_undelivered.set(oldest(lane))
        bound.tls_unverified.set(int(lane.webhook.allow_invalid_certs))
        self._limits(lane)
        bound.set_state(lane.state.value)
        self._signature_keys(lane)

    def _signature_keys(self, lane: Lane) -> None:
        signer = Signer(lane.webhook)
        ends = {key.name: key.not_after for key in signer.lifetimes()}
        self._metrics.webhook(lane.name).keys.show(signer.states(self._clock.wall()), ends)

    def _limits(self, lane: Lane) -> None:
        bound, gate, now = self._metrics.webhook(lane.name), lane.flights.gate, self._clock.monotonic()
        bound.concurrency_limit.set(gate.slots)
        bound.rate_tokens.set(gate.tokens(now) or 0)
        for limit, gauge in bound.waiting.items():
            gauge.set(int(limit is gate.held_by(now)))

    def _partitions(self, group: Group) -> None:
        for tp, expected in self._positions.expected.items():
            bound = self._metrics.partition(tp)
            end = group.stable_end(tp)
            if bound is not None:
                bound.position.set(expected)
                if end is not None:
                    bound.lag.set(max(0, end - expected))


def oldest(lane: Lane) -> float:
    """Kafka timestamp (Unix seconds) of the oldest event in memory without an outcome; 0 when there is none."""
    stamps = [event.timestamp_ms for flight in lane.flights.items for event in flight.head.events[:1]]
    if lane.window.events:
        stamps.append(lane.window.events[0].timestamp_ms)
    return min(stamps, default=0) / 1000

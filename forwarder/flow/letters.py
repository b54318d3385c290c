"""Writes dead letters and ledger entries to Kafka and says whether the broker has them. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from forwarder.clock import Clock
from forwarder.kafka.producer import Produced, ProduceFailed, RecordProducer
from forwarder.kafka.topics import ledger_topic
from forwarder.lane.flight import Part
from forwarder.lane.losses import Loss
from forwarder.model.attempt import DeadLetterReason
from forwarder.model.event import Event, Unreadable
from forwarder.observe.events import DeadLettersTakenAgain, DeadLetterWriteFailed
from forwarder.observe.observer import Observer
from forwarder.progress import ledger
from forwarder.progress.deadletter import Cause, dead_letter

BATCH = 200
"""Records produced at once: enough to fill a request, few enough to bound memory when the topic refuses them."""


class Letters:
    """`topics` maps a source topic to its dead-letter topic. What the broker has of a part is remembered on the part."""

    def __init__(
        self,
        producer: RecordProducer,
        topics: Mapping[str, str],
        group: str,
        cluster: str,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._producer = producer
        self._topics = topics
        self._ledger = ledger_topic(group)
        self._cluster = cluster
        self._observer = observer
        self._clock = clock
        self._blocked: dict[tuple[str, str], float] = {}

    async def dead_letters(self, webhook: str, part: Part) -> bool:
        """True when the broker has acknowledged every event of the part."""
        written = part.prepared if isinstance(part.prepared, set) else set()
        part.prepared = written
        left = [event for event in part.events if (event.tp, event.offset) not in written]
        for start in range(0, len(left), BATCH):
            some = left[start : start + BATCH]
            acks = await asyncio.gather(*(self._dead_letter(webhook, part, event) for event in some))
            written.update((event.tp, event.offset) for event, ok in zip(some, acks, strict=True) if ok)
            if not all(acks):
                return False
        return True

    async def discards(self, webhook: str, part: Part) -> bool:
        """True when the ledger has the part's offset ranges."""
        assert part.reason is not None
        reason, now = part.reason.value, self._clock.wall()
        return await self._record(webhook, ledger.entries(webhook, reason, self._cluster, part.events, now))

    async def losses(self, webhook: str, loss: Loss) -> bool:
        """True when the ledger has the ranges of what was given up outside a batch."""
        reason, now = loss.reason.value, self._clock.wall()
        entries = ledger.entries_of(webhook, reason, self._cluster, loss.tp, loss.runs, now, loss.count)
        return await self._record(webhook, entries)

    async def _record(self, webhook: str, entries: Iterable[ledger.LedgerEntry]) -> bool:
        for entry in entries:
            record = ledger.encode(entry)
            ack = await self._producer.produce(self._ledger, webhook.encode(), record, (), int(entry.at * 1000))
            if not self._told(webhook, entry.topic, self._ledger, ack, len(record)):
                return False
        return True

    async def _dead_letter(self, webhook: str, part: Part, event: Event) -> bool:
        letter = dead_letter(event, _cause(webhook, part, event), self._cluster)
        topic = self._topics[event.tp.topic]
        ack = await self._producer.produce(topic, letter.key, letter.value, letter.headers, letter.timestamp_ms)
        return self._told(webhook, event.tp.topic, topic, ack, letter.size)

    def _told(self, webhook: str, source: str, target: str, ack: Produced | ProduceFailed, size: int) -> bool:
        """Whether it is written. Counted for the topic that the events come from: those are the topics that have metrics."""
        key, now = (webhook, target), self._clock.monotonic()
        if isinstance(ack, Produced):
            since = self._blocked.pop(key, None)
            if since is not None:
                self._observer.emit(DeadLettersTakenAgain(webhook, target, round(now - since, 1)))
            return True
        if not ack.collateral:
            self._blocked.setdefault(key, now)
            error = f"{target}: {ack.text} (a record of {size} bytes)"
            self._observer.emit(DeadLetterWriteFailed(source, webhook, target, error))
        return False


def _cause(webhook: str, part: Part, event: Event) -> Cause:
    reason = event.problem or part.reason  # unreadable records share a part, each with a problem of its own
    unread = isinstance(reason, Unreadable) and reason is not Unreadable.FILTER_ERROR
    return Cause(
        reason="" if reason is None else reason.value,
        detail=event.detail or (part.excerpt if reason is DeadLetterReason.UNRENDERABLE else ""),
        webhook="" if unread else webhook,
        attempts=part.earlier + part.attempts,
        status=part.status,
        excerpt=part.excerpt,
        first_attempt=part.first_attempt,
        last_attempt=part.last_attempt,
    )

"""Questions to Kafka's log that must be answered before the first event: asked until they are. Decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from forwarder.clock import Clock
from forwarder.kafka.offsets import Offsets
from forwarder.kafka.reader import Unavailable
from forwarder.model.event import TP
from forwarder.observe.events import KafkaUnreachable
from forwarder.observe.observer import Observer

AGAIN_SECONDS = 1.0

T = TypeVar("T")


class PatientLog:
    """Implements `flow.starts.Log` over `Offsets`. Waits, and says so, for as long as Kafka does not answer."""

    def __init__(self, offsets: Offsets, brokers: tuple[str, ...], observer: Observer, clock: Clock) -> None:
        self._offsets = offsets
        self._brokers = brokers
        self._observer = observer
        self._clock = clock
        self._open = False

    async def log_start(self, tp: TP) -> int:
        return await self._insist(lambda: self._offsets.log_start(tp))

    async def stable_end(self, tp: TP) -> int:
        return await self._insist(lambda: self._offsets.stable_end(tp))

    async def offset_for_time(self, tp: TP, ms: int) -> int:
        found = await self._insist(lambda: self._offsets.at_time(tp, ms))
        return await self.stable_end(tp) if found is None else found

    async def times_at(self, offsets: Mapping[TP, int]) -> Mapping[TP, int]:
        """Asked once: who waits here holds up the whole group, and there are other guards."""
        if not self._open and await self._offsets.open() is not None:
            return {}
        self._open = True
        answer = await self._offsets.times_at(offsets)
        return {} if isinstance(answer, Unavailable) else answer

    async def _insist(self, question: Callable[[], Awaitable[T | Unavailable]]) -> T:
        while True:
            answer: T | Unavailable | None = None if self._open else await self._offsets.open()
            if answer is None:
                self._open = True
                answer = await question()
            if not isinstance(answer, Unavailable):
                return answer
            self._observer.emit(KafkaUnreachable(brokers=self._brokers, error=answer.text))
            await self._clock.sleep(AGAIN_SECONDS)

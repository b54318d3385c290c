"""The only way of a static member into its group: sees when its place is lost, and is shut for good after one loss too many.

aiokafka joins again at once, which takes the place from whoever has it; two such members would go on for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka.errors import BrokerResponseError, KafkaError, kafka_errors

from forwarder.kafka.refusals import Refusals


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]
    """The broker's code for: another process has joined with this instance id (Kafka protocol, error 82); aiokafka lacks it."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "another process has joined with this instance id"


class Place:
    """One consumer's place. Lives in the consumer's thread; `shut` is called there, once, when the process has to end."""

    def __init__(self, refusals: Refusals, shut: Callable[[], None]) -> None:
        self._refusals = refusals
        self._shut = shut
        self._held = self._over = False

    def guard(self, coordinator: Any) -> None:
        """Stand in the way of a coordinator's joins; before it has joined for the first time."""
        kafka_errors.setdefault(FencedInstanceIdError.errno, FencedInstanceIdError)
        join, beat = coordinator.ensure_active_group, coordinator._do_heartbeat

        async def ensure_active_group(subscription: Any, prev_assignment: Any) -> Any:
            if self._held and not coordinator.member_id:
                self._lose()
            if self._over:
                await asyncio.wait({coordinator._closing})
                return None
            return await self._join(coordinator, lambda: join(subscription, prev_assignment))

        async def heartbeat() -> Any:
            known = await beat()
            if known:
                self._refusals.heard(_now())
            return known

        coordinator.ensure_active_group, coordinator._do_heartbeat = ensure_active_group, heartbeat

    async def _join(self, coordinator: Any, join: Callable[[], Any]) -> Any:
        """None: not joined, and aiokafka asks again. A place that was taken while we waited for it is no error of the consumer's."""
        try:
            assignment = await join()
        except KafkaError as error:
            if FencedInstanceIdError.__name__ not in str(error):  # aiokafka wraps the error in a text
                raise
            coordinator.reset_generation()
            self._lose(to_another=True)
            await asyncio.sleep(coordinator._retry_backoff_ms / 1000)
            return None
        if coordinator.member_id and not self._held:
            self._held = True
            self._refusals.joined(_now())
        return assignment

    def _lose(self, *, to_another: bool = False) -> None:
        self._held = False
        if self._refusals.lost(_now(), to_another=to_another):
            self._over = True
            self._shut()


def _now() -> float:
    return asyncio.get_running_loop().time()

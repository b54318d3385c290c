"""A static member's way into the group: every loss of its place is seen, and one too many shuts it before it joins again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaError, for_code

from forwarder.kafka.private.place import Place
from forwarder.kafka.refusals import LIMIT, Refusals

FENCED = 82


class Coordinator:
    """aiokafka's, as far as its joins go: `answers` are what the group says to each, in turn: a member id, or an error code."""

    def __init__(self, *answers: str | int) -> None:
        self.answers = list(answers)
        self.member_id = ""
        self.joins = 0
        self.known = True
        self._retry_backoff_ms = 0
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ensure_active_group(self, subscription: Any, prev_assignment: Any) -> Any:
        self.joins += 1
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise KafkaError(repr(for_code(answer)()))
        self.member_id = answer
        return f"partitions for {answer}" if answer else None

    async def _do_heartbeat(self) -> bool:
        return self.known

    def reset_generation(self) -> None:
        self.member_id = ""

    async def turn(self) -> Any:
        return await self.ensure_active_group("topics", None)


def guarded(*answers: str | int, session: float = 10.0) -> tuple[Coordinator, list[bool]]:
    """A coordinator behind a place, and the list that grows when the place is shut."""
    coordinator, shut = Coordinator(*answers), list[bool]()
    Place(Refusals(session=session, fight=60.0), lambda: shut.append(True)).guard(coordinator)
    return coordinator, shut


async def lose(coordinator: Coordinator, times: int) -> None:
    for _ in range(times):
        await coordinator.turn()
        coordinator.reset_generation()


async def test_a_first_join_and_rebalances_lose_nothing() -> None:
    coordinator, shut = guarded(*["a"] * 10)
    assert [await coordinator.turn() for _ in range(10)] == ["partitions for a"] * 10
    assert not shut


async def test_a_member_that_loses_its_place_again_and_again_joins_no_more_and_closes_well() -> None:
    coordinator, shut = guarded(*"abcdef")
    await lose(coordinator, LIMIT)
    assert not shut, "it does not know yet"
    waiting = asyncio.ensure_future(coordinator.turn())
    await asyncio.sleep(0)
    assert shut == [True]
    assert coordinator.joins == LIMIT
    coordinator._closing.set_result(None)
    assert await waiting is None
    assert coordinator.joins == LIMIT
    assert shut == [True]


async def test_joins_that_fail_before_there_is_a_place_are_no_losses() -> None:
    coordinator, shut = guarded(*[""] * 10, "a")
    assert [await coordinator.turn() for _ in range(11)] == [None] * 10 + ["partitions for a"]
    assert not shut


async def test_to_be_fenced_while_waiting_for_a_place_is_a_loss_and_no_crash() -> None:
    coordinator, shut = guarded(FENCED, FENCED, FENCED, "never")
    assert [await coordinator.turn() for _ in range(LIMIT)] == [None] * LIMIT
    assert shut == [True]
    waiting = asyncio.ensure_future(coordinator.turn())
    await asyncio.sleep(0)
    assert coordinator.joins == LIMIT
    coordinator._closing.set_result(None)
    assert await waiting is None


async def test_who_was_fenced_asks_for_a_place_of_its_own_the_next_time() -> None:
    coordinator, _ = guarded("a", FENCED)
    await coordinator.turn()
    assert await coordinator.turn() is None
    assert coordinator.member_id == ""


async def test_other_errors_of_a_join_are_aiokafkas() -> None:
    coordinator, shut = guarded(*[24] * 5)
    for _ in range(5):
        with pytest.raises(KafkaError, match="InvalidGroupId"):
            await coordinator.turn()
    assert not shut


@pytest.mark.looptime
@pytest.mark.parametrize(("known", "shuts"), [(True, True), (False, False)])
async def test_a_place_that_was_lost_in_a_silence_longer_than_the_session_is_nobodys_doing(
    known: bool, shuts: bool
) -> None:
    coordinator, shut = guarded(*"abcdef")
    for _ in range(LIMIT):
        await coordinator.turn()
        coordinator.known = known
        await asyncio.sleep(11)
        assert await coordinator._do_heartbeat() is known
        coordinator.reset_generation()
    waiting = asyncio.ensure_future(coordinator.turn())
    await asyncio.sleep(0)
    assert bool(shut) is shuts
    assert waiting.done() is not shuts
    coordinator._closing.set_result(None)
    await waiting

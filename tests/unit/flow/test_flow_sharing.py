"""Limits are divided by the workers that own partitions; until Kafka has told, by the most that there can be."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from forwarder.flow.sharing import ASK_EVERY_SECONDS, Hosts, Sharing
from forwarder.kafka.members import owners
from forwarder.observe.declared import GROUP_MEMBERS
from forwarder.settings.limits import Limits
from tests.unit.flow.flow_rig import Flow

pytestmark = pytest.mark.looptime


class Told:
    """Says what it is told to; counts the questions."""

    def __init__(self, *answers: int | None) -> None:
        self.answers, self.asked = list(answers), 0

    async def count(self) -> int | None:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Rig:
    def __init__(self, told: Told, partitions: int = 12) -> None:
        self.flow, self.hosts, self.woken = Flow(), Hosts(Limits(per_host=8), lambda lane: None), 0
        self.sharing = Sharing(self.hosts, told, partitions, self._wake, self.flow.observer, self.flow.clock)
        self.task = asyncio.ensure_future(self.sharing.run())

    def _wake(self) -> None:
        self.woken += 1

    @property
    def members(self) -> tuple[int, float]:
        (sample,) = self.flow.metrics.gauge(GROUP_MEMBERS).collect()[0].samples
        return self.hosts.share.members, sample.value

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def test_until_kafka_tells_the_most_that_there_can_be_count() -> None:
    rig = Rig(Told(None, None, 2))
    rig.sharing.assigned(owned=6)
    assert rig.members == (7, 7)
    await asyncio.sleep(3)
    assert rig.members == (2, 2)
    await rig.end()


async def test_whoever_owns_everything_has_the_whole_limit_at_once() -> None:
    rig = Rig(Told(2))
    await asyncio.sleep(0.1)
    assert rig.members == (2, 2)
    woken = rig.woken
    rig.sharing.assigned(owned=12)
    assert rig.members == (1, 1)
    assert rig.woken == woken + 1
    await rig.end()


async def test_an_answer_of_before_an_assignment_does_not_count_after_it() -> None:
    class Late(Told):
        async def count(self) -> int | None:
            self.asked += 1
            if self.asked == 1:
                await asyncio.sleep(2)
                return 1
            return None

    rig = Rig(Late(None))
    await asyncio.sleep(1)
    rig.sharing.assigned(owned=6)
    await asyncio.sleep(2)
    assert rig.members == (7, 7)
    await rig.end()


async def test_it_asks_now_and_then_for_a_silent_change() -> None:
    told = Told(3, 2)
    rig = Rig(told)
    rig.sharing.assigned(owned=4)
    await asyncio.sleep(ASK_EVERY_SECONDS + 1)
    assert rig.members == (2, 2)
    await rig.end()


async def test_kafka_that_does_not_answer_is_not_asked_every_second_for_ever() -> None:
    told = Told(None)
    rig = Rig(told)
    rig.sharing.assigned(owned=6)
    await asyncio.sleep(600)
    assert told.asked < 30
    asked = told.asked
    rig.sharing.assigned(owned=5)
    await asyncio.sleep(0.5)
    assert told.asked == asked + 1
    await rig.end()


def member(*topics: tuple[str, list[int]]) -> tuple[str, ...]:
    assignment = ConsumerProtocolMemberAssignment(0, list(topics), b"").encode()
    return ("id", "client", "host", b"", assignment)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("state", "members", "count"),
    [
        ("Stable", [member(("events", [0])), member(("events", [1]), ("other", [0]))], 2),
        ("Stable", [member(("events", [0])), member(("events", [])), member(("other", [0]))], 1),
        ("Stable", [("id", "client", "host", b"", b"")], 0),
        ("PreparingRebalance", [member(("events", [0]))], None),
    ],
)
def test_only_members_with_partitions_of_a_source_count(state: str, members: list[object], count: int | None) -> None:
    assert owners((0, "group", state, "consumer", "faust", members), frozenset({"events"})) == count

"""Laws of the whole flow in virtual time: random endpoints, gaps, rebalances, reloads, lost checkpoints and crashes.

For every webhook: nothing is lost, first deliveries come in order within a partition, and without crashes nothing comes twice
but what had no answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest

from forwarder.deliver.request import Exchange, Request
from forwarder.kafka.group import Failed, Fence
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.event import TP
from tests.properties.runs import offsets_of
from tests.unit.flow.flow_rig import P0, P1, UNANSWERED, FakeGroup, FakeLog, Flow, chunk, hook

HOOKS = (
    hook("fine"),
    hook("slow", throttle=2, maxEvents=7),
    hook("grouped", idleGap=1, maxWait=3, throttle=0.5),
    hook("down", maxEvents=5),
    hook("refusing", maxEvents=9),
    hook("many", concurrency=3, maxEvents=4),
    hook("late", startAt="earliest", onEnable="continue"),
)
WHERE = TP("logs", 0), TP("logs", 1)


class Endpoints:
    """Every receiver. `taken` is what each accepted, in order; `unsure` what it accepted without saying so."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.well = False
        self.taken: dict[str, list[str]] = {}
        self.unsure: Counter[tuple[str, str]] = Counter()

    async def answer(self, request: Request) -> Exchange:
        name = request.url.split("/")[2].split(".")[0]
        ids = [item["id"] for item in json.loads(request.content)]
        await asyncio.sleep(self._dice.choice([0.0, 0.01, 0.4]))
        if not self.well:
            if name == "down" and self._dice.random() < 0.7:
                return self._trouble(name, ids)
            if name == "refusing" and any(int(one.rpartition("-")[2]) % 41 == 3 for one in ids):
                return Exchange(Response(400))
            if self._dice.random() < 0.1:
                return self._trouble(name, ids)
        self.taken.setdefault(name, []).extend(ids)
        return Exchange(Response(200))

    def _trouble(self, name: str, ids: list[str]) -> Exchange:
        match self._dice.randint(0, 2):
            case 0:
                return Exchange(Response(503))
            case 1:
                return Exchange(Failure(Fault.REFUSED, "refused"))
        if self._dice.random() < 0.5:
            self.taken.setdefault(name, []).extend(ids)
            self.unsure.update((name, one) for one in ids)
        return Exchange(Failure(Fault.TIMEOUT, "no answer"))


class Story:
    """One random life of a worker, and of those that come after it. `crashes`: kill -9 may happen."""

    def __init__(self, seed: int, crashes: bool) -> None:
        self.dice = random.Random(seed)
        self.crashes = crashes
        self.log, self.group, self.ends = FakeLog(), FakeGroup(), Endpoints(self.dice)
        self.hooks = list(HOOKS)
        self.dead: set[tuple[str, str]] = set()
        self.repeatable: set[tuple[str, str]] = set()

    async def begin(self) -> None:
        self.flow = Flow(*self.hooks, log=self.log, group=self.group, drain=0.3)
        self.flow.client.answer = self.ends.answer
        await self.flow.assign(P0, P1)

    async def live(self, steps: int) -> None:
        await self.begin()
        for _ in range(steps):
            await self.dice.choices(
                [self.read, self.wait, self.gap, self.save, self.rebalance, self.reload, self.shrink, self.crash],
                [12, 8, 1, 5, 0.5, 0.5, 1, 0.7 if self.crashes else 0],
            )[0]()
            for lane in self.flow.roster:
                assert lane.books.imbalance == 0
        await self.end()

    async def read(self) -> None:
        tp = self.dice.choice(WHERE)
        self.produce(tp, self.dice.randint(1, 30))
        self.flow.take(self.dice.randint(1, 40), tp) if self.behind(tp) else None

    def produce(self, tp: TP, count: int) -> None:
        start = len(self.log.records.get(tp, []))
        for n in range(start, start + count):
            self.log.fill(1, tp, id=f"{tp.partition}-{n}", time=f"2023-11-14T22:{n // 60 % 60:02d}:{n % 60:02d}Z")

    def behind(self, tp: TP) -> int:
        return len(self.log.records.get(tp, [])) - self.flow.positions.expected[tp]

    async def wait(self) -> None:
        await asyncio.sleep(self.dice.choice([0.0, 0.1, 1.0, 30.0]))
        self.flow.guards.look()

    async def gap(self) -> None:
        tp = self.dice.choice(WHERE)
        start = self.flow.positions.expected[tp] + self.dice.randint(1, 5)
        if start < len(self.log.records.get(tp, [])):
            self.flow.intake.take(tp, chunk(tp, self.log.records[tp][start : start + 10]))

    async def save(self) -> None:
        self.group.fences = self.dice.choice([[], [], [], [Fence.UNKNOWN]])
        self.group.answers = self.dice.choice([[], [], [], [Failed("no")], [UNANSWERED]])
        await self.flow.keeper.save()
        self.group.fences, self.group.answers = [], []

    async def rebalance(self) -> None:
        await self.flow.revoke()
        await self.flow.assign(P0, P1)

    async def reload(self) -> None:
        index = self.dice.randrange(len(self.hooks))
        self.hooks[index] = self.hooks[index] | {"timeout": self.dice.randint(5, 50)}
        await self.flow.apply(*self.hooks)

    async def shrink(self) -> None:
        self.dice.choice(list(self.flow.roster.lanes.values())).shrink()

    async def crash(self) -> None:
        """What came since the last checkpoint may come again."""
        await self.stop()
        found = {tp.partition: self.group.checkpoint(tp) for tp in WHERE}
        for name, ids in self.ends.taken.items():
            for one in ids:
                partition, offset = (int(part) for part in one.split("-"))
                mark = found[partition].lanes.get(name)
                done = mark is not None and offset in offsets_of(mark.ahead)
                if offset >= (mark.cursor if mark else found[partition].position) and not done:
                    self.repeatable.add((name, one))
        await self.begin()

    async def stop(self) -> None:
        self.letters()
        await self.flow.close()

    def letters(self) -> None:
        for _, _, value, headers in self.flow.producer.written:
            self.dead.add((dict(headers)["forwarder-webhook"].decode(), json.loads(value or b"{}")["id"]))

    async def end(self) -> None:
        self.ends.well = True
        for _ in range(40):
            for tp in WHERE:
                if self.behind(tp):
                    self.flow.take(50, tp)
            await asyncio.sleep(10)
            self.flow.guards.look()
        await asyncio.sleep(3000)
        await self.flow.revoke()
        await self.stop()
        self.judge()

    def judge(self) -> None:
        everything = {f"{tp.partition}-{n}" for tp in WHERE for n in range(len(self.log.records.get(tp, [])))}
        for webhook in self.hooks:
            name = str(webhook["name"])
            taken = self.ends.taken.get(name, [])
            letters = {one for who, one in self.dead if who == name}
            assert everything - set(taken) - letters == set(), f"{name} lost events"
            again = [one for one, count in Counter(taken).items() if count > 1 + self.ends.unsure[name, one]]
            assert all((name, one) in self.repeatable for one in again), f"{name} got some twice"
            if name != "many":
                for tp in WHERE:
                    mine = [one for one in dict.fromkeys(taken) if one[0] == str(tp.partition) and one not in letters]
                    first = [int(one.partition("-")[2]) for one in mine]
                    assert first == sorted(first), f"{name} got some out of order"
        for tp in WHERE:
            assert self.group.checkpoint(tp).lanes == {}


@pytest.mark.looptime
@pytest.mark.parametrize("seed", range(12))
async def test_without_crashes_everything_arrives_once_and_in_order(seed: int) -> None:
    await Story(seed, crashes=False).live(150)


@pytest.mark.looptime
@pytest.mark.parametrize("seed", range(12))
async def test_with_crashes_everything_arrives_in_order_and_only_what_was_not_checkpointed_again(seed: int) -> None:
    await Story(seed, crashes=True).live(150)

"""The broadest of the short runs: one worker, a backlog, and five endpoints that each have a trouble of their own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.chaos.events import TYPES
from tests.chaos.fleet import STANDARD_KEY
from tests.chaos.mutants.receiver import Behaviour, Visit
from tests.chaos.mutants.stage import Stage, running

BACKLOG, LIVE = 3000, 500
SLOW_SECONDS = 0.02
REFUSED = ("auth.deny", "file.open")


@dataclass
class Sky:
    """What the endpoints do now. `refused` are poisonous events that were refused alone."""

    storm: bool = False
    poison: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    async def flaps(self, visit: Visit) -> None:
        """Refuses every fourth request, and everything in a storm."""
        await asyncio.sleep(SLOW_SECONDS)
        if self.storm or visit.number % 4 == 2:
            visit.refuse(503)

    async def slow(self, visit: Visit) -> None:
        await asyncio.sleep(SLOW_SECONDS)

    async def poisoned(self, visit: Visit) -> None:
        if not self.poison.isdisjoint(visit.ids):
            visit.refuse(400)
            self.refused.update(visit.ids if len(visit.ids) == 1 else ())

    async def stormy(self, visit: Visit) -> None:
        if self.storm:
            visit.refuse(500)

    def behaviours(self) -> dict[str, Behaviour]:
        return {"flaps": self.flaps, "picky": self.slow, "poisoned": self.poisoned, "expiring": self.stormy}


async def weather(stage: Stage) -> None:
    """A backlog, live events, aborted transactions, a record that nobody can read, lost chunks; and dead letters are refused for a
    while."""
    sky = Sky()
    stage.receiver.behaviours = sky.behaviours()
    stage.provocations = ("skips",)
    _hooks(stage)
    await stage.produce(BACKLOG)
    await stage.transact(40, commit=False)
    await _garbage(stage)
    async with running(stage.worker("worker")):
        await stage.kafka.topics.read_until(f"{stage.topic}.dead-letters", 1, timeout=10.0)
        await _dead_letters_fit(stage, False)
        await asyncio.sleep(1.0)
        sky.storm = True
        await stage.produce(LIVE, rate=250)
        await stage.transact(40, commit=False)
        await stage.transact(20, commit=True)
        sky.storm = False
        sky.poison = set(stage.next_ids(3))
        await stage.produce(50)
        await stage.until(lambda: sky.refused)
        await stage.produce(50, rate=25)  # time for Kafka to refuse the letter
        await _dead_letters_fit(stage, True)
        await stage.until_all("flaps", "poisoned", "expiring")


def _hooks(stage: Stage) -> None:
    stage.hook("flaps")
    stage.hook("picky", {"eventsPolicy": "exclude", "events": list(REFUSED)}, wants={"types": _others()})
    stage.hook("poisoned", {"deadLetterLimit": {"inARow": 10, "ratio": 0.5}})
    stage.hook("expiring", {"discardAfter": "1s", "onDiscard": "record"}, discards=True, records=True)
    signing = {"signatureKey": {"@type": "Value", "secret": STANDARD_KEY}, "signature": {"scheme": "standard-webhooks"}}
    stage.hook("signed", {"compression": "gzip", **signing})
    stage.receiver.signatures = {"signed": {"scheme": "standard-webhooks", "key": STANDARD_KEY}}


def _others() -> list[str]:
    return [kind for kind in TYPES if kind not in REFUSED]


async def _garbage(stage: Stage) -> None:
    for partition, offset in await stage.kafka.topics.produce(stage.topic, [b"no json"], partition=0):
        stage.produced.append({"broken": True, "topic": stage.topic, "partition": partition, "offset": offset})


async def _dead_letters_fit(stage: Stage, fit: bool) -> None:
    """The dead-letter topic takes records of this size, or none."""
    size = {"max.message.bytes": str(8 * 1024 * 1024 if fit else 60)}
    topic = ConfigResource(ConfigResourceType.TOPIC, f"{stage.topic}.dead-letters", size)
    async with stage.kafka.topics.admin() as admin:
        await admin.alter_configs([topic])

"""What an operator does to topics: one grows, one is deleted and made anew, one loses its checkpoints. Does what the docs say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from tests.chaos.control import call
from tests.chaos.plan import Step
from tests.chaos.scene import GROUP
from tests.chaos.stage import Stage
from tests.chaos.workers import Worker


async def operate(stage: Stage, step: Step) -> None:
    """Does one step to a topic; nobody else operates meanwhile."""
    async with stage.operator:
        if step.kind == "grow":
            await _grow(stage, step.target)
            return
        await call(stage.producer, {"do": "hold", "topic": step.target}, timeout=150.0)
        try:
            await _operate(stage, step)
        finally:
            await _go(stage, step.target)


async def _go(stage: Stage, topic: str) -> None:
    """Tells the producer what the topic is like now, and that it may go on."""
    partitions, generation = stage.partitions[topic], stage.generations[topic]
    await call(stage.producer, {"do": "go", "topic": topic, "partitions": partitions, "generation": generation})


async def _grow(stage: Stage, topic: str) -> None:
    async with stage.broker, stage.faults.during("grow", "topic", topic) as detail:
        detail["partitions"] = count = stage.partitions[topic] + 1
        await _insist(lambda: _grown(stage, topic, count))
        stage.partitions[topic] = count
    await _go(stage, topic)


async def _grown(stage: Stage, topic: str, count: int) -> None:
    if len(await stage.kafka.topics.end_offsets(topic)) < count:
        await stage.kafka.topics.grow(topic, count)


async def _operate(stage: Stage, step: Step) -> None:
    """All workers are stopped, the topics are changed, the workers are started again. Nobody else may touch any meanwhile."""
    topic, again = step.target, step.kind == "topic-recreated"
    for worker in stage.workers:
        await worker.lock.acquire()
    try:
        async with stage.broker, stage.faults.during(step.kind, "topic", topic):
            await asyncio.gather(*(_operator_stop(stage, worker) for worker in stage.workers))
            if again:
                await _insist(lambda: _delete(stage, topic))
                stage.produced.write({"lost_topic": topic, "t": time.time()})
                stage.generations[topic] += 1
            await _insist(lambda: _delete(stage, f"{GROUP}-checkpoint-{topic}-changelog"))
            if again:
                await _insist(lambda: _create(stage, topic))
            for worker in stage.workers:
                await worker.start()
    finally:
        for worker in stage.workers:
            worker.lock.release()


async def _operator_stop(stage: Stage, worker: Worker) -> None:
    if worker.process.alive:
        async with stage.faults.during("operator-stop", "graceful", worker.name):
            await worker.terminate()


async def _delete(stage: Stage, topic: str) -> None:
    if topic in await stage.kafka.topics.names():
        await stage.kafka.topics.delete(topic)


async def _create(stage: Stage, topic: str) -> None:
    if topic not in await stage.kafka.topics.names():
        await stage.kafka.topics.create(topic, stage.partitions[topic])


async def _insist(work: Callable[[], Awaitable[None]]) -> None:
    """Until the broker, which may just be coming back, has done it. Safe for work that looks first."""
    async with asyncio.timeout(90.0):
        while True:
            try:
                await work()
                return
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(1.0)

"""A real worker that is alive but stuck: the log names it with the stack, the metric counts it, /livez tells, a stop still ends."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from forwarder.cli.receiver import Receiver
from tests.integration.service.sabotage import sabotaged
from tests.integration.service.scenario import config_for, event, until_received
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka


async def logged(worker: ForwarderProcess, text: str, timeout: float = 20.0) -> dict[str, object]:
    deadline = time.monotonic() + timeout
    while not (lines := worker.logged(text)):
        assert time.monotonic() < deadline, worker.process.tail()
        await asyncio.sleep(0.1)
    return lines[0]


async def test_what_never_moves_is_found_while_other_webhooks_go_on(kafka: RealKafka, tmp_path: Path) -> None:
    topic, unread = await kafka.topics.create(partitions=1), await kafka.topics.create(kafka.topics.unique("deaf"))
    async with Receiver() as receiver:
        hooks = [
            {"name": "fine", "url": receiver.url, "throttle": "50ms"},
            {
                "name": "hanging",
                "sources": [topic],
                "url": f"{receiver.url}/stuck",
                "timeout": "500ms",
                "connectTimeout": "500ms",
            },
        ]
        bounds = {"after": "1s", "restartAfter": "3s"}
        config = config_for(tmp_path, kafka, topic, [topic, unread], hooks, watchdog=bounds, shutdown={"drain": "1s"})
        async with sabotaged(config, "attempts") as worker:
            await kafka.topics.produce(topic, [event(0, 0)], partition=0)
            found = await logged(worker, "hang_for_ever")
            assert (found["occurrence"], found["what"], found["name"]) == ("StuckFound", "lane", "hanging")
            assert any("hang_for_ever" in line for line in found["stack"])  # type: ignore[attr-defined]
            assert worker.metric("forwarder_stuck", what="lane") == 1
            assert worker.metric("forwarder_stuck_found_total", what="lane") == 1
            await asyncio.to_thread(worker.process.wait_until, "dead", lambda: worker.get("/livez")[0] == 503, 20.0)
            told = json.loads(worker.get("/livez")[1])
            assert told["alive"] is False and told["stuck"][0].startswith("lane hanging: an attempt with 1 events")
            await kafka.topics.produce(topic, [event(1, 0)], partition=0)
            assert (await until_received(receiver, [0, 1])).clean
            await kafka.topics.produce(unread, [event(2, 0)], partition=0)
            found = await logged(worker, f'"name": "{unread}/0"')
            assert (found["occurrence"], found["what"]) == ("StuckFound", "partition")
            assert any("thread" in line for line in found["stack"])  # type: ignore[attr-defined]
            assert any("faust/agents" in line for line in found["stack"]), found  # type: ignore[attr-defined]
            assert len(worker.logged("StuckFound")) == 2
            assert await asyncio.to_thread(worker.terminate) == 0


async def test_a_blocked_loop_is_told_with_its_stack_and_a_stop_that_hangs_is_cut_short(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms"}
        config = config_for(tmp_path, kafka, topic, [topic], [hook], shutdown={"drain": "1s"})
        async with sabotaged(config, "loop") as worker:
            before = worker.metric("forwarder_event_loop_stalls_total")
            await kafka.topics.produce(topic, [event(0, 0)], partition=0)
            found = await logged(worker, "block_the_loop")
            assert found["occurrence"] == "LoopStalled" and found["lag_s"] > 0.3  # type: ignore[operator]
            assert worker.metric("forwarder_event_loop_stalls_total") > before
            assert (await until_received(receiver, [0])).clean
            assert await asyncio.to_thread(worker.terminate, 20.0) == 1
            assert worker.logged("the stop took longer than 2 s")

"""Sets the demo's stage: receivers, broker, topics, configuration, Forwarder; and takes it down again, whatever happened."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from forwarder.cli.demo.events import PARTITIONS
from forwarder.cli.demo.processes import Child, accepts, broker_command, forwarder_command, free_port
from forwarder.cli.demo.produce import create_topics
from forwarder.cli.demo.record import Record
from forwarder.cli.demo.scenario import ACTORS, GROUP, configuration, environment
from forwarder.cli.demo.scrape import fetch
from forwarder.cli.receiver import Receiver
from forwarder.settings.kafka import Kafka

_BROKER_SECONDS = 20.0
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything runs and is ready. `base` is the URL of Forwarder's health server."""

    receivers: dict[str, Receiver]
    records: dict[str, Record]
    kafka: Kafka
    forwarder: Child
    base: str


@asynccontextmanager
async def stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """A stage in `folder` (configuration and logs). Raises ForwarderError when something does not start."""
    async with AsyncExitStack() as stack:
        records = {actor.name: Record(read=actor.read) for actor in ACTORS}
        receivers = {}
        for actor in ACTORS:
            receiver = Receiver(
                keys=(actor.key,),
                scheme=actor.scheme,
                behaviour=actor.behaviour,
                keep=1,
                on_arrival=records[actor.name].take,
            )
            receivers[actor.name] = await stack.enter_async_context(receiver)
        broker_port, http_port = free_port(), free_port()
        say("starting the embedded broker")
        broker = Child("the broker", broker_command(broker_port), folder / "broker.log")
        stack.callback(broker.kill)
        await broker.until("listens", partial(accepts, broker_port), _BROKER_SECONDS)
        kafka = Kafka(brokers=(f"127.0.0.1:{broker_port}",), group=GROUP)
        await create_topics(kafka, PARTITIONS)
        config = _write_config(folder, broker_port, http_port, receivers)
        say(f"starting Forwarder: forwarder run -c {config}")
        forwarder = Child("Forwarder", forwarder_command(config), folder / "forwarder.log", _environ())
        stack.push_async_callback(forwarder.terminate, _STOP_SECONDS)
        base = f"http://127.0.0.1:{http_port}"
        await forwarder.until("/readyz answers 200", lambda: fetch(f"{base}/readyz")[0] == 200, _READY_SECONDS)
        yield Stage(receivers, records, kafka, forwarder, base)


def _write_config(folder: Path, broker_port: int, http_port: int, receivers: dict[str, Receiver]) -> Path:
    urls = {name: receiver.url for name, receiver in receivers.items()}
    content = configuration(f"127.0.0.1:{broker_port}", f"127.0.0.1:{http_port}", urls)
    path = folder / "forwarder.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _environ() -> dict[str, str]:
    """Nothing of the shell's own settings of Forwarder counts here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FORWARDER_")}
    return inherited | environment()

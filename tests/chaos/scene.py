"""Where a run happens: topics, ports, folders, and Forwarder's configuration. Starts nothing."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.fleet import Hook, fleet
from tests.support.forwarder import write_config

GROUP = "chaos"
CLUSTER = "chaos"
CHECKPOINT_SECONDS = 1.0
SESSION_SECONDS = 6.0
DRAIN_SECONDS = 8.0


@dataclass(frozen=True)
class Topic:
    """`share` is its part of the rate. Events are written as `style` says (`events.make`)."""

    name: str
    partitions: int
    style: str
    share: float


TOPICS = (
    Topic("orders", 3, "cloudevents", 0.22),
    Topic("audit", 4, "standard", 0.22),
    Topic("wide", 12, "cloudevents", 0.44),
    Topic("growing", 1, "cloudevents", 0.06),
    Topic("remade", 2, "standard", 0.04),
    Topic("forgotten", 2, "cloudevents", 0.02),
)
"""`growing` gets more partitions, `remade` is deleted and created again, the checkpoints of `forgotten` are deleted."""


def source_settings(topic: Topic) -> dict[str, Any]:
    """The topic as a source in Forwarder's configuration."""
    source: dict[str, Any] = {"topic": topic.name, "startAt": "earliest"}
    if topic.style == "standard":
        envelope = {"tenant": "data.tenant", "severity": "data.severity"}
        return {**source, "preset": "standard-webhooks", "envelope": envelope}
    return {**source, "preset": "cloudevents"}


def write_settings(folder: Path, brokers: str, urls: Mapping[str, str]) -> Path:
    """Forwarder's configuration file, the same for every worker. `urls` is by webhook."""
    return write_config(
        folder,
        brokers=brokers,
        group=GROUP,
        sources=[source_settings(topic) for topic in TOPICS],
        webhooks=[hook.settings(urls[hook.name]) for hook in fleet()],
        kafka={
            "cluster": CLUSTER, "sessionTimeout": f"{SESSION_SECONDS:g}s", "heartbeatInterval": "1500ms",
            "rebalanceTimeout": "30s",
        },
        checkpoint={"interval": f"{CHECKPOINT_SECONDS:g}s"},
        shutdown={"drain": f"{DRAIN_SECONDS:g}s"},
        memory={"budget": "48MiB"},
    )  # fmt: skip


@dataclass
class Ports:
    """Ports below the range that the system gives to outgoing connections, so that one closed for a while is not taken."""

    rng: random.Random = field(default_factory=random.Random)
    used: set[int] = field(default_factory=set)

    def take(self) -> int:
        while True:
            port = self.rng.randrange(15_000, 32_000)
            if port not in self.used and _is_free(port):
                self.used.add(port)
                return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def hooks_of(receiver: int, receivers: int) -> list[Hook]:
    """The webhooks that one receiver process serves."""
    return [hook for number, hook in enumerate(fleet()) if number % receivers == receiver]


def plan_facts(seed: int, minutes: float, workers: int) -> dict[str, Any]:
    """`plan.json`: what the judge has to know."""
    return {
        "seed": seed, "minutes": minutes, "group": GROUP, "cluster": CLUSTER, "checkpoint_interval": CHECKPOINT_SECONDS,
        "session_timeout": SESSION_SECONDS, "workers": workers, "start_at": "earliest", "books": True,
        "topics": {topic.name: {"partitions": topic.partitions, "generation": 0} for topic in TOPICS},
        "webhooks": {hook.name: hook.facts() for hook in fleet()},
    }  # fmt: skip

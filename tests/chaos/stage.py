"""What a run has on stage: its processes, their control ports, and what the topics look like now. Harms nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.chaos.journal import Journal
from tests.chaos.scene import TOPICS
from tests.chaos.workers import Faults, Report, Worker
from tests.support.kafka import RealKafka


@dataclass
class Stage:
    """Everything that faults are done to. `control` is by receiver and producer name; `receiver_of` by webhook."""

    workers: list[Worker]
    kafka: RealKafka
    faults: Faults
    report: Report
    produced: Journal
    producer: int
    receivers: dict[str, int]
    partitions: dict[str, int] = field(default_factory=lambda: {t.name: t.partitions for t in TOPICS})
    generations: dict[str, int] = field(default_factory=lambda: {t.name: 0 for t in TOPICS})
    broker: asyncio.Lock = field(default_factory=asyncio.Lock)
    operator: asyncio.Lock = field(default_factory=asyncio.Lock)

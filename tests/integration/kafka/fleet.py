"""Toy workers as child processes, and what they delivered together. Knows nothing of how a worker works."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

from tests.support.kafka import ROOT, RealKafka
from tests.support.process import Child

TOY = Path(__file__).with_name("toy.py")


class ToyWorker(Child):
    """One toy worker. Its output file outlives it."""

    def __init__(self, name: str, kafka: RealKafka, group: str, topic: str, folder: Path, **options: object) -> None:
        self.out = folder / f"{name}.out"
        self.out.touch()
        command = [sys.executable, str(TOY), kafka.bootstrap, group, topic, str(self.out), json.dumps(options)]
        super().__init__(name, command, folder / f"{name}.log", env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=folder)

    def lines(self, word: str) -> list[list[str]]:
        """What it wrote so far, by first word."""
        return [line.split() for line in self.out.read_text().splitlines() if line.split(" ", 1)[0] == word]

    def wait_for(self, word: str, count: int = 1, timeout: float = 40.0) -> None:
        """Until it has written `count` lines that start with `word`."""
        self.wait_until(f"{count} x {word!r}", lambda: len(self.lines(word)) >= count, timeout)

    def wait_owning(self, partitions: int, timeout: float = 40.0) -> None:
        """Until its newest assignment is ready and has that many partitions."""

        def owning() -> bool:
            assigned, ready = self.lines("assigned"), self.lines("ready")
            if not assigned or not ready or ready[-1][1] != assigned[-1][1]:
                return False
            return len(json.loads(" ".join(assigned[-1][2:]))) == partitions

        self.wait_until(f"owning {partitions} partitions", owning, timeout)


def deliveries(*workers: ToyWorker) -> Counter[tuple[int, int]]:
    """How often each `(partition, offset)` was delivered."""
    return Counter((int(line[2]), int(line[3])) for worker in workers for line in worker.lines("d"))


def values(*workers: ToyWorker) -> Counter[str]:
    """How often each value was delivered."""
    return Counter(line[4] for worker in workers for line in worker.lines("d"))


def in_order(worker: ToyWorker) -> bool:
    """True when each partition's offsets only ever rose, but for going back after a new assignment."""
    last: dict[str, int] = {}
    for line in worker.out.read_text().splitlines():
        word, *rest = line.split()
        if word == "assigned":
            last.clear()
        elif word == "d":
            if last.get(rest[1], -1) >= int(rest[2]):
                return False
            last[rest[1]] = int(rest[2])
    return True

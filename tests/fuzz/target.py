"""What a fuzz target is, and the registry of all of them. Knows no engine: hypothesis and atheris both feed bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Run = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """`run` raises when a promise is broken, whatever the bytes are. `seeds` are good inputs to start from; `tokens` are pieces
    that matter to the format, for mutations to insert."""

    name: str
    run: Run
    seeds: tuple[bytes, ...]
    tokens: tuple[bytes, ...]


TARGETS: dict[str, Target] = {}


def target(name: str, seeds: Iterable[bytes], tokens: Iterable[bytes] = ()) -> Callable[[Run], Run]:
    """Registers the function as the target `name`."""

    def register(run: Run) -> Run:
        TARGETS[name] = Target(name, run, tuple(seeds), tuple(tokens))
        return run

    return register

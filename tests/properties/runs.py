"""What the runs of a checkpoint stand for, said in another way than the package says it."""

from __future__ import annotations

from forwarder.progress.checkpoint import Runs


def offsets_of(runs: Runs) -> set[int]:
    """Every offset in the runs, for few and short ones."""
    return {offset for first, last in runs for offset in range(first, last + 1)}

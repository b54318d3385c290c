"""Which records a batch holds, as text for a header. Pure; knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.model.batch import offset_runs
from forwarder.model.event import Event

MAX_BYTES = 3500
"""Many servers refuse a header line of 4 KiB (nginx by default) or 8 KiB."""


def exact(events: Sequence[Event]) -> str:
    """`topic/0:5-9,12;topic/3:7`: every offset, runs as `first-last`, partitions in the order of their first event.

    Topic names are `[A-Za-z0-9._-]` (Kafka), so nothing needs escaping.
    """
    return ";".join(
        f"{tp.topic}/{tp.partition}:" + ",".join(_run(first, last) for first, last in runs)
        for tp, runs in offset_runs(events).items()
    )


def bounded(events: Sequence[Event], text: str) -> str:
    """`text` (from `exact`) when it fits in `MAX_BYTES`; else `~` and one hull `first-last` per partition.

    Within a hull the batch may leave offsets out. With too many partitions even for that, `~` alone.
    """
    if len(text) <= MAX_BYTES:
        return text
    hull = "~" + ";".join(
        f"{tp.topic}/{tp.partition}:" + _run(runs[0][0], runs[-1][1]) for tp, runs in offset_runs(events).items()
    )
    return hull if len(hull) <= MAX_BYTES else "~"


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"

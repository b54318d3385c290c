"""The headers by which Forwarder tells a receiver what a request holds. Pure; signing and authentication add their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forwarder import __version__
from forwarder.model.attempt import DiscardReason

USER_AGENT = f"forwarder/{__version__}"

Headers = dict[str, tuple[str, str]]
"""Lower-case name -> (name as written, value), so that layers override each other whatever their case."""


def delivery(
    batch_id: str, number: int, events: int, offsets: str, cluster: str, *, test: bool
) -> Iterable[tuple[str, str]]:
    """What every attempt carries. `number` is 1 for the first attempt."""
    yield "Forwarder-Batch-Id", batch_id
    yield "Forwarder-Attempt", str(number)
    yield "Forwarder-Events", str(events)
    yield "Forwarder-Offsets", offsets
    yield "Forwarder-Cluster", cluster
    if test:
        yield "Forwarder-Test", "true"


def discards(counts: Mapping[DiscardReason, int]) -> Iterable[tuple[str, str]]:
    """`Forwarder-Discarded: expired=3;shed=1`: events given up since the last delivered batch. Absent when none."""
    told = [f"{reason.value}={counts[reason]}" for reason in DiscardReason if counts.get(reason)]
    if told:
        yield "Forwarder-Discarded", ";".join(told)


def overlay(headers: Headers, layer: Iterable[tuple[str, str]]) -> None:
    """Put `layer` over `headers`: the same name in any case is replaced."""
    for name, value in layer:
        headers[name.lower()] = (name, value)

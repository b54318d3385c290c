"""What Forwarder says of itself on /metrics, as plain numbers per webhook. Reads; judges nothing."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from forwarder.errors import ForwarderError

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_TIMEOUT_SECONDS = 10.0

Samples = list[tuple[str, dict[str, str], float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One webhook now. Counts are of events; `oldest` is in Unix seconds, 0 for none; `attempts` by class."""

    state: str = ""
    matched: int = 0
    delivered: int = 0
    discarded: int = 0
    dead_lettered: int = 0
    pending: int = 0
    imbalance: int = 0
    behind: int = 0
    failing: bool = False
    oldest: float = 0.0
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`read` is the number of events that the shared read has seen."""

    read: int
    rows: Mapping[str, Row]


def fetch(url: str) -> tuple[int, str]:
    """Status and text; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return 0, str(error)


def snapshot(base: str) -> Snapshot:
    """One look at `base`/metrics. Raises ForwarderError when it does not answer."""
    status, text = fetch(f"{base}/metrics")
    if status != 200:
        raise ForwarderError(f"Forwarder's /metrics: {status or text}")
    return parse(text)


def parse(exposition: str) -> Snapshot:
    """The numbers in a page of the Prometheus text format (version 0.0.4)."""
    samples = [sample for line in exposition.splitlines() if (sample := _sample(line))]
    names = {labels["webhook"]: None for name, labels, _ in samples if name == "forwarder_events_matched_total"}
    return Snapshot(
        read=_sum(samples, "forwarder_events_read_total"),
        rows={name: _row([sample for sample in samples if sample[1].get("webhook") == name]) for name in names},
    )


def _sample(line: str) -> tuple[str, dict[str, str], float] | None:
    match = None if line.startswith("#") else _SAMPLE.match(line)
    return (match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])) if match else None


def _sum(samples: Samples, name: str) -> int:
    return int(sum(value for found, _, value in samples if found == name))


def _row(samples: Samples) -> Row:
    states = [labels["state"] for name, labels, value in samples if name == "forwarder_lane_state" and value]
    attempts = {labels["class"]: int(v) for name, labels, v in samples if name == "forwarder_attempts_total" and v}
    oldest = [v for name, _, v in samples if name == "forwarder_oldest_undelivered_timestamp_seconds"]
    return Row(
        state=states[0] if states else "",
        matched=_sum(samples, "forwarder_events_matched_total"),
        delivered=_sum(samples, "forwarder_events_delivered_total"),
        discarded=_sum(samples, "forwarder_events_discarded_total"),
        dead_lettered=_sum(samples, "forwarder_events_dead_lettered_total"),
        pending=_sum(samples, "forwarder_events_pending"),
        imbalance=_sum(samples, "forwarder_books_imbalance"),
        behind=_sum(samples, "forwarder_lane_behind_partitions"),
        failing=bool(_sum(samples, "forwarder_circuit_open")),
        oldest=oldest[0] if oldest else 0.0,
        attempts=attempts,
    )

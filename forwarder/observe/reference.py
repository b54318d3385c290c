"""Writes docs/metrics.md from the declarations: `python -m forwarder.observe.reference docs/metrics.md`. Adds no facts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from forwarder.observe import events
from forwarder.observe.declared import METRICS, Kind, Metric
from forwarder.observe.events import Occurrence

_INTRODUCTION = """\
# Metrics and logs

Generated from the declarations in `forwarder/observe` by `python -m forwarder.observe.reference docs/metrics.md`;
a test fails when this page is stale.

## Metrics

`GET /metrics` on `http.listen`, in the Prometheus text format, or OpenMetrics where the scraper asks for it. Units are
seconds, bytes and events. Every series of a webhook exists, at 0, from the moment that the webhook is configured, and
goes away with it. The usual `process_*` and `python_*` metrics are there too. For each webhook
matched = delivered + discarded + dead-lettered + pending; `forwarder_books_imbalance` is the difference and must stay 0.

A webhook has about 80 series. A scrape of 1,000 webhooks is 5 MB and costs about half a second of processor time (in a
thread: delivery goes on); scrape such a process every 30 seconds rather than every 5.

| metric | kind | labels | meaning |
|---|---|---|---|
"""

_LOGS = """
## Log lines

One JSON object per line on standard error (`--log-format console` for people). `timestamp` is UTC, `level` and
`message` are what they say, `occurrence` names the row below and never changes; lines of libraries have `logger`
instead. Fields that end in `_s` are seconds, in `_bytes` bytes. Fields that are empty are left out. Where lines are
limited, at most one per interval is written for the same values of the fields named; the next one says how many were
held back (`suppressed`) and what they amount to (`suppressed_count`). Metrics count all of them. Lines of the Kafka
libraries are limited likewise and start at `warning`. Secrets, user information and queries of URLs are masked (`***`).

| occurrence | level | message | fields | at most one line per | counts |
|---|---|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    occurrences = documented()
    parts = [_INTRODUCTION, *_lines(map(_metric_row, METRICS)), "\n### Label values and buckets\n\n"]
    parts += _lines(_values(METRICS))
    parts += [_LOGS, *_lines(map(_occurrence_row, occurrences)), "\n### What they mean\n\n"]
    parts += _lines(f"- **{item.__name__}**: {_meaning(item)}" for item in occurrences)
    return "".join(parts)


def documented() -> list[type[Occurrence]]:
    """Every occurrence that is declared, by name."""
    return [getattr(events, name) for name in sorted(events.__all__) if name != Occurrence.__name__]


def _lines(rows: Iterable[str]) -> Iterator[str]:
    return (f"{row}\n" for row in rows)


def _metric_row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |"


def _values(metrics: Iterable[Metric]) -> Iterator[str]:
    for metric in metrics:
        for label, values in ((label, values) for label, values in metric.values.items() if values):
            yield f"- `{metric.name}`, `{label}`: " + ", ".join(f"`{value}`" for value in values)
        if metric.kind is Kind.HISTOGRAM:
            yield f"- `{metric.name}`, buckets: " + ", ".join(f"{bound:g}" for bound in metric.buckets)


def _occurrence_row(occurrence: type[Occurrence]) -> str:
    shown = ", ".join(f"`{field.name.rstrip('_')}`" for field in fields(occurrence))
    level = logging.getLevelName(occurrence.level).lower()
    counts = ", ".join(f"`{metric.name}`" for metric in occurrence.counts)
    return f"| {occurrence.__name__} | {level} | {occurrence.text} | {shown} | {_limit(occurrence)} | {counts} |"


def _limit(occurrence: type[Occurrence]) -> str:
    if occurrence.every <= 0:
        return ""
    return " and ".join([f"{occurrence.every:g} s", *(f"`{name}`" for name in occurrence.per)])


def _meaning(occurrence: type[Occurrence]) -> str:
    return " ".join((occurrence.__doc__ or "").split())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

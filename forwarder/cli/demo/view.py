"""The demo on the screen: a live table at a terminal, plain lines elsewhere, and the books at the end. Computes only what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rich.table import Table
from rich.text import Text

from forwarder.cli.demo.judge import Evidence
from forwarder.cli.demo.scenario import ACTORS
from forwarder.cli.demo.scrape import Row, Snapshot
from forwarder.cli.table import columns

_GOOD = "http_2xx"


class Mood(Enum):
    """How a webhook's line is coloured."""

    FINE = "green"
    WAITING = "yellow"
    FAILING = "red"


@dataclass(frozen=True, slots=True)
class Line:
    """One webhook as shown. `rate` is delivered events per second, `age` the oldest undelivered event's, in seconds."""

    name: str
    state: str
    delivered: int
    pending: int
    behind: int
    rate: float
    age: float
    last_error: str
    mood: Mood


class Lines:
    """From one look at /metrics to the next: rates and the last error come from what changed between them."""

    def __init__(self) -> None:
        self._before: Mapping[str, Row] = {}
        self._at = 0.0
        self._errors: dict[str, str] = {}

    def update(self, seen: Snapshot, monotonic: float, wall: float) -> list[Line]:
        """The lines now."""
        seconds = monotonic - self._at
        lines = [self._line(name, row, seconds, wall) for name, row in seen.rows.items()]
        self._before, self._at = seen.rows, monotonic
        return lines

    def _line(self, name: str, row: Row, seconds: float, wall: float) -> Line:
        before = self._before.get(name, Row())
        failed = [
            kind for kind, count in row.attempts.items() if kind != _GOOD and count > before.attempts.get(kind, 0)
        ]
        if failed:
            self._errors[name] = failed[-1]
        rate = (row.delivered - before.delivered) / seconds if self._before and seconds > 0 else 0.0
        age = max(0.0, wall - row.oldest) if row.oldest else 0.0
        return Line(
            name, _state(row), row.delivered, row.pending, row.behind, rate, age, self._errors.get(name, ""), _mood(row)
        )


def _state(row: Row) -> str:
    return f"{row.state}, endpoint down" if row.failing else row.state


def _mood(row: Row) -> Mood:
    if row.failing or row.state in ("paused", "disabled"):
        return Mood.FAILING
    return Mood.WAITING if row.behind else Mood.FINE


_HEAD = ("webhook", "state", "delivered", "pending", "behind", "rate", "oldest", "last error")


def live_table(lines: Sequence[Line], title: str) -> Table:
    """For a terminal."""
    what = {actor.name: actor.what for actor in ACTORS}
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for head in (*_HEAD, "what it is"):
        table.add_column(
            head, justify="right" if head in ("delivered", "pending", "behind", "rate", "oldest") else "left"
        )
    for line in lines:
        cells = [Text(cell, style=line.mood.value if index < 2 else "") for index, cell in enumerate(_cells(line))]
        table.add_row(*cells, Text(what.get(line.name, ""), style="dim"))
    return table


def plain_table(lines: Sequence[Line]) -> str:
    """For everything else."""
    return columns([_HEAD, *(_cells(line) for line in lines)], right=(2, 3, 4, 5, 6))


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.name, line.state, str(line.delivered), str(line.pending), str(line.behind), f"{line.rate:.0f}/s",
        f"{line.age:.1f} s" if line.age else "-", line.last_error or "-",
    )  # fmt: skip


_BOOKS = (
    "webhook", "read", "= unwanted", "+ delivered", "+ discarded", "+ dead-lettered", "+ pending", "+ in Kafka", "",
    "receiver took", "signed requests",
)  # fmt: skip


def books(evidence: Sequence[Evidence], produced: int) -> str:
    """What became of every event that was read, per webhook, beside what the receiver itself took.

    `in Kafka` is what a webhook that is behind is still to be offered again.
    """
    rows = [_BOOKS, *(_account(one) for one in evidence)]
    return f"The books ({produced} events were produced):\n" + columns(rows, right=(1, 2, 3, 4, 5, 6, 7, 9, 10))


def _account(one: Evidence) -> tuple[str, ...]:
    row, record = one.row, one.record
    parts = (one.unwanted, row.delivered, row.discarded, row.dead_lettered, row.pending, one.in_kafka)
    missing = one.read - sum(parts)
    verified = record.requests - record.forged - record.unsigned
    return (
        one.webhook, str(one.read), *map(str, parts), f"OFF BY {missing}" if missing else "balances",
        str(len(record.numbers)), f"{verified} of {record.requests}",
    )  # fmt: skip

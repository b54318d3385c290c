"""The demo's numbers: /metrics read back as they were written, rates and last errors from one look to the next."""

from __future__ import annotations

import io

from rich.console import Console

from forwarder.cli.demo.scrape import Row, Snapshot, parse
from forwarder.cli.demo.screen import Screen
from forwarder.cli.demo.view import Lines, Mood
from forwarder.cli.table import columns
from forwarder.model.attempt import DiscardReason
from forwarder.observe import declared as d
from forwarder.observe.metrics import Metrics


def test_what_metrics_expose_is_read_back() -> None:
    metrics = Metrics()
    siem, _ = metrics.add_webhook("siem"), metrics.add_webhook("dead")
    metrics.add_topic("a")
    metrics.counter(d.EVENTS_READ, "a").inc(7)
    siem.matched.inc(7)
    siem.delivered.inc(4)
    metrics.counter(d.EVENTS_DISCARDED, "siem", DiscardReason.SHED.value).inc(1)
    siem.pending.set(2)
    siem.set_state("behind")
    siem.behind_partitions.set(3)
    siem.circuit_open.set(1)
    siem.oldest_undelivered.set(1_790_000_000.5)
    metrics.counter(d.ATTEMPTS, "siem", "http_2xx").inc(2)
    metrics.counter(d.ATTEMPTS, "siem", "refused").inc(5)
    seen = parse(metrics.expose()[0].decode())
    assert seen.read == 7
    assert seen.rows["siem"] == Row(
        state="behind", matched=7, delivered=4, discarded=1, pending=2, behind=3, failing=True,
        oldest=1_790_000_000.5, attempts={"http_2xx": 2, "refused": 5},
    )  # fmt: skip
    assert seen.rows["dead"].matched == 0


def look(**rows: Row) -> Snapshot:
    return Snapshot(read=0, rows=rows)


def test_the_rate_is_what_was_delivered_since_the_last_look() -> None:
    lines = Lines()
    assert lines.update(look(siem=Row(delivered=50)), 100.0, 0.0)[0].rate == 0.0
    assert lines.update(look(siem=Row(delivered=80)), 102.0, 0.0)[0].rate == 15.0


def test_the_last_error_stays_until_another_one_comes() -> None:
    lines = Lines()
    states = [{"http_2xx": 1}, {"http_2xx": 2, "http_5xx": 1}, {"http_2xx": 3, "http_5xx": 1}]
    errors = [lines.update(look(x=Row(attempts=state)), at, 0.0)[0].last_error for at, state in enumerate(states, 1)]
    assert errors == ["", "http_5xx", "http_5xx"]
    newer = lines.update(look(x=Row(attempts={**states[-1], "timeout": 1})), 9.0, 0.0)
    assert newer[0].last_error == "timeout"


def test_the_age_is_that_of_the_oldest_event_and_nothing_when_there_is_none() -> None:
    found = Lines().update(look(a=Row(oldest=990.0), b=Row(oldest=0.0)), 1.0, 1000.0)
    assert [line.age for line in found] == [10.0, 0.0]


def test_moods_tell_failing_from_waiting() -> None:
    rows = {
        "a": Row(state="live"),
        "b": Row(state="behind", behind=2),
        "c": Row(failing=True),
        "d": Row(state="disabled"),
    }
    moods = [line.mood for line in Lines().update(look(**rows), 1.0, 0.0)]
    assert moods == [Mood.FINE, Mood.WAITING, Mood.FAILING, Mood.FAILING]


def test_without_a_terminal_tables_are_plain_and_seldom() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=False, highlight=False, soft_wrap=True))
    for at in range(20):
        screen.show(look(siem=Row(state="live", delivered=at)), 100.0 + at / 2, 0.0)
    said = out.getvalue()
    assert said.count("webhook") == 2
    assert "\x1b" not in said


def test_the_verdict_says_which_way_it_went() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=False))
    screen.verdict(["siem: lost one"])
    assert out.getvalue() == "WRONG: siem: lost one\nThe demo FAILED.\n"
    out.truncate(0)
    screen.verdict([])
    assert "exactly once" in out.getvalue()


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("a", "b", "c"), ("long", "22", "")], right=(1,)) == "a      b  c\nlong  22"

"""Counted always, said at most once per interval, and nothing that was held back is forgotten."""

from __future__ import annotations

import logging

from forwarder.clock import ManualClock
from forwarder.model.attempt import DiscardReason
from forwarder.observe.events import CircuitOpened, EventsDiscarded, KafkaUnreachable, LaneStateChanged
from forwarder.observe.observer import Observer
from tests.unit.observe.support import Kept, sample


def shed(count: int, webhook: str = "siem") -> EventsDiscarded:
    return EventsDiscarded(webhook, DiscardReason.SHED, count)


def test_an_occurrence_is_one_line_with_its_name_and_facts(observer: Observer, kept: Kept) -> None:
    observer.emit(CircuitOpened("siem", 5, "refused"))
    facts = {"occurrence": "CircuitOpened", "webhook": "siem", "failures": 5, "class": "refused"}
    assert kept.lines == [(logging.WARNING, "circuit opened", facts)]


def test_a_flood_is_one_line_per_interval_and_all_is_counted(
    observer: Observer, kept: Kept, clock: ManualClock
) -> None:
    observer.metrics.add_webhook("siem")
    for _ in range(1000):
        observer.emit(shed(3))
        clock.advance(0.001)
    clock.advance(10)
    observer.emit(shed(7))
    assert [facts.get("suppressed") for _, _, facts in kept.lines] == [None, 999]
    assert kept.lines[1][2]["suppressed_count"] == 999 * 3
    assert sample(observer.metrics, "forwarder_events_discarded_total", webhook="siem", reason="shed") == 3007


def test_keys_are_limited_each_for_itself(observer: Observer, kept: Kept) -> None:
    for name in ("a", "b"):
        observer.emit(shed(1, name))
        observer.emit(EventsDiscarded(name, DiscardReason.EXPIRED, 1))
    assert len(kept.lines) == 4


def test_the_end_of_a_flood_is_said_by_a_flush(observer: Observer, kept: Kept, clock: ManualClock) -> None:
    observer.metrics.add_webhook("siem")
    for state in ("live", "behind", "live", "behind"):
        observer.emit(LaneStateChanged("siem", state))
    observer.flush()
    assert [facts["state"] for _, _, facts in kept.lines] == ["live"]
    clock.advance(10)
    observer.flush()
    observer.flush()
    assert [(facts["state"], facts.get("suppressed")) for _, _, facts in kept.lines] == [("live", None), ("behind", 2)]


def test_at_a_stop_everything_held_back_is_said(observer: Observer, kept: Kept) -> None:
    for _ in range(3):
        observer.emit(KafkaUnreachable(("k:9092",), "refused"))
    observer.flush(everything=True)
    assert [facts.get("suppressed") for _, _, facts in kept.lines] == [None, 1]


def test_an_outage_of_an_hour_is_said_once_per_interval(observer: Observer, kept: Kept, clock: ManualClock) -> None:
    for _ in range(36_000):
        observer.emit(KafkaUnreachable(("k:9092",), "refused"))
        clock.advance(0.1)
    assert 115 <= len(kept.lines) <= 121


def test_occurrences_of_a_removed_webhook_do_no_harm(observer: Observer, kept: Kept) -> None:
    observer.emit(CircuitOpened("removed", 5, "refused"))
    observer.emit(LaneStateChanged("removed", "live"))
    assert len(kept.lines) == 2
    assert b'"removed"' not in observer.metrics.expose()[0]

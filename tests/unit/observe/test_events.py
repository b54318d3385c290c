"""Every occurrence is declared completely, counts exactly what it says, and becomes a line of plain values."""

from __future__ import annotations

import json
import logging
import types
from dataclasses import fields
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import TP
from forwarder.model.verdict import Delivered, Verdict
from forwarder.observe import events
from forwarder.observe.declared import METRICS, Metric
from forwarder.observe.events import AttemptFinished, Occurrence, PartitionsAssigned
from forwarder.observe.events.base import MAX_LISTED
from forwarder.observe.metrics import Metrics
from forwarder.observe.reference import documented
from tests.unit.observe.support import sample

EVERY = documented()
every_occurrence = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
NOW = 1_700_000_000.0
RESERVED = {
    "timestamp",
    "level",
    "message",
    "event",
    "occurrence",
    "logger",
    "suppressed",
    "suppressed_count",
    "exception",
}


def an_example(hint: Any, name: str) -> Any:
    """Some value of a field's type that is not the one a gauge has from the start."""
    if name == "state":
        return "behind"
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    if get_origin(hint) is tuple:
        return (an_example(get_args(hint)[0], ""),)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    return {str: "siem", int: 3, float: 2.5, bool: True, TP: TP("siem", 1)}[hint]


def example(kind: type[Occurrence]) -> Occurrence:
    hints = get_type_hints(kind)
    given = {field.name: an_example(hints[field.name], field.name) for field in fields(kind)}
    if "expected" in given:
        given["expected"] = 1
    return kind(**given)


def values(metrics: Metrics) -> dict[str, float]:
    """Every series of ours with its value, by metric and labels."""
    samples = (sample for family in metrics.registry.collect() for sample in family.samples)
    return {f"{s.name}{sorted(s.labels.items())}": s.value for s in samples if s.name.startswith("forwarder_")}


def moved(before: dict[str, float], after: dict[str, float]) -> set[Metric]:
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    names = {name.split("[")[0].removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in changed}
    return {metric for metric in METRICS if metric.name in names}


def test_every_occurrence_is_exported() -> None:
    def below(kind: type[Occurrence]) -> set[type[Occurrence]]:
        return {kind, *(one for child in kind.__subclasses__() for one in below(child))}

    assert {*EVERY, Occurrence} == below(Occurrence)
    assert events.__all__ == sorted(events.__all__)


@every_occurrence
def test_it_has_a_fixed_text_a_level_and_a_meaning(kind: type[Occurrence]) -> None:
    assert kind.text
    assert not set("{}%|\n") & set(kind.text)
    assert kind.level in (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    assert kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("), "write what it means"
    assert "|" not in kind.__doc__


def test_texts_are_unique() -> None:
    assert len({kind.text for kind in EVERY}) == len(EVERY)


@every_occurrence
def test_its_fields_do_not_collide_with_those_of_every_line(kind: type[Occurrence]) -> None:
    shown = [field.name.rstrip("_") for field in fields(kind)]
    assert not set(shown) & RESERVED
    assert len(set(shown)) == len(shown)
    assert set(kind.per) <= {field.name for field in fields(kind)}
    assert kind.every > 0 or not kind.per


@every_occurrence
def test_it_moves_exactly_the_metrics_that_it_declares(kind: type[Occurrence], metrics: Metrics) -> None:
    metrics.add_webhook("siem").tls_unverified.set(0)
    metrics.add_topic("siem")
    if kind is events.CircuitClosed:
        metrics.webhook("siem").circuit_open.set(1)
    if kind is events.KafkaUnreachable:
        metrics.gauge(next(m for m in METRICS if m.name == "forwarder_kafka_up")).set(1)
    if kind is events.ConfigRefused:
        metrics.gauge(next(m for m in METRICS if m.name == "forwarder_config_last_reload_successful")).set(1)
    allowed = set(kind.counts)
    if kind in (PartitionsAssigned, events.PartitionsRevoked):
        allowed |= {metric for metric in METRICS if "partition" in metric.labels}  # owning makes them appear
    before = values(metrics)
    example(kind).tally(metrics, NOW)
    changed = moved(before, values(metrics))
    assert set(kind.counts) <= changed <= allowed


@every_occurrence
def test_its_line_holds_plain_values_only(kind: type[Occurrence]) -> None:
    occurrence = example(kind)
    facts = occurrence.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert set(facts) == {field.name.rstrip("_") for field in fields(kind)}
    hash(occurrence.key())


def an_attempt(**given: Any) -> AttemptFinished:
    known: dict[str, Any] = {
        "webhook": "siem", "batch_id": "fb_1", "attempt": 2, "events": 3, "bytes": 512, "class_": "http_2xx",
        "status": 200, "duration_s": 0.12345678, "reused": True, "verdict": "delivered",
        "partitions": (TP("a", 0), TP("b", 1)),
    }  # fmt: skip
    return AttemptFinished(**known | given)


def test_one_wide_line_tells_an_attempt() -> None:
    assert an_attempt().facts() == {
        "webhook": "siem", "batch_id": "fb_1", "attempt": 2, "events": 3, "bytes": 512, "class": "http_2xx",
        "status": 200, "duration_s": 0.123457, "reused": True, "verdict": "delivered", "partitions": ["a/0", "b/1"],
    }  # fmt: skip


@pytest.mark.parametrize("verdict", get_args(Verdict), ids=lambda verdict: verdict.__name__)
def test_every_attempt_that_did_not_deliver_is_a_warning(verdict: type) -> None:
    level = an_attempt(verdict=verdict.__name__.lower()).loudness()
    assert level == (logging.INFO if verdict is Delivered else logging.WARNING)


def test_an_attempt_is_counted_by_its_class(metrics: Metrics) -> None:
    metrics.add_webhook("siem")
    an_attempt(class_="dns", status=None, duration_s=0.3).tally(metrics, NOW)
    assert sample(metrics, "forwarder_attempts_total", webhook="siem", **{"class": "dns"}) == 1
    assert sample(metrics, "forwarder_attempt_duration_seconds_sum", webhook="siem") == 0.3


def test_discards_and_dead_letters_count_events_not_lines(metrics: Metrics) -> None:
    metrics.add_webhook("siem")
    events.EventsDiscarded("siem", DiscardReason.SHED, 40).tally(metrics, NOW)
    events.EventsDeadLettered("siem", DeadLetterReason.REFUSED, 2).tally(metrics, NOW)
    events.RetentionLoss("siem", "t", 0, cursor=5, log_start=25, count=11).tally(metrics, NOW)
    assert sample(metrics, "forwarder_events_discarded_total", webhook="siem", reason="shed") == 40
    assert sample(metrics, "forwarder_events_discarded_total", webhook="siem", reason="retention") == 11
    assert sample(metrics, "forwarder_events_dead_lettered_total", webhook="siem", reason="refused") == 2


def test_a_gap_counts_the_offsets_that_were_skipped(metrics: Metrics) -> None:
    events.GapFound("t", 0, expected=100, start=150).tally(metrics, NOW)
    assert sample(metrics, "forwarder_gaps_found_total", topic="t") == 50


def test_an_assignment_replaces_the_one_before(metrics: Metrics) -> None:
    PartitionsAssigned((TP("t", 0), TP("t", 1)), 1).tally(metrics, NOW)
    PartitionsAssigned((TP("t", 1),), 2).tally(metrics, NOW)
    assert sample(metrics, "forwarder_assigned_partitions", topic="t") == 1
    assert sample(metrics, "forwarder_rebalances_total") == 2
    events.PartitionsRevoked((TP("t", 1),)).tally(metrics, NOW)
    assert sample(metrics, "forwarder_assigned_partitions", topic="t") == 0


def test_a_refused_reload_keeps_the_time_of_the_last_good_one(metrics: Metrics) -> None:
    events.ConfigReloaded("f.yaml", ("webhooks.siem.url",)).tally(metrics, NOW)
    events.ConfigRefused("f.yaml", ("f.yaml:3:1 unknown key",)).tally(metrics, NOW + 60)
    assert sample(metrics, "forwarder_config_last_reload_successful") == 0
    assert sample(metrics, "forwarder_config_last_reload_success_timestamp_seconds") == NOW
    assert sample(metrics, "forwarder_config_reloads_total", result="applied") == 1
    assert sample(metrics, "forwarder_config_reloads_total", result="refused") == 1


def test_empty_fields_are_left_out_and_zero_is_not() -> None:
    facts = AttemptFinished("siem", "", 0, 0, 0, "dns", None, 0.0, False, "retry").facts()
    assert facts == {
        "webhook": "siem", "attempt": 0, "events": 0, "bytes": 0, "class": "dns",
        "duration_s": 0.0, "reused": False, "verdict": "retry",
    }  # fmt: skip


def test_a_long_list_does_not_make_a_long_line() -> None:
    owned = tuple(TP("t", number) for number in range(MAX_LISTED + 30))
    listed = PartitionsAssigned(owned, 1).facts()["owned"]
    assert (len(listed), listed[0], listed[-1]) == (MAX_LISTED + 1, "t/0", "and 30 more")

"""The names of the metrics keep the Prometheus rules; what promtool checks is checked here too, so it holds without it."""

from __future__ import annotations

import re

import pytest

from forwarder.lane.states import LaneState
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.observe.declared import ATTEMPT_CLASSES, LANE_STATES, METRICS, Kind, Metric

ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d", "min", "hr"}
NOT_BASE = {
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "minutes",
    "hours",
    "days",
    "kilobytes",
    "megabytes",
    "percent",
}

every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@every_metric
def test_a_name_is_prefixed_lower_case_and_spelled_out(metric: Metric) -> None:
    assert re.fullmatch(r"forwarder(_[a-z]+)+", metric.name)
    assert not set(metric.name.split("_")) & (ABBREVIATED | NOT_BASE)
    assert not re.search(r"_(counter|gauge|histogram|summary)(_|$)", metric.name)
    assert not metric.name.endswith(("_bucket", "_count", "_sum", "_created", "_info_total"))


@every_metric
def test_counters_and_only_counters_end_in_total(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)


@every_metric
def test_help_is_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert "|" not in metric.help


@every_metric
def test_labels_are_few_plain_and_not_part_of_the_name(metric: Metric) -> None:
    assert len(set(metric.labels)) == len(metric.labels) <= 2
    assert not set(metric.labels) & {"le", "quantile", "job", "instance"}
    assert not {f"by_{label}" for label in metric.labels} & {metric.name}
    assert set(metric.values) <= set(metric.labels)


@every_metric
def test_a_histogram_has_few_ascending_buckets_and_others_none(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert len(metric.buckets) <= 11


def test_names_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS) > 40


def test_lane_states_are_those_of_the_lane() -> None:
    assert tuple(state.value for state in LaneState) == LANE_STATES


def test_every_way_an_attempt_can_end_has_its_class() -> None:
    results = [Response(status) for status in range(100, 600, 50)] + [Failure(fault, "") for fault in Fault]
    classes = {Attempt("b", 1, result, 0.1).outcome_class for result in results}
    assert classes == set(ATTEMPT_CLASSES)

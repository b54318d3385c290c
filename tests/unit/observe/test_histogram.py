"""Our histogram counts as prometheus-client's own does, only many at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Reference

from forwarder.observe.histogram import Histogram

BUCKETS = (0.125, 1.0, 10.0)
# Sums of these are exact in binary, so that the order of additions does not matter.
observations = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0625, 0.125, 0.25, 1.0, 5.5, 10.0, 11.0, 1e9]), st.integers(0, 50)), max_size=20
)


def shown(registry: CollectorRegistry) -> dict[tuple[str, str | None], float]:
    samples = (sample for family in registry.collect() for sample in family.samples)
    return {(s.name, s.labels.get("le")): s.value for s in samples if not s.name.endswith("_created")}


@given(observations)
def test_many_at_once_equals_one_by_one_in_the_library(given: list[tuple[float, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = Histogram("age_seconds", "Age.", ("webhook",), BUCKETS)
    ours.register(mine)
    reference = Reference("age_seconds", "Age.", ("webhook",), buckets=BUCKETS, registry=theirs)
    series, expected = mine.labels("siem"), reference.labels("siem")
    for value, count in given:
        series.observe_many(value, count)
        for _ in range(count):
            expected.observe(value)
    assert shown(ours) == shown(theirs)


def test_a_negative_value_counts_as_zero() -> None:
    """A producer's clock may run ahead: the event would be younger than nothing."""
    series = Histogram("age_seconds", "Age.", ("webhook",), BUCKETS).labels("siem")
    series.observe(-5.0)
    assert series.snapshot() == ([1, 1, 1, 1], 0.0)


def test_a_removed_series_is_not_shown() -> None:
    histogram = Histogram("age_seconds", "Age.", ("webhook",), BUCKETS)
    histogram.labels("gone").observe(1)
    histogram.labels("stays").observe(1)
    histogram.remove("gone")
    histogram.remove("unknown")
    assert {sample.labels["webhook"] for family in histogram.collect() for sample in family.samples} == {"stays"}

"""Series exist from the start, vanish with what they describe, and are shown in the format that was asked for."""

from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import TP
from forwarder.observe import declared as d
from forwarder.observe.declared import METRICS, Kind
from forwarder.observe.metrics import Metrics, series_of
from tests.unit.observe.support import sample


def text(metrics: Metrics) -> str:
    return metrics.expose()[0].decode()


def test_every_label_combination_of_a_webhook_exists_at_zero(metrics: Metrics) -> None:
    metrics.add_webhook("siem")
    for metric in (metric for metric in METRICS if "webhook" in metric.labels):
        name = metric.name + ("_count" if metric.kind is Kind.HISTOGRAM else "")
        for values in series_of(metric, webhook="siem"):
            assert sample(metrics, name, **dict(zip(metric.labels, values, strict=True))) == 0, metric.name


def test_every_label_combination_of_a_topic_exists_at_zero(metrics: Metrics) -> None:
    metrics.add_topic("falco")
    for metric in (metric for metric in METRICS if "topic" in metric.labels and "partition" not in metric.labels):
        for values in series_of(metric, topic="falco"):
            assert sample(metrics, metric.name, **dict(zip(metric.labels, values, strict=True))) == 0, metric.name


def test_metrics_without_a_subject_exist_at_once(metrics: Metrics) -> None:
    for metric in METRICS:
        if not metric.labels:
            assert sample(metrics, metric.name) == 0, metric.name
    assert sample(metrics, "forwarder_config_reloads_total", result="refused") == 0


def test_a_removed_webhook_leaves_no_series_and_others_keep_theirs(metrics: Metrics) -> None:
    metrics.add_webhook("gone")
    metrics.add_webhook("stays").delivered.inc(3)
    metrics.remove_webhook("gone")
    metrics.remove_webhook("never was there")
    assert '"gone"' not in text(metrics)
    assert sample(metrics, "forwarder_events_delivered_total", webhook="stays") == 3


def test_a_late_attempt_does_not_bring_a_removed_webhook_back(metrics: Metrics) -> None:
    held = metrics.add_webhook("gone")
    metrics.remove_webhook("gone")
    held.delivered.inc()
    metrics.webhook("gone").attempts["http_2xx"].inc()
    metrics.webhook("gone").set_state("paused")
    assert '"gone"' not in text(metrics)
    assert 'webhook=""' not in text(metrics)


def test_a_webhook_that_comes_back_starts_at_zero(metrics: Metrics) -> None:
    metrics.add_webhook("again").delivered.inc(5)
    metrics.remove_webhook("again")
    metrics.add_webhook("again").delivered.inc(2)
    assert sample(metrics, "forwarder_events_delivered_total", webhook="again") == 2


def test_adding_twice_changes_nothing(metrics: Metrics) -> None:
    first = metrics.add_webhook("siem")
    first.matched.inc(7)
    assert metrics.add_webhook("siem") is first
    assert metrics.add_topic("t") is metrics.topic("t")
    assert sample(metrics, "forwarder_events_matched_total", webhook="siem") == 7


def test_counts_go_to_their_own_reason(metrics: Metrics) -> None:
    bound = metrics.add_webhook("siem")
    for number, reason in enumerate(DiscardReason, 1):
        bound.discarded[reason].inc(number)
    for number, dead in enumerate(DeadLetterReason, 10):
        bound.dead_lettered[dead].inc(number)
    for number, reason in enumerate(DiscardReason, 1):
        assert sample(metrics, "forwarder_events_discarded_total", webhook="siem", reason=reason.value) == number
    for number, dead in enumerate(DeadLetterReason, 10):
        assert sample(metrics, "forwarder_events_dead_lettered_total", webhook="siem", reason=dead.value) == number


def test_a_status_outside_http_counts_as_server_error(metrics: Metrics) -> None:
    bound = metrics.add_webhook("siem")
    bound.attempts["http_9xx"].inc()
    assert sample(metrics, "forwarder_attempts_total", webhook="siem", **{"class": "http_5xx"}) == 1
    assert "http_9xx" not in text(metrics)


def test_exactly_one_lane_state_is_set(metrics: Metrics) -> None:
    bound = metrics.add_webhook("siem")
    for state in ("live", "behind"):
        bound.set_state(state)
    shown = {s: sample(metrics, "forwarder_lane_state", webhook="siem", state=s) for s in d.LANE_STATES}
    assert shown == {"live": 0, "behind": 1, "paused": 0, "disabled": 0}
    with pytest.raises(KeyError):
        bound.set_state("asleep")
    assert sample(metrics, "forwarder_lane_state", webhook="siem", state="behind") == 1


def test_series_of_partitions_that_are_taken_away_vanish(metrics: Metrics) -> None:
    a, b = TP("t", 0), TP("t", 1)
    metrics.own([a, b])
    for tp, lag in ((a, 10), (b, 20)):
        bound = metrics.partition(tp)
        assert bound is not None
        bound.lag.set(lag)
    metrics.own([b])
    assert metrics.partition(a) is None
    assert sample(metrics, "forwarder_consumer_lag_records", topic="t", partition="0") is None
    assert sample(metrics, "forwarder_consumer_lag_records", topic="t", partition="1") == 20
    assert sample(metrics, "forwarder_assigned_partitions", topic="t") == 1
    metrics.own([])
    assert sample(metrics, "forwarder_assigned_partitions", topic="t") == 0
    assert "partition=" not in text(metrics)


def test_gauges_are_refreshed_before_each_scrape_only(metrics: Metrics) -> None:
    calls: list[int] = []
    metrics.on_scrape(lambda: calls.append(1))
    metrics.on_scrape(lambda: metrics.gauge(d.MEMORY_USED).set(len(calls)))
    assert sample(metrics, "forwarder_memory_used_bytes") == 0
    metrics.refresh()
    metrics.refresh()
    assert sample(metrics, "forwarder_memory_used_bytes") == 2


def test_a_callback_that_fails_is_logged_and_takes_nothing_away(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise RuntimeError("lane is gone")

    metrics.on_scrape(fails)
    metrics.on_scrape(lambda: metrics.gauge(d.MEMORY_USED).set(5))
    metrics.refresh()
    assert sample(metrics, "forwarder_memory_used_bytes") == 5
    assert "a metrics callback failed" in caplog.text


def test_nothing_is_shared_between_two_of_them(metrics: Metrics) -> None:
    other = Metrics()
    metrics.add_webhook("siem").delivered.inc()
    assert sample(other, "forwarder_events_delivered_total", webhook="siem") is None


def test_the_wrong_kind_is_refused(metrics: Metrics) -> None:
    with pytest.raises(TypeError, match="forwarder_kafka_up is a gauge"):
        metrics.counter(d.KAFKA_UP)
    with pytest.raises(TypeError, match="is a counter"):
        metrics.gauge(d.REBALANCES)
    with pytest.raises(TypeError, match="is a counter"):
        metrics.histogram(d.REBALANCES)


def test_no_created_series_are_shown(metrics: Metrics) -> None:
    metrics.add_webhook("siem").delivered.inc()
    for accept in ("", "application/openmetrics-text; version=1.0.0"):
        assert b"_created" not in metrics.expose(accept)[0]


def test_the_format_follows_the_accept_header(metrics: Metrics) -> None:
    plain, plain_type = metrics.expose("")
    opened, opened_type = metrics.expose("application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
    assert plain_type.startswith("text/plain; version=0.0.4")
    assert opened_type.startswith("application/openmetrics-text; version=1.0.0")
    assert opened.endswith(b"# EOF\n")
    assert not plain.endswith(b"# EOF\n")


def test_every_declared_metric_is_exposed_with_its_help(metrics: Metrics) -> None:
    metrics.add_webhook("siem")
    metrics.own([TP("t", 0)])
    families = {family.name: family for family in text_string_to_metric_families(text(metrics))}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.documentation, family.type) == (metric.help, metric.kind.value)
        assert family.samples or () in metric.values.values(), metric.name


def test_the_process_and_the_build_are_described(metrics: Metrics) -> None:
    shown = text(metrics)
    assert "forwarder_build_info{" in shown
    assert "process_resident_memory_bytes " in shown
    assert "python_gc_objects_collected_total" in shown


def test_a_webhook_has_a_bounded_number_of_series(metrics: Metrics) -> None:
    before = text(metrics).count("\n")
    metrics.add_webhook("siem")
    assert text(metrics).count("\n") - before <= 110


def test_scrapes_survive_webhooks_that_come_and_go_meanwhile(metrics: Metrics) -> None:
    """The exposition runs in a thread of its own."""
    done, failures = threading.Event(), []

    def scrape() -> None:
        while not done.is_set():
            try:
                metrics.expose()
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=scrape)
    thread.start()
    for number in range(300):
        metrics.add_webhook(f"hook-{number % 7}").event_age.observe_many(1.0, 3)
        metrics.remove_webhook(f"hook-{(number + 3) % 7}")
    done.set()
    thread.join()
    assert failures == []


def test_ends_of_signature_keys_come_and_go_with_their_keys(metrics: Metrics) -> None:
    name = "forwarder_signature_key_not_after_timestamp_seconds"
    siem, other = metrics.add_webhook("siem"), metrics.add_webhook("other")
    other.keys.show({}, {"old": 1.0})
    siem.keys.show({}, {"old": 100.0, "new": 200.0})
    siem.keys.show({}, {"new": 300.0})
    assert (sample(metrics, name, webhook="siem", key="new"), sample(metrics, name, webhook="other", key="old")) == (
        300,
        1,
    )
    assert 'key="old",webhook="siem"' not in text(metrics) and 'webhook="siem",key="old"' not in text(metrics)
    metrics.remove_webhook("siem")
    assert '"siem"' not in text(metrics)
    assert sample(metrics, name, webhook="other", key="old") == 1

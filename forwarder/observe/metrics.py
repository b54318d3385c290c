"""The numbers behind the declared metrics, in a registry of their own. Decides nothing.

Series exist from the moment that a webhook, topic or partition is added, with all label values, and vanish
with it.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Iterator
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from forwarder import __version__
from forwarder.model.event import TP
from forwarder.observe import declared as d
from forwarder.observe.bound import PartitionMetrics, TopicMetrics, WebhookMetrics
from forwarder.observe.declared import METRICS, Kind, Metric, ReloadResult, Stuck
from forwarder.observe.histogram import Histogram, Series

_log = logging.getLogger(__name__)


def _make(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    match metric.kind:
        case Kind.COUNTER:
            return Counter(metric.name, metric.help, metric.labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(metric.name, metric.help, metric.labels, registry=registry)
        case Kind.HISTOGRAM:
            histogram = Histogram(metric.name, metric.help, metric.labels, metric.buckets)
            registry.register(histogram)
            return histogram


def series_of(metric: Metric, **given: str) -> Iterator[tuple[str, ...]]:
    """Every combination of label values that `metric` has for the given ones (the rest must be declared)."""
    return product(*((given[label],) if label in given else metric.values[label] for label in metric.labels))


class Metrics:
    """One per worker. Not a singleton: tests and several workers in a process never share numbers."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they double the series and say little
        self.registry = CollectorRegistry()
        self._families = {metric: _make(metric, self.registry) for metric in METRICS}
        self._callbacks: list[Callable[[], None]] = []
        self._webhooks: dict[str, WebhookMetrics] = {}
        self._topics: dict[str, TopicMetrics] = {}
        self._partitions: dict[TP, PartitionMetrics] = {}
        self._nowhere = self._detached()
        for result in ReloadResult:
            self.counter(d.RELOADS, result.value)
        for what in Stuck:
            self.gauge(d.STUCK, what.value)
            self.counter(d.STUCK_FOUND, what.value)
        self.gauge(d.BUILD_INFO, __version__, platform.python_version()).set(1)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def counter(self, metric: Metric, *values: str) -> Counter:
        """The counter of these label values. Raises TypeError when `metric` is declared as something else."""
        family = self._families[metric]
        if not isinstance(family, Counter):
            raise TypeError(f"{metric.name} is a {metric.kind.value}")
        return family.labels(*values) if values else family

    def gauge(self, metric: Metric, *values: str) -> Gauge:
        """The gauge of these label values. Raises TypeError when `metric` is declared as something else."""
        family = self._families[metric]
        if not isinstance(family, Gauge):
            raise TypeError(f"{metric.name} is a {metric.kind.value}")
        return family.labels(*values) if values else family

    def histogram(self, metric: Metric, *values: str) -> Series:
        """The series of these label values. Raises TypeError when `metric` is declared as something else."""
        family = self._families[metric]
        if not isinstance(family, Histogram):
            raise TypeError(f"{metric.name} is a {metric.kind.value}")
        return family.labels(*values)

    def add_webhook(self, name: str) -> WebhookMetrics:
        """All series of the webhook, at 0. Adding it again returns the same object."""
        if name not in self._webhooks:
            self._webhooks[name] = WebhookMetrics(self, name)
        return self._webhooks[name]

    def remove_webhook(self, name: str) -> None:
        """Its series go away; a `WebhookMetrics` that somebody still holds counts on unseen."""
        if self._webhooks.pop(name, None):
            self._drop("webhook", webhook=name)

    def webhook(self, name: str) -> WebhookMetrics:
        """What `add_webhook` made. A late attempt must not bring one back that is gone: it counts unseen."""
        return self._webhooks.get(name, self._nowhere)

    def add_topic(self, topic: str) -> TopicMetrics:
        """All series of the topic, at 0. Adding it again returns the same object."""
        if topic not in self._topics:
            self._topics[topic] = TopicMetrics(self, topic)
        return self._topics[topic]

    def topic(self, topic: str) -> TopicMetrics:
        """The same as `add_topic`: topics are few and are never removed while the process runs."""
        return self.add_topic(topic)

    def own(self, owned: Iterable[TP]) -> None:
        """This worker's partitions from now on. Series of others vanish: no stale lag stays behind."""
        wanted = set(owned)
        for tp in set(self._partitions) - wanted:
            del self._partitions[tp]
            self._drop("partition", topic=tp.topic, partition=str(tp.partition))
        for tp in wanted:
            self._partitions.setdefault(tp, PartitionMetrics(self, tp.topic, tp.partition))
        for topic in {tp.topic for tp in wanted} | set(self._topics):
            self.add_topic(topic).assigned.set(sum(tp.topic == topic for tp in wanted))

    def partition(self, tp: TP) -> PartitionMetrics | None:
        """None when this worker does not own the partition."""
        return self._partitions.get(tp)

    def on_scrape(self, callback: Callable[[], None]) -> None:
        """`callback` runs before each exposition, in the event loop's thread. It must be quick."""
        self._callbacks.append(callback)

    def refresh(self) -> None:
        """Run the callbacks. One that fails is logged and does not take the others' numbers away."""
        for callback in self._callbacks:
            try:
                callback()
            except Exception:
                _log.exception("a metrics callback failed")

    def expose(self, accept: str = "") -> tuple[bytes, str]:
        """Body and content type for an `Accept` header (text or OpenMetrics). Any thread may call it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _detached(self) -> WebhookMetrics:
        """Counters that nobody sees, for what happens to a webhook after its removal."""
        bound = WebhookMetrics(self, "")
        self._drop("webhook", webhook="")
        return bound

    def forget(self, metric: Metric, **given: str) -> None:
        """Take away a gauge's series that have these label values."""
        family = self._families[metric]
        if isinstance(family, Gauge):
            family.remove_by_labels(given)

    def _drop(self, label: str, **given: str) -> None:
        for metric, family in self._families.items():
            if label in metric.labels and () in metric.values.values():
                self.forget(metric, **given)
            elif label in metric.labels:
                for values in series_of(metric, **given):
                    family.remove(*values)

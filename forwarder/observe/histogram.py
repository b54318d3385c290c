"""A histogram that takes one value for many events at once (prometheus-client's cannot). Holds no names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Series:
    """The counts of one combination of labels. Written by one thread; may be read by another."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One observation. Negative values count as 0: the two clocks that made them disagree."""
        self.observe_many(value, 1)

    def observe_many(self, value: float, count: int) -> None:
        """`count` observations of the same value, at the cost of one."""
        value = max(value, 0.0)
        self._counts[bisect_left(self._bounds, value)] += count
        self._sum += value * count

    def snapshot(self) -> tuple[list[int], float]:
        """Cumulative counts, the last being the total, and the sum."""
        return list(accumulate(list(self._counts))), self._sum


class Histogram(Collector):
    """One histogram with all its series. Registers itself nowhere."""

    def __init__(self, name: str, help: str, labels: Sequence[str], buckets: Sequence[float]) -> None:
        self._name, self._help, self._labels = name, help, labels
        self._bounds = tuple(float(bound) for bound in buckets)
        self._le = [str(bound) for bound in self._bounds] + ["+Inf"]
        self._series: dict[tuple[str, ...], Series] = {}

    def labels(self, *values: str) -> Series:
        """The series of these label values, made when it is new."""
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = Series(self._bounds)
        return series

    def remove(self, *values: str) -> None:
        """Forget the series; unknown ones are no error."""
        self._series.pop(values, None)

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """The family without samples, so that a registry can refuse duplicate names."""
        return [HistogramMetricFamily(self._name, self._help, labels=self._labels)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for values, series in list(self._series.items()):
            counts, total = series.snapshot()
            family.add_metric(values, list(zip(self._le, counts, strict=True)), total)
        return [family]

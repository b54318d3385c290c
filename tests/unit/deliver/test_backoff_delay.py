"""Laws of the back-off."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.backoff import delay
from forwarder.model.verdict import Pace
from forwarder.settings.webhook import RetryPolicy

PACES = st.sampled_from(Pace)
FAILURES = st.integers(1, 10_000)
RANDOM = st.floats(0, 1, exclude_max=True)
POLICY = RetryPolicy(base=1.0, cap=300.0)


@given(PACES, FAILURES, RANDOM, st.floats(0.001, 1e9), st.floats(0.001, 1e9))
def test_a_delay_is_finite_and_within_the_cap(
    pace: Pace, failures: int, random: float, base: float, cap: float
) -> None:
    seconds = delay(pace, failures, RetryPolicy(base=base, cap=cap), random)
    assert math.isfinite(seconds)
    assert 0 <= seconds <= cap


@given(PACES, FAILURES, RANDOM)
def test_more_failures_never_wait_less(pace: Pace, failures: int, random: float) -> None:
    assert delay(pace, failures, POLICY, random) <= delay(pace, failures + 1, POLICY, random)


@given(FAILURES, RANDOM)
def test_slow_never_waits_less_than_normal_and_never_nothing(failures: int, random: float) -> None:
    slow = delay(Pace.SLOW, failures, POLICY, random)
    assert slow >= max(delay(Pace.NORMAL, failures, POLICY, random), 15.0)


def test_normal_is_full_jitter_over_a_doubling_range() -> None:
    assert [delay(Pace.NORMAL, n, POLICY, 0.5) for n in (1, 2, 3, 9, 10)] == [0.5, 1.0, 2.0, 128.0, 150.0]
    assert delay(Pace.NORMAL, 5, POLICY, 0.0) == 0.0

"""Sift's rule, as it is told: free below the baseline, a token for each request above, tokens back only below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.rate import Rule, TokenBucket, rule_of
from forwarder.settings.limits import RateLimit

SIFT = rule_of(RateLimit())
GAPS = st.lists(st.floats(0, 5), min_size=1, max_size=80)


def flood(bucket: TokenBucket, now: float, rule: Rule = SIFT) -> int:
    """How many requests go at once."""
    count = 0
    while bucket.take(now, rule):
        count += 1
    return count


def test_the_defaults_are_sifts_figures() -> None:
    assert Rule(free=2, window=1.0, regain=2.0, burst=100) == SIFT


def test_a_hundred_tokens_and_the_baseline_go_at_once_and_then_two_a_second() -> None:
    bucket = TokenBucket()
    assert flood(bucket, 0.0) == 102
    assert bucket.ready_at(0.0, SIFT) == 1.0
    for second in range(1, 20):
        assert flood(bucket, float(second)) == 2


def test_two_a_second_cost_nothing_for_ever() -> None:
    bucket = TokenBucket()
    for number in range(200):
        assert bucket.take(number / 2, SIFT)
    assert bucket.tokens(100.0, SIFT) == 100


@pytest.mark.parametrize(("rate", "left"), [(3, 90), (5, 70), (12, 0)])
def test_each_request_above_the_baseline_costs_one_token(rate: int, left: int) -> None:
    bucket = TokenBucket()
    for number in range(10 * rate):
        assert bucket.take(number / rate, SIFT)
    assert bucket.tokens(9.999, SIFT) == pytest.approx(left, abs=1)


def test_tokens_do_not_come_back_at_the_baseline() -> None:
    bucket = TokenBucket()
    flood(bucket, 0.0)
    for second in range(1, 30):
        assert flood(bucket, float(second)) == 2
        assert bucket.tokens(float(second), SIFT) == 0


def test_below_the_baseline_two_tokens_a_second_come_back() -> None:
    bucket = TokenBucket()
    flood(bucket, 0.0)
    assert bucket.tokens(1.0, SIFT) == 0
    assert bucket.tokens(6.0, SIFT) == pytest.approx(10)
    assert bucket.tokens(51.0, SIFT) == bucket.tokens(500.0, SIFT) == 100


def test_one_request_a_second_is_below_the_baseline() -> None:
    bucket = TokenBucket()
    flood(bucket, 0.0)
    for second in range(1, 11):
        bucket.take(float(second), SIFT)
    assert bucket.tokens(10.0, SIFT) > 10


@given(GAPS, st.floats(0.2, 50), st.integers(0, 30), st.integers(1, 5))
def test_law_no_more_goes_than_the_rule_gives(gaps: list[float], per_second: float, burst: int, members: int) -> None:
    """However it is asked: in `t` seconds at most the tokens at the start, those that came back, and the free ones."""
    rule = rule_of(RateLimit(per_second=per_second, burst=burst), members)
    bucket, now, sent = TokenBucket(), 0.0, 0
    for gap in gaps:
        now += gap
        sent += min(flood(bucket, now, rule), 10_000)
        free = rule.free * (1 + now / rule.window)
        assert sent <= burst / members + rule.regain * now + free + 1e-6


@given(GAPS)
def test_law_whoever_asks_as_often_as_possible_gets_no_more_than_two_a_second_and_the_burst(gaps: list[float]) -> None:
    bucket, now, sent = TokenBucket(), 0.0, 0
    for _ in gaps:
        sent += flood(bucket, now)
        now = bucket.ready_at(now, SIFT)
        assert sent <= 102 + 2 * now + 1e-6


@given(GAPS, st.floats(0.2, 50), st.integers(0, 30))
def test_law_ready_at_tells_the_truth(gaps: list[float], per_second: float, burst: int) -> None:
    rule = rule_of(RateLimit(per_second=per_second, burst=burst))
    bucket, now = TokenBucket(), 0.0
    for gap in gaps:
        now += gap
        flood(bucket, now, rule)
        ready = bucket.ready_at(now, rule)
        assert ready > now
        assert bucket.ready_at((now + ready) / 2, rule) == ready or (now + ready) / 2 in (now, ready)
        assert bucket.take(ready, rule)
        now = ready


@given(st.floats(0.1, 1000), st.integers(0, 1000), st.integers(1, 50))
def test_law_the_parts_are_never_more_than_the_whole(per_second: float, burst: int, members: int) -> None:
    rule = rule_of(RateLimit(per_second=per_second, burst=burst), members)
    assert rule.regain * members == pytest.approx(per_second)
    assert rule.free / rule.window * members == pytest.approx(per_second)
    assert rule.burst * members <= burst


def test_a_group_that_grows_takes_tokens_and_one_that_shrinks_gives_the_rate_back() -> None:
    whole, half = SIFT, rule_of(RateLimit(), 2)
    bucket = TokenBucket()
    assert bucket.tokens(0.0, whole) == 100
    assert bucket.tokens(0.0, half) == 50
    assert flood(bucket, 0.0, half) == 51
    assert [flood(bucket, second, half) for second in (1.0, 2.0, 3.0)] == [1, 1, 1]
    assert flood(bucket, 4.0, whole) >= 1
    assert [flood(bucket, second, whole) for second in (5.0, 6.0, 7.0)] == [2, 2, 2]

"""Laws of the limit on lines: never two in an interval, and none is lost from the count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forwarder.observe.throttle import MAX_KEYS, Held, Throttle

INTERVAL = 10.0
steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(0, 30), st.integers(1, 9), st.booleans()), min_size=1, max_size=60
)


@given(steps)
def test_a_key_never_speaks_twice_within_its_interval(given: list[tuple[str, float, int, bool]]) -> None:
    throttle, now, said = Throttle[str](), 0.0, {}
    for key, passed, amount, flush in given:
        now += passed
        spoken = [line for line, _ in throttle.due(now)] if flush else []
        if throttle.admit(key, key, now, INTERVAL, amount) is not None:
            spoken.append(key)
        for line in spoken:
            assert now - said.get(line, -INTERVAL) >= INTERVAL
            said[line] = now


@given(steps)
def test_every_line_is_said_or_counted_exactly_once(given: list[tuple[str, float, int, bool]]) -> None:
    throttle, now, lines, amounts = Throttle[int](), 0.0, 0, 0

    def say(amount: int, held: Held) -> None:
        nonlocal lines, amounts
        lines += 1 + held.lines
        amounts += amount + held.amount

    for key, passed, amount, flush in given:
        now += passed
        if flush:
            for line, held in throttle.due(now):
                say(line, held)
        admitted = throttle.admit(key, amount, now, INTERVAL, amount)
        if admitted is not None:
            say(amount, admitted)
    for line, held in throttle.due(now, everything=True):
        say(line, held)
    assert (lines, amounts) == (len(given), sum(amount for _, _, amount, _ in given))


def test_the_newest_line_is_the_one_said_later() -> None:
    throttle = Throttle[str]()
    assert throttle.admit("k", "first", 0, INTERVAL) == Held(0, 0)
    assert throttle.admit("k", "second", 1, INTERVAL) is None
    assert throttle.admit("k", "third", 2, INTERVAL) is None
    assert list(throttle.due(9.9)) == []
    assert list(throttle.due(10)) == [("third", Held(1, 0))]
    assert list(throttle.due(20)) == []


def test_a_clock_that_steps_back_does_not_silence_for_ever() -> None:
    throttle = Throttle[str]()
    throttle.admit("k", "x", 1_000_000, INTERVAL)
    assert throttle.admit("k", "x", 5, INTERVAL) == Held(0, 0)


def test_keys_that_nobody_uses_any_more_are_forgotten() -> None:
    throttle = Throttle[str]()
    for number in range(MAX_KEYS * 2):
        throttle.admit(number, "x", 0, INTERVAL)
    assert throttle.admit(MAX_KEYS * 2 - 1, "x", 1, INTERVAL) is None
    assert throttle.admit(0, "x", 1, INTERVAL) == Held(0, 0)
    list(throttle.due(100))
    list(throttle.due(200))
    assert not throttle._keys

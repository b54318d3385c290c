"""The demo's judge: a flawless run passes; every single flaw fails, and is named."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.cli.demo.judge import Evidence, judge
from forwarder.cli.demo.record import Record
from forwarder.cli.demo.scrape import Row
from forwarder.cli.demo.vendors import Place
from forwarder.cli.demo.view import books

PLACES = {number: Place("t", number % 2, number // 2) for number in range(10)}


def flawless() -> Evidence:
    record = Record(numbers=array("Q", range(10)), requests=3)
    return Evidence("siem", True, PLACES, record, Row(state="live", matched=10, delivered=10), read=10)


def dead() -> Evidence:
    return Evidence("dead", False, PLACES, Record(), Row(state="behind", matched=6, pending=6, behind=2), read=10)


def complaints(one: Evidence) -> list[str]:
    return judge([one], produced=10, read=one.read)


def test_a_flawless_run_passes() -> None:
    assert judge([flawless(), dead()], produced=10, read=10) == []


def test_repeated_attempts_that_were_refused_are_no_flaw() -> None:
    one = flawless()
    one.record.requests, one.record.refused = 9, 6
    assert complaints(one) == []


def lose(one: Evidence) -> Evidence:
    one.record.numbers.remove(4)
    return one


def lose_and_count_it_delivered(one: Evidence) -> Evidence:
    """The worst case: Forwarder is sure, the receiver never saw it, and a repeated one makes the sums equal."""
    one.record.numbers.remove(4)
    one.record.numbers.append(9)
    return one


def repeat(one: Evidence) -> Evidence:
    one.record.numbers.append(9)
    return replace(one, row=replace(one.row, delivered=11, matched=11))


def disorder(one: Evidence) -> Evidence:
    one.record.numbers[2], one.record.numbers[4] = one.record.numbers[4], one.record.numbers[2]
    return one


def forge(one: Evidence) -> Evidence:
    one.record.forged = 1
    return one


def unsign(one: Evidence) -> Evidence:
    one.record.unsigned = 1
    return one


def intrude(one: Evidence) -> Evidence:
    one.record.strangers = 1
    return replace(one, row=replace(one.row, delivered=11, matched=11))


def misroute(one: Evidence) -> Evidence:
    expected = {number: place for number, place in one.expected.items() if number != 3}
    return replace(one, expected=expected)


@pytest.mark.parametrize(
    ("flaw", "named"),
    [
        (lose, "1 events never arrived (t/0/2)"),
        (lose_and_count_it_delivered, "1 events never arrived (t/0/2)"),
        (lose_and_count_it_delivered, "1 events arrived more than once (t/1/4)"),
        (repeat, "1 events arrived more than once"),
        (disorder, "arrived before an earlier one of their partition"),
        (forge, "1 of 3 requests had a signature that does not verify"),
        (unsign, "1 of 3 requests had no signature to check"),
        (intrude, "1 events arrived that it does not want"),
        (misroute, "1 events arrived that it does not want"),
        (lambda one: replace(one, row=replace(one.row, pending=1)), "the books do not balance"),
        (lambda one: replace(one, row=replace(one.row, discarded=1)), "the books do not balance"),
        (lambda one: replace(one, row=replace(one.row, imbalance=1)), "the books do not balance"),
        (
            lambda one: replace(one, row=replace(one.row, matched=9, delivered=9)),
            "matched 9 events, 10 are of its kind",
        ),
        (lambda one: replace(one, row=replace(one.row, matched=9, delivered=9)), "the receiver took 10"),
        (lambda one: replace(one, row=replace(one.row, behind=1, matched=9, delivered=9)), "the receiver took 10"),
    ],
)
def test_every_flaw_is_named(flaw: Callable[[Evidence], Evidence], named: str) -> None:
    found = complaints(flaw(flawless()))
    assert any(named in text for text in found), found
    assert all(text.startswith("siem: ") for text in found)


def test_events_that_forwarder_never_read_are_a_flaw() -> None:
    assert judge([replace(flawless(), read=9)], produced=10, read=9)[0] == "Forwarder read 9 events, 10 were produced"


def test_a_request_to_the_dead_one_is_a_flaw() -> None:
    one = dead()
    one.record.requests = 1
    assert "a receiver that does not listen" in complaints(one)[0]


def test_a_dead_one_that_is_not_behind_must_have_matched_everything() -> None:
    one = replace(dead(), row=Row(state="live", matched=6, pending=6))
    assert "matched 6 events, 10 are of its kind" in complaints(one)[0]


@given(st.permutations(range(10)))
def test_order_counts_within_a_partition_only(order: list[int]) -> None:
    one = flawless()
    one.record.numbers[:] = array("Q", order)
    kept = all([n for n in order if n % 2 == side] == sorted(n for n in order if n % 2 == side) for side in (0, 1))
    assert (complaints(one) == []) == kept


def test_the_books_show_what_does_not_add_up() -> None:
    text = books([flawless(), replace(flawless(), row=Row(matched=10, delivered=8))], produced=10)
    assert text.count("balances") == 1
    assert "OFF BY 2" in text


def test_the_books_of_one_that_is_behind_tell_what_waits_in_kafka() -> None:
    row = books([dead()], produced=10).splitlines()[-1].split()
    assert row == ["dead", "10", "0", "0", "0", "0", "6", "4", "balances", "0", "0", "of", "0"]

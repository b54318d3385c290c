"""Dead letters and ledger entries as values: the record untouched, why in headers, offsets in runs."""

from __future__ import annotations

import json

import pytest

from forwarder import __version__
from forwarder.model.event import TP
from forwarder.progress.deadletter import MOST_BYTES, ROOM_BYTES, Cause, dead_letter
from forwarder.progress.ledger import MOST_RUNS, encode, entries, entries_of
from tests.unit.lane.lane_rig import P0, P1, event, events


def test_the_record_is_copied_untouched_and_our_headers_come_behind_its_own():
    record = event(7, P1, key=b"k", value=b"\xff\x00", headers=(("a", b"1"), ("a", b"2")))
    letter = dead_letter(record, Cause("not_utf8"), "eu")
    assert (letter.key, letter.value, letter.timestamp_ms) == (b"k", b"\xff\x00", record.timestamp_ms)
    assert letter.headers[:2] == (("a", b"1"), ("a", b"2"))
    told = dict(letter.headers[2:])
    assert told == {
        "forwarder-reason": b"not_utf8",
        "forwarder-cluster": b"eu",
        "forwarder-topic": b"logs",
        "forwarder-partition": b"1",
        "forwarder-offset": b"7",
        "forwarder-timestamp": str(record.timestamp_ms).encode(),
        "forwarder-version": __version__.encode(),
    }


def test_a_null_value_stays_null():
    assert dead_letter(event(1, value=None), Cause("null_value"), "eu").value is None


def test_a_refused_event_tells_who_refused_it_and_how():
    cause = Cause("refused", "d", "siem", 3, 400, "no such field", 1_700_000_000.5, 1_700_000_009.25)
    told = dict(dead_letter(event(1), cause, "eu").headers)
    assert told["forwarder-webhook"] == b"siem"
    assert told["forwarder-attempts"] == b"3"
    assert told["forwarder-status"] == b"400"
    assert told["forwarder-response"] == b"no such field"
    assert told["forwarder-first-attempt"] == b"1700000000.500"
    assert told["forwarder-last-attempt"] == b"1700000009.250"


def test_half_a_surrogate_pair_in_a_text_does_not_stop_the_letter():
    told = dict(dead_letter(event(1), Cause("filter_error", "bad \ud800"), "eu").headers)
    assert told["forwarder-detail"] == b"bad ?"


def test_the_same_letter_twice_is_the_same():
    assert dead_letter(event(1), Cause("refused"), "eu") == dead_letter(event(1), Cause("refused"), "eu")


def test_the_ledger_has_one_entry_per_partition_with_runs_of_offsets():
    given_up = [*events([1, 2, 5]), *events([7], P1)]
    first, second = (json.loads(encode(entry)) for entry in entries("siem", "expired", "eu", given_up, 12.5))
    assert first == {
        "webhook": "siem", "reason": "expired", "cluster": "eu", "topic": "logs", "partition": 0,
        "runs": [[1, 2], [5, 5]], "count": 3, "at": 12.5,
    }  # fmt: skip
    assert (second["partition"], second["runs"], second["count"]) == (1, [[7, 7]], 1)
    assert P0.partition == first["partition"]


@pytest.mark.parametrize("text", ["x" * 100_000, "\u20ac" * 50_000, "\ud800" * 5000], ids=["ascii", "wide", "broken"])
def test_our_headers_are_bounded_whatever_a_receiver_or_a_filter_says(text):
    cause = Cause("refused", text, "w" * 63, 10**9, 599, text, 1.0, 2.0)
    plain = event(1, TP("t" * 249, 2**31 - 1), headers=(("h", b"1"),))
    letter = dead_letter(plain, cause, "c" * 64)
    ours = letter.headers[1:]
    assert all(len(value) <= MOST_BYTES for _, value in ours)
    assert sum(len(name) + len(value) for name, value in ours) < ROOM_BYTES
    for _, value in ours:
        value.decode()
    assert letter.size == len(plain.value) + 2 + sum(len(name) + len(value) for name, value in ours)


def test_an_entry_with_very_many_runs_is_split_and_nothing_is_left_out():
    runs = [(n, n) for n in range(0, 5 * MOST_RUNS, 2)]
    found = list(entries_of("siem", "shed", "eu", P0, runs, 1.0, len(runs)))
    assert [run for entry in found for run in entry.runs] == runs
    assert all(len(entry.runs) <= MOST_RUNS for entry in found)
    assert sum(entry.count for entry in found) == len(runs)


def test_the_count_of_joined_runs_is_that_of_the_events():
    (entry,) = entries_of("siem", "shed", "eu", P0, [(1, 10)], 1.0, 4)
    assert entry.count == 4

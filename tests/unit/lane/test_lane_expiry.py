"""What is given up is noted in few entries, with nothing left out; a dead letter's history survives splitting and restarts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.actions import Send, WriteDeadLetters, WriteLedger
from forwarder.lane.flight import Fate, Flight, part_of
from forwarder.lane.losses import MOST_RUNS, Losses, runs_without
from forwarder.lane.resume import Refreeze
from forwarder.lane.spans import Spans
from forwarder.model.attempt import DeadLetterReason, DiscardReason
from tests.unit.lane.lane_rig import P0, P1, WALL, Rig, events, later, offsets

SHED = DiscardReason.SHED


def outage(rig: Rig, seconds: int, rate: int = 10) -> list[list[int]]:
    """The endpoint fails, `rate` events come in a second, and the lane is polled each second; the offsets of each entry."""
    entries: list[list[int]] = []
    for second in range(seconds):
        rig.now = float(second)
        numbers = range(second * rate, (second + 1) * rate)
        rig.offer(numbers, timestamp_ms=int((WALL + second) * 1000))
        while actions := rig.poll():
            for action in actions:
                if isinstance(action, Send):
                    rig.answer(action, later(), delay=60.0)
                else:
                    entries.append(offsets(action.part.events))
                    rig.wrote(action)
        rig.check()
    return entries


def test_an_outage_writes_few_entries_and_every_expired_event_is_in_one() -> None:
    rig = Rig(discardAfter=100, maxEvents=1000)
    entries = outage(rig, 1000)
    noted = sorted(offset for entry in entries for offset in entry)
    assert noted == list(range(len(noted))), "each once, none left out"
    assert len(noted) > 8500
    assert len(entries) <= 2 * 1000 / 10


def test_settlement_is_not_delayed_beyond_a_tenth_of_the_limit() -> None:
    rig = Rig(discardAfter=100, maxEvents=1000)
    outage(rig, 1000)
    oldest = min(event.timestamp_ms for event in [*rig.lane.window.events, *rig.lane.flights.events()])
    assert rig.wall - oldest / 1000 <= 100 + 10 + 1


def test_a_window_that_is_full_of_expired_events_does_not_wait_for_the_next_look() -> None:
    """A backlog of a million expired events must not be given up at a window every ten seconds."""
    rig = Rig(discardAfter=100, maxEvents=100)
    rig.offer(range(1))
    for _ in range(5):
        (action,) = rig.poll()
        rig.answer(action, later(), delay=3600.0)
        rig.lane.flights.items[0].retry_at = rig.now
    rig.lane.flights.items[0].retry_at = rig.lane.flights.hold_until = 10_000.0
    rig.now = 5000.0
    rig.lane.fall_behind(P0, 1)
    rig.positions[P0] = 5000
    given_up = 0
    for _ in range(40):
        for action in rig.poll():
            assert isinstance(action, WriteLedger)
            given_up += len(action.part.events)
            rig.wrote(action)
        first = rig.lane.behind[P0]
        if not rig.lane.wants(P0):
            continue
        woken = len(rig.woken)
        rig.feed(range(first, first + 500), first + 500)
        assert len(rig.woken) > woken or not rig.lane.window.crowded
    assert given_up > 3000


def test_an_event_that_was_given_up_before_an_older_one_is_not_given_up_again_after_a_crash() -> None:
    """Timestamps need not be in the order of offsets."""
    rig = Rig(discardAfter=60)
    old, young = events([1], timestamp_ms=int(WALL * 1000)), events([0], timestamp_ms=int((WALL + 1000) * 1000))
    rig.offer_events([*young, *old])
    rig.answer(rig.one(), later(), delay=100.0)
    rig.now = 200.0
    (entry,) = [action for action in rig.poll() if isinstance(action, WriteLedger)]
    assert offsets(entry.part.events) == [1]
    rig.wrote(entry)
    assert rig.lane.cursors() == {P0: 0}
    assert rig.lane.delivered_ahead[P0].runs() == [(1, 1)]


# --- the history of a dead letter ---


def test_a_split_part_keeps_how_often_and_when_its_events_were_tried() -> None:
    flight = Flight(1)
    whole = part_of(events(range(8)))
    whole.attempts, whole.first_attempt, whole.last_attempt, whole.status = 2, 100.0, 120.0, 400
    flight.parts.append(whole)
    flight.split_head(4)
    flight.head.attempts = 1
    flight.split_head(2)
    flight.head.attempts = 1
    flight.condemn(flight.head.events[:1], Fate.DEAD_LETTER, DeadLetterReason.REFUSED)
    doomed, rest = flight.head, flight.parts[1]
    assert doomed.earlier + doomed.attempts == 4
    assert (doomed.first_attempt, doomed.last_attempt, doomed.status) == (100.0, 120.0, 400)
    assert (rest.attempts, rest.earlier, rest.first_attempt) == (0, 4, 100.0)
    assert (flight.parts[2].earlier, flight.parts[3].earlier) == (3, 2)


def test_a_restart_keeps_the_history_of_a_frozen_batch() -> None:
    waiting = Refreeze({P0: [(0, 4)]}, 5, attempts=3, earlier=2, first_attempt=100.0)
    again = waiting.part(events(range(5)))
    assert (again.attempts, again.earlier, again.first_attempt) == (3, 2, 100.0)
    other = waiting.part(events(range(4)))
    assert (other.attempts, other.earlier, other.first_attempt) == (0, 5, 100.0)


# --- what is given up outside a batch ---


def test_what_a_lossy_webhook_sheds_is_noted_by_offset() -> None:
    rig = Rig(lossy=True, maxEvents=10, throttle=3600)
    rig.offer(range(3000))
    (loss,) = rig.lane.holding.losses.take()
    assert (loss.reason, loss.tp, loss.count) == (SHED, P0, rig.lane.books.discarded[SHED])
    assert sum(last - first + 1 for first, last in loss.runs) == loss.count > 1000
    held = {event.offset for event in [*rig.lane.window.events, *rig.lane.flights.events()]}
    assert not held & {offset for first, last in loss.runs for offset in range(first, last + 1)}


def test_nothing_is_noted_for_a_webhook_that_drops() -> None:
    rig = Rig(lossy=True, maxEvents=10, throttle=3600, onDiscard="drop")
    rig.offer(range(3000))
    assert not rig.lane.holding.losses.waiting


def test_what_retention_took_is_noted_without_what_had_its_outcome() -> None:
    rig = Rig(live=False)
    rig.positions[P0] = 100
    rig.lane.delivered_ahead[P0] = Spans([(3, 4), (9, 9)])
    assert rig.lane.skip(P0, 10) == 7
    (loss,) = rig.lane.holding.losses.take()
    assert (loss.reason, loss.runs, loss.count) == (DiscardReason.RETENTION, [(0, 2), (5, 8)], 7)


def test_what_could_not_be_written_is_kept_in_front_of_what_came_since() -> None:
    losses = Losses()
    losses.note(SHED, P0, [(1, 2)])
    taken = losses.take()
    losses.note(SHED, P0, [(3, 3)])
    losses.note(SHED, P1, [(0, 0)])
    losses.give_back(taken)
    found = {loss.tp: (loss.runs, loss.count) for loss in losses.take()}
    assert found == {P0: ([(1, 3)], 3), P1: ([(0, 0)], 1)}
    assert not losses.waiting


def test_the_runs_that_are_kept_are_bounded_and_cover_all() -> None:
    losses = Losses()
    wanted = range(0, 6 * MOST_RUNS, 2)
    losses.note(SHED, P0, [(offset, offset) for offset in wanted])
    (loss,) = losses.take()
    assert loss.count == len(wanted)
    assert len(loss.runs) <= MOST_RUNS + 1
    covered = {offset for first, last in loss.runs for offset in range(first, last + 1)}
    assert covered >= set(wanted)


@given(st.integers(0, 50), st.integers(0, 50), st.sets(st.integers(0, 60)))
def test_runs_hold_every_offset_but_the_spared(first: int, length: int, spared: set[int]) -> None:
    runs = runs_without(first, first + length, spared)
    found = [offset for one, last in runs for offset in range(one, last + 1)]
    assert found == sorted(set(range(first, first + length)) - spared)


def test_dead_letters_of_expired_events_come_many_at_a_time_too() -> None:
    rig = Rig(discardAfter=100, maxEvents=1000, onDiscard="deadLetter")
    rig.offer(range(500), timestamp_ms=int(WALL * 1000))
    rig.answer(rig.one(), later(), delay=3600.0)
    rig.offer(range(500, 900), timestamp_ms=int(WALL * 1000))
    rig.now = 101.0
    letters = [action for action in rig.poll() if isinstance(action, WriteDeadLetters)]
    assert sorted(len(action.part.events) for action in letters) == [400, 500]


def test_a_ledger_that_waits_for_kafka_costs_no_event_that_the_endpoint_could_have() -> None:
    """The endpoint failed once; then its entry could not be written for long. Nobody asked the endpoint meanwhile."""
    rig = Rig(discardAfter=10, maxEvents=1000, throttle=1)
    rig.offer(range(5), timestamp_ms=int(WALL * 1000))
    rig.answer(rig.one(), later(), delay=1.0)
    rig.now = 11.0
    (entry,) = rig.poll()
    assert isinstance(entry, WriteLedger)
    assert offsets(entry.part.events) == list(range(5))
    rig.offer(range(5, 50), timestamp_ms=int((WALL + 11) * 1000))
    for second in range(12, 60):
        rig.now = float(second)
        assert not [action for action in rig.poll() if action.part is not entry.part]
    rig.wrote(entry)
    assert offsets(rig.one().part.events) == list(range(5, 50)), "the endpoint is asked first"

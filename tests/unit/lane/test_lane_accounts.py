"""A lane's account of each partition: what was read, and what became of it, however often it is read."""

from __future__ import annotations

import pytest

from forwarder.lane.accounts import Account
from forwarder.lane.states import Trigger
from forwarder.model.attempt import DiscardReason
from forwarder.model.event import TP
from tests.unit.lane.lane_rig import GONE, OK, P0, P1, Rig, event, events, later, offsets, webhook


def terms(rig: Rig, tp: TP = P0) -> tuple[int, int, int, int]:
    """Read, matched, delivered, pending; and the account balances."""
    rig.check()
    account = rig.lane.accounts.of[tp]
    assert rig.lane.accounts.imbalance(tp) == 0
    return rig.lane.accounts.read(tp), account.matched, account.delivered, account.pending


def route(rig: Rig, records: int, wanted: list[int], tp: TP = P0) -> None:
    """A chunk of `records` records, some of which the webhook wants."""
    start = rig.positions[tp]
    rig.positions[tp] = start + records
    rig.routed[tp] = rig.routed.get(tp, 0) + records
    if wanted:
        rig.lane.offer(tp, events(wanted, tp), rig.now)


def test_a_live_lane_reads_what_the_router_routes_and_filters_what_it_is_not_offered() -> None:
    rig = Rig()
    route(rig, 100, [3, 5])
    route(rig, 50, [])
    assert terms(rig) == (150, 2, 0, 2)
    rig.deliver_all()
    assert terms(rig) == (150, 2, 2, 0)


def test_a_lane_that_falls_behind_in_a_chunk_has_read_all_of_it_and_reads_nothing_twice() -> None:
    rig = Rig(maxEvents=100)
    route(rig, 1500, list(range(0, 1500)))
    assert terms(rig) == (1500, 1500, 0, 1500)
    route(rig, 500, list(range(1500, 2000)))
    assert terms(rig) == (1500, 1500, 0, 1500), "the second chunk is catch-up's"
    rig.deliver_all()
    rig.feed(range(1000, 2000), 2000)
    assert terms(rig) == (2000, 2000, 1000, 1000)
    rig.caught_up()
    rig.deliver_all()
    route(rig, 10, [])
    assert terms(rig) == (2010, 2000, 2000, 0)


def test_a_record_that_catch_up_passes_without_an_event_is_filtered() -> None:
    rig = Rig(live=False)
    rig.lane.feed(P0, events([4, 8]), 10, 0.0, range(10))
    assert terms(rig) == (10, 2, 0, 2)
    rig.lane.feed(P0, [], 20, 0.0, range(5, 40))
    assert terms(rig) == (20, 2, 0, 2), "only what lies in between"


def test_offsets_without_a_record_are_not_read() -> None:
    rig = Rig(live=False)
    rig.lane.feed(P0, events([4, 8]), 100, 0.0, [4, 8, 50])
    assert terms(rig)[0] == 3


def test_what_the_shared_read_skipped_is_read_by_catch_up_and_counted_once() -> None:
    rig = Rig()
    route(rig, 10, [1])
    rig.positions[P0] = 60
    rig.lane.fall_behind(P0, 10)
    rig.routed[P0] = rig.routed[P0] + 10
    assert terms(rig)[0] == 10
    rig.lane.feed(P0, [], 60, 0.0, range(10, 60))
    rig.caught_up()
    assert terms(rig)[0] == 60


def test_a_lane_whose_start_lies_ahead_of_the_router_is_not_drawn_back_by_a_gap() -> None:
    rig = Rig(P0, live=False)
    rig.lane.disown(frozenset({P0}))
    rig.lane.own(P0, 500)
    rig.positions[P0] = 100
    rig.lane.fall_behind(P0, 50)
    assert rig.lane.behind == {P0: 500}, "it starts where it was told to"


def test_a_filter_that_wants_less_makes_events_given_back_filtered() -> None:
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    route(rig, 10, list(range(10)))
    rig.lane.reconfigure(webhook(throttle=60))
    assert terms(rig) == (10, 10, 0, 10)
    rig.lane.feed(P0, events([2, 3]), 10, 0.0, range(10))
    assert terms(rig) == (10, 2, 0, 2)


def test_a_filter_that_wants_more_makes_filtered_events_pending() -> None:
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    route(rig, 10, [0, 5])
    rig.lane.reconfigure(webhook(throttle=60))
    rig.lane.feed(P0, events(range(10)), 10, 0.0, range(10))
    assert terms(rig) == (10, 10, 0, 10)


@pytest.mark.parametrize("log_start", [4, 10, 50])
def test_retention_takes_what_was_pending_and_what_was_never_read(log_start: int) -> None:
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    route(rig, 10, [0, 2, 4, 6, 8])
    rig.lane.shrink()
    route(rig, 50, [])
    rig.lane.skip(P0, log_start)
    wanted = [offset for offset in (4, 6, 8) if offset >= log_start]
    rig.lane.feed(P0, events(wanted), 60, 0.0, range(60))
    unread = max(0, log_start - 10)
    lost = sum(offset < log_start for offset in (0, 2, 4, 6, 8)) + unread
    assert rig.lane.accounts.of[P0].discarded[DiscardReason.RETENTION.value] == lost
    assert terms(rig) == (60, 5 + unread, 0, len(wanted))


def test_what_a_lane_skips_when_it_is_switched_on_is_discarded_and_told() -> None:
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    route(rig, 10, [1, 2])
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    route(rig, 40, [])
    rig.lane.jump(P0)
    assert rig.lane.behind == {P0: 50}
    assert rig.lane.books.discarded == {DiscardReason.SKIPPED: 42}
    assert rig.lane.holding.notices == {DiscardReason.SKIPPED: 42}
    assert terms(rig) == (50, 42, 0, 0)


def test_an_attempt_that_outlives_a_jump_does_not_bring_back_what_was_skipped() -> None:
    rig = Rig()
    route(rig, 3, [0, 1, 2])
    action = rig.one()
    route(rig, 7, [3, 4])
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.lane.jump(P0)
    rig.answer(action, later())
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    assert rig.lane.behind == {P0: 0}
    rig.feed(range(5), 10)
    rig.caught_up()
    assert rig.deliver_all() == [[0, 1, 2]]
    assert terms(rig)[2:] == (3, 0)


def test_events_given_up_in_the_middle_are_not_given_up_again_after_a_restart() -> None:
    rig = Rig(discardAfter=100, maxEvents=10)
    rig.offer_events([event(n, timestamp_ms=0 if n in (3, 4) else int(rig.wall * 1000)) for n in range(10)])
    rig.answer(rig.one(), later(), delay=5.0)
    (ledger,) = rig.poll()
    assert offsets(ledger.part.events) == [3, 4]
    rig.wrote(ledger)
    assert rig.lane.ahead(P0, 0).runs() == [(3, 4)]


def test_a_lossy_lane_remembers_what_it_shed_in_few_runs() -> None:
    rig = Rig(lossy=True, throttle=60)
    rig.lane.flights.last_start = 0.0
    for start in range(0, 100_000, 1000):
        rig.offer(range(start, start + 1000, 2))
    cursor = rig.lane.cursors()[P0]
    done = rig.lane.ahead(P0, cursor)
    held = {item.offset for item in rig.lane.window.events}
    assert len(done.runs()) <= len(held) + 1
    assert not any(offset in done for offset in held)
    assert rig.lane.accounts.imbalance(P0) == 0


def test_accounts_of_partitions_are_apart() -> None:
    rig = Rig(P0, P1)
    route(rig, 10, [1], P0)
    route(rig, 20, [2, 3], P1)
    rig.deliver_all()
    assert terms(rig, P0) == (10, 1, 1, 0)
    assert terms(rig, P1) == (20, 2, 2, 0)
    rig.lane.disown(frozenset({P0}))
    assert set(rig.lane.accounts.of) == {P1}


def test_an_account_goes_on_where_it_was_left() -> None:
    rig = Rig(live=False)
    rig.lane.disown(frozenset({P0}))
    rig.lane.own(P0, 90, Account(counted=100, read=100, matched=20, delivered=15, returned=5))
    rig.positions[P0] = 110
    rig.feed(range(95, 105), 110)
    assert terms(rig) == (105, 25, 15, 10)
    assert rig.lane.books.matched == 5, "the other five were counted before the restart"


def test_a_lane_that_is_switched_off_by_its_receiver_keeps_its_account() -> None:
    rig = Rig()
    route(rig, 5, [0, 1])
    rig.answer(rig.one(), GONE)
    assert terms(rig) == (5, 2, 0, 2)
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed([0, 1], 5)
    rig.caught_up()
    rig.answer(rig.one(), OK)
    assert terms(rig) == (5, 2, 2, 0)

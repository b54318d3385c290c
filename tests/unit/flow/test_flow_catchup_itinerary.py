"""Where catch-up reads next: one sweep for all, an express for those near the router, nobody starved, little read twice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.flow.catchup_itinerary import (
    EXPRESS_CREDIT,
    LEG_RECORDS,
    PATIENCE_SECONDS,
    STARVED_SECONDS,
    Appetite,
    Coach,
    Itinerary,
    Leg,
    Rest,
    Stop,
    worth_going_on,
)
from tests.unit.flow.catchup_model import Model, Rider, spread

HUNGRY, CONTENT, FULL = Appetite.HUNGRY, Appetite.CONTENT, Appetite.FULL
ROUTER = 1_000_000


def at(cursor: int, appetite: Appetite = HUNGRY, **more: float | bool) -> Stop:
    return Stop(cursor, appetite, **more)  # type: ignore[arg-type]


def sweeping(position: int) -> Itinerary:
    """An itinerary whose sweep stands at `position`, without credit for the express."""
    itinerary = Itinerary()
    itinerary.sweep = position
    return itinerary


def sweep(start: int) -> Leg:
    return Leg(Coach.SWEEP, start)


def express(start: int) -> Leg:
    return Leg(Coach.EXPRESS, start)


def test_it_begins_at_the_lowest_lane():
    assert Itinerary().next([at(10), at(500)], ROUTER, 0.0) == sweep(10)


def test_it_goes_on_with_those_that_ride_instead_of_going_back_for_others():
    assert sweeping(500).next([at(10), at(500)], ROUTER, 0.0) == sweep(500)


def test_it_goes_to_the_next_lane_ahead_before_it_begins_again_at_the_lowest():
    assert sweeping(400).next([at(10), at(500), at(900)], ROUTER, 0.0) == sweep(500)
    assert sweeping(950).next([at(10), at(500), at(900)], ROUTER, 0.0) == sweep(10)


def test_it_goes_nowhere_for_lanes_without_room():
    assert sweeping(0).next([at(10, FULL), at(500, CONTENT)], ROUTER, 0.0) == Rest(math.inf)


def test_it_waits_while_many_passengers_have_enough_then_goes_on_and_is_less_patient():
    itinerary, stops = sweeping(500), [at(500)] + [at(500, CONTENT)] * 3
    assert itinerary.next(stops, ROUTER, 0.0) == Rest(PATIENCE_SECONDS)
    assert itinerary.next(stops, ROUTER, 1.0) == Rest(PATIENCE_SECONDS - 1.0)
    assert itinerary.next(stops, ROUTER, PATIENCE_SECONDS) == sweep(500)
    assert itinerary.next(stops, ROUTER, 20.0) == Rest(PATIENCE_SECONDS / 2)


def test_it_is_patient_again_with_passengers_that_are_hungry_in_time():
    itinerary, stops = sweeping(500), [at(500)] + [at(500, CONTENT)] * 3
    for now in (0.0, 100.0, 200.0):
        itinerary.next(stops, ROUTER, now)
        itinerary.next(stops, ROUTER, now + PATIENCE_SECONDS)
    impatient = itinerary.next(stops, ROUTER, 300.0)
    itinerary.next([at(500)] * 4, ROUTER, 300.1)
    patient = itinerary.next(stops, ROUTER, 400.0)
    assert isinstance(impatient, Rest)
    assert patient == Rest(2 * impatient.seconds)


def test_it_waits_for_nobody_whose_endpoint_fails():
    stops = [at(500)] + [at(500, CONTENT, well=False)] * 9
    assert sweeping(500).next(stops, ROUTER, 0.0) == sweep(500)


def test_it_waits_for_nobody_that_is_slower_than_most():
    assert sweeping(500).next([at(500)] * 40 + [at(500, CONTENT)], ROUTER, 0.0) == sweep(500)


def test_it_leaves_passengers_of_which_none_is_hungry_for_others_when_its_patience_is_over():
    itinerary, stops = sweeping(500), [at(500, CONTENT), at(900)]
    assert isinstance(itinerary.next(stops, ROUTER, 0.0), Rest)
    assert itinerary.next(stops, ROUTER, PATIENCE_SECONDS) == sweep(900)


def test_a_lane_that_flaps_is_served_before_the_sweep_goes_on():
    itinerary = sweeping(500)
    itinerary.credit = EXPRESS_CREDIT
    assert itinerary.next([at(500), at(ROUTER - 2000)], ROUTER, 0.0) == express(ROUTER - 2000)


def test_the_express_takes_those_along_that_are_up_to_twice_as_far():
    itinerary = sweeping(500)
    itinerary.credit = EXPRESS_CREDIT
    stops = [at(500), at(ROUTER - 5000), at(ROUTER - 3900), at(ROUTER - 2000)]
    assert itinerary.next(stops, ROUTER, 0.0) == express(ROUTER - 3900)


def test_the_express_pays_for_what_it_reads_in_vain():
    itinerary = sweeping(500)
    itinerary.credit = 100.0
    stops = [at(500), at(ROUTER - 100_000)]
    leg = itinerary.next(stops, ROUTER, 0.0)
    assert leg == express(ROUTER - 100_000)
    itinerary.rode(leg, ROUTER - 95_000, LEG_RECORDS, 4000)
    assert itinerary.next([at(500), at(ROUTER - 95_000)], ROUTER, 0.0) == express(ROUTER - 95_000)
    itinerary.rode(express(ROUTER - 95_000), ROUTER - 90_000, LEG_RECORDS, 5)
    assert itinerary.next([at(500), at(ROUTER - 90_000)], ROUTER, 0.0) == sweep(500)


def test_the_express_leaves_to_the_sweep_what_that_reaches_soon():
    itinerary = sweeping(ROUTER - 6000)
    itinerary.credit = EXPRESS_CREDIT
    assert itinerary.next([at(ROUTER - 6000), at(ROUTER - 1000)], ROUTER, 0.0) == sweep(ROUTER - 6000)


def test_the_express_earns_while_the_sweep_waits():
    itinerary, stops = sweeping(500), [at(500, CONTENT), at(ROUTER - 50_000)]
    rest = itinerary.next(stops, ROUTER, 0.0)
    assert isinstance(rest, Rest)
    assert itinerary.next(stops, ROUTER, rest.seconds) == express(ROUTER - 50_000)


def test_the_lane_that_has_waited_too_long_gets_every_fourth_leg_of_the_express():
    itinerary = sweeping(500_000)
    stops = [at(10, waited=STARVED_SECONDS + 1), at(20, waited=1.0), at(500_000), at(ROUTER - 2000)]
    starts = []
    for _ in range(8):
        itinerary.credit = EXPRESS_CREDIT
        leg = itinerary.next(stops, ROUTER, 0.0)
        assert isinstance(leg, Leg)
        itinerary.rode(leg, leg.start, 0, 0)
        starts.append(leg.start)
    assert starts.count(10) == 2
    assert starts.count(ROUTER - 2000) == 6


@pytest.mark.parametrize(
    ("aboard", "ahead", "answer"),
    [
        ([HUNGRY] * 40 + [CONTENT], False, True),
        ([HUNGRY] * 20 + [CONTENT], True, False),
        ([CONTENT], True, False),
        ([], True, True),
        ([], False, False),
    ],
)
def test_a_leg_goes_on_while_most_are_hungry_or_somebody_waits_ahead(aboard, ahead, answer):
    assert worth_going_on(aboard, ahead) is answer


appetites = st.sampled_from(list(Appetite))
lanes = st.builds(Stop, st.integers(0, 999), appetites, st.booleans(), st.floats(0, 100))


@given(st.lists(lanes, max_size=12), st.integers(-1, 1000), st.floats(-5000, EXPRESS_CREDIT), st.integers(0, 7))
def test_every_leg_starts_at_a_hungry_lane_and_there_is_one_whenever_patience_is_over(found, position, credit, legs):
    stops = sorted(found, key=lambda stop: stop.cursor)
    itinerary = sweeping(position)
    itinerary.credit, itinerary._express_legs = credit, legs
    hungry = {stop.cursor for stop in stops if stop.appetite is HUNGRY}
    for now in (0.0, PATIENCE_SECONDS):
        step = itinerary.next(stops, 1000, now)
        assert step.start in hungry if isinstance(step, Leg) else step.seconds > 0
    assert isinstance(step, Leg) or not hungry


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([20, 50, 100]), st.sampled_from([1e9, 3000.0, 1000.0]), st.sampled_from([50.0, 1000.0]))
def test_lanes_all_over_the_topic_are_served_with_few_reads(many, loop, rate):
    model = Model(spread(many, 100_000, rate), 100_000, loop=loop)
    model.run(3000.0)
    assert not model.behind
    assert model.ratio <= 3.0


def test_lanes_all_over_the_topic_are_served_with_few_reads_though_each_drains_slowly():
    model = Model(spread(100, 250_000, rate=10.0, capacity=1000), 250_000)
    model.run(3000.0)
    assert not model.behind
    assert model.ratio <= 3.0


def test_slow_lanes_at_the_same_place_hold_up_quick_ones_for_a_short_while_only():
    slow = [Rider(0, 1 / 100, 0.2) for _ in range(90)]
    quick = [Rider(0, 1 / 100, 1000.0) for _ in range(10)]
    model = Model([*slow, *quick], 250_000)
    model.run(60.0)
    assert all(rider.live_at is not None for rider in quick)


def test_a_lane_that_flaps_near_the_router_is_back_while_others_have_a_long_way():
    model = Model([*spread(100, 2_000_000), Rider(1_997_000, 1.0, 2000.0)], 2_000_000)
    model.run(2.0)
    assert model.riders[-1].live_at is not None
    assert len(model.behind) >= 90


def test_no_lane_starves_behind_one_that_is_always_hungry_near_the_router():
    far = [Rider(0, 1.0, 2000.0) for _ in range(5)]
    model = Model([*far, Rider(190_000, 1.0, 40.0)], 200_000)
    model.run(300.0)
    assert all(rider.live_at is not None for rider in far)

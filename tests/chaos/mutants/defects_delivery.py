"""Defects in what is sent, to whom, and in which order. Each is a small patch of the running program."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import Any

from tests.chaos.mutants.registry import defect, put


@defect("weather", "LOST")
def ack_before_2xx() -> None:
    """An event counts as delivered as soon as it was sent, whatever the answer is."""
    from forwarder.deliver import sender
    from forwarder.model.verdict import Delivered

    put(sender, "judge", lambda *_, **__: Delivered())


@defect("weather", "LOST")
def forget_the_gap_guard() -> None:
    """A chunk that starts above the expected position is taken as the next one."""
    from forwarder.source.positions import Admission, Positions, Verdict

    admit = Positions.admit

    def trust(self: Any, *chunk: Any) -> Verdict:
        verdict = admit(self, *chunk)
        if verdict.admission is Admission.GAP:
            return Verdict(Admission.NEXT, verdict.expected, verdict.expected)
        return verdict

    put(Positions, "admit", trust)


@defect("weather", "LOST")
def do_not_read_again() -> None:
    """A lane that is full refuses the event and does not fall behind."""
    from forwarder.lane.lane import Lane

    put(Lane, "fall_behind", lambda *_, **__: None)


@defect("weather", "LOST")
def join_one_too_early() -> None:
    """A lane joins the shared read one event before it has reached it."""
    from forwarder.lane.lane import Lane

    feed = Lane.feed

    def feed_less(self: Any, tp: Any, events: Any, upto: int, *rest: Any) -> Any:
        if upto >= self._positions.get(tp, upto + 1):
            events = [event for event in events if event.offset < upto - 1]
        return feed(self, tp, events, upto, *rest)

    put(Lane, "feed", feed_less)


@defect("weather", "REPEATED")
def join_one_too_late() -> None:
    """The first event of the shared read after a join is the last one of catch-up."""
    from forwarder.lane.lane import Lane

    feed, join = Lane.feed, Lane.join
    last: dict[Any, Any] = {}

    def remember(self: Any, tp: Any, events: Any, *rest: Any) -> Any:
        if events:
            last[self.name, tp] = events[-1]
        return feed(self, tp, events, *rest)

    def join_again(self: Any, tp: Any) -> None:
        join(self, tp)
        if (event := last.pop((self.name, tp), None)) is not None:
            self.offer(tp, [event], time.monotonic())

    put(Lane, "feed", remember)
    put(Lane, "join", join_again)


@defect("weather", "DISORDERED")
def overtake_a_retry() -> None:
    """While a batch waits for its retry, the next one goes, at concurrency 1 as well."""
    import math

    from forwarder.lane.flights import Flights

    failed = Flights._failed

    def fail_and_go_on(self: Any, *arguments: Any) -> None:
        failed(self, *arguments)
        self.hold_until = -math.inf

    put(Flights, "_slots", lambda self: 1 + any(not flight.busy for flight in self.items))
    put(Flights, "_failed", fail_and_go_on)


@defect("weather", "WRONG")
def ignore_the_filter_in_catch_up() -> None:
    """What catch-up reads goes to every lane, wanted or not."""
    from forwarder.route.router import Router

    match = Router.match

    def match_all(self: Any, event: Any) -> Any:
        found = match(self, event)
        caller = sys._getframe(1).f_code.co_filename
        return found if caller.endswith("intake.py") else _all_lanes(self)

    _remember_lanes()
    put(Router, "match", match_all)


_LANES: dict[int, list[Any]] = {}


def _all_lanes(router: Any) -> list[Any]:
    return _LANES[id(router)]


def _remember_lanes() -> None:
    """The router is given pairs of webhook and lane; keep the lanes."""
    from forwarder.route.router import Router

    make = Router.__init__

    def keep(self: Any, pairs: Any, *rest: Any, **options: Any) -> None:
        pairs = list(pairs)
        _LANES[id(self)] = [lane for _, lane in pairs]
        make(self, pairs, *rest, **options)

    put(Router, "__init__", keep)


@defect("weather", "ABORTED")
def read_uncommitted() -> None:
    """The shared read hands over events of transactions that were aborted."""
    from forwarder.kafka import worker

    options: Any = vars(worker)["FetchOptions"]
    put(worker, "FetchOptions", lambda isolation, **rest: options(isolation="read_uncommitted", **rest))


@defect("weather", "FROZEN")
def other_bytes_under_the_same_id() -> None:
    """A retry is rendered anew, and not quite as before."""
    from forwarder.deliver.sender import Prepared

    body, seen = Prepared.body, set[str]()

    def render(self: Any) -> Any:
        found = body(self)
        if self.batch_id in seen:
            return dataclasses.replace(found, content=found.content + b"\n")
        seen.add(self.batch_id)
        return found

    put(Prepared, "body", render)


@defect("restart", "FROZEN")
def pack_a_retry_anew() -> None:
    """A batch whose attempt ended without an answer is split for its retry, under other ids."""
    from forwarder.lane.flights import Flights

    def split(self: Any, flight: Any) -> None:
        if flight.head.attempts and len(flight.head.events) > 1:
            flight.split_head(len(flight.head.events) // 2)

    put(Flights, "_keep_probe_small", split)


@defect("weather", "CONDEMNED")
def condemn_the_whole_batch() -> None:
    """A refused batch is dead-lettered as it is, instead of finding the events that are refused."""
    from forwarder.lane.flight import Fate
    from forwarder.lane.flights import Flights

    def condemn(self: Any, flight: Any, reason: str, single: Any, *_: Any) -> None:
        flight.condemn(flight.head.events, Fate.DEAD_LETTER, single)

    put(Flights, "_narrow", condemn)


@defect("weather", "SIGNATURE")
def sign_other_bytes() -> None:
    """The signature does not cover the bytes that are sent."""
    from forwarder.deliver.credentials import Credentials

    seal = Credentials.seal
    put(Credentials, "seal", lambda self, batch_id, now, body: seal(self, batch_id, now, body + b" "))


@defect("weather", "HEADERS")
def count_one_too_many() -> None:
    """The header says one event more than there are in the body."""
    from forwarder.deliver import headers

    delivery = headers.delivery

    def deliver(batch_id: str, number: int, events: int, *rest: Any, **options: Any) -> Any:
        return delivery(batch_id, number, events + 1, *rest, **options)

    put(headers, "delivery", deliver)


@defect("weather", "EXPIRED")
def expire_on_a_healthy_endpoint() -> None:
    """Events that are too old are given up before an attempt, whether the endpoint fails or not."""
    from forwarder.lane.flight import Fate
    from forwarder.lane.flights import Flights
    from forwarder.model.attempt import DeadLetterReason, DiscardReason

    start = Flights._start

    def look_at_the_clock(self: Any, flight: Any, *rest: Any) -> None:
        limit = (time.time() - self.policy.discard_after) * 1000
        old = [event for event in flight.head.events if event.timestamp_ms < limit]
        if old and flight.head.fate is Fate.SEND:
            self._give_up(flight, old, DiscardReason.EXPIRED, DeadLetterReason.EXPIRED)
        start(self, flight, *rest)

    put(Flights, "_start", look_at_the_clock)

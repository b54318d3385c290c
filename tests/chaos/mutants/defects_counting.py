"""Defects in the books and in what receivers are told of discards. Each is a small patch of the running program."""

from __future__ import annotations

from typing import Any

from tests.chaos.mutants.registry import defect, put


@defect("weather", "UNTOLD")
def do_not_tell_discards() -> None:
    """The receiver never hears of what was given up."""
    from forwarder.lane.flights import Flights

    def nothing(self: Any, *_: Any) -> dict[Any, int]:
        return {}

    put(Flights, "_told_by", nothing)


@defect("weather", "IMBALANCE", "MISMATCH")
def forget_to_count_a_filter() -> None:
    """Records that catch-up passes are not counted as read, so those that nobody wants are counted nowhere."""
    from forwarder.lane.accounts import Account

    put(Account, "pass_over", lambda self, start, end, records: self._reach(end))


@defect("restart", "IMBALANCE", "MISMATCH")
def forget_what_was_pending() -> None:
    """An event that was pending when the worker stopped counts as a new one after the start."""
    from forwarder.flow import marks

    account = marks._account

    def without_pending(*record: Any) -> Any:
        found = account(*record)
        found.returned = 0
        return found

    put(marks, "_account", without_pending)


@defect("weather", "IMBALANCE", "MISMATCH")
def count_a_discard_twice() -> None:
    """An event that is given up counts as two."""
    from forwarder.lane.books import Books

    discard = Books.discard
    put(Books, "discard", lambda self, tp, reason, count: discard(self, tp, reason, 2 * count))


@defect("restart", "IMBALANCE", "MISMATCH")
def begin_the_books_anew() -> None:
    """A start forgets the counts of the checkpoint."""
    from forwarder.flow import marks
    from forwarder.lane.accounts import Account

    put(marks, "_account", lambda record, counted: Account(counted=counted))

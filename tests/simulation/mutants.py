"""Deliberate defects, each a patch on Forwarder: the laws must notice every one of them. Never active outside `mutated`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from forwarder.deliver import sender, verdict
from forwarder.flow import intake, keeper, letters
from forwarder.flow import marks as marks_module
from forwarder.flow.drain import Drain
from forwarder.flow.intake import Intake
from forwarder.flow.keeper import Keeper
from forwarder.flow.letters import Letters
from forwarder.lane.flights import Flights
from forwarder.lane.lane import Lane
from forwarder.lane.spans import Spans
from forwarder.lane.window import Window
from forwarder.model.attempt import Response
from forwarder.model.verdict import Delivered
from forwarder.progress import deadletter
from forwarder.source.positions import Admission, Positions, Verdict
from tests.simulation import cluster

Patch = Any
MUTANTS: dict[str, Callable[[], list[Patch]]] = {}


def mutant(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """Add a defect to the list, under its function's name."""
    MUTANTS[make.__name__.replace("_", "-")] = make
    return make


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """With this defect."""
    with ExitStack() as stack:
        for patch in MUTANTS[name]():
            stack.enter_context(patch)
        yield


@mutant
def settle_before_2xx() -> list[Patch]:
    """An overloaded receiver's answer counts as delivered."""
    judge = verdict.judge

    def wrong(result: Any, **given: Any) -> Any:
        if isinstance(result, Response) and result.status == 503:
            return Delivered()
        return judge(result, **given)

    return [mock.patch.object(sender, "judge", wrong)]


@mutant
def forget_the_gap_guard() -> list[Patch]:
    """A chunk that does not follow on is taken as if it did."""

    def admit(self: Positions, tp: Any, start: int, end: int, *rest: Any) -> Verdict:
        if tp not in self.expected or end <= self.expected[tp]:
            return Verdict(Admission.STALE, end, end)
        expected, self.expected[tp] = self.expected[tp], end
        return Verdict(Admission.NEXT, expected, expected)

    return [mock.patch.object(Positions, "admit", admit)]


@mutant
def forget_the_silent_tail() -> list[Patch]:
    """A skip that no later record betrays is not looked for."""
    return [mock.patch.object(Intake, "skipped", lambda self, tp, upto: self._positions.expected.update({tp: upto}))]


@mutant
def last_landed_checkpoint_wins() -> list[Patch]:
    """The number of a checkpoint does not count: a zombie's late one is as good as any."""
    return [mock.patch.object(cluster, "order_of", lambda record: (0, 0))]


@mutant
def drop_the_frozen_batch() -> list[Patch]:
    """The checkpoint does not say which batch was on its way."""
    return [mock.patch.object(marks_module, "_frozen", lambda lane: None)]


@mutant
def forget_the_window() -> list[Patch]:
    """Cursors pass over what only waits in the window."""
    return [mock.patch.object(Window, "first_offsets", lambda self: {})]


@mutant
def forget_what_is_in_flight() -> list[Patch]:
    """Cursors pass over what is on its way."""
    return [mock.patch.object(Flights, "events", lambda self: iter(()))]


@mutant
def letters_without_ack() -> list[Patch]:
    """A dead letter counts as written when nobody has acknowledged it."""

    async def write(self: Letters, *given: Any, **more: Any) -> bool:
        return True

    return [mock.patch.object(Letters, "dead_letters", write)]


@mutant
def ledger_without_ack() -> list[Patch]:
    """What was given up is not noted."""

    async def write(self: Letters, *given: Any, **more: Any) -> bool:
        return True

    return [mock.patch.object(Letters, "discards", write)]


@mutant
def forget_what_overtook() -> list[Patch]:
    """The checkpoint does not say what was delivered above the cursor."""
    return [mock.patch.object(Lane, "ahead", lambda self, tp, cursor: Spans())]


@mutant
def no_drain_at_a_revoke() -> list[Patch]:
    """Partitions are dropped without a word."""

    async def run(self: Drain, gone: Any) -> None:
        self._set_draining(True)
        await self._catch_up.stop()
        await self._dispatcher.drain(0)
        self._forget(gone)

    return [mock.patch.object(Drain, "run", run)]


@mutant
def no_checkpoint_at_the_end() -> list[Patch]:
    """The last checkpoint of a drain is not written."""
    save = Keeper.save

    async def without(self: Keeper, *, final: bool = False) -> bool:
        return True if final else await save(self)

    return [mock.patch.object(keeper.Keeper, "save", without)]


@mutant
def do_not_read_again() -> list[Patch]:
    """A lane that is full drops what does not fit, and does not fall behind."""

    def fall_behind(self: Lane, tp: Any, offset: int) -> None:
        """Nothing."""

    return [mock.patch.object(Lane, "fall_behind", fall_behind)]


@mutant
def lose_the_last_of_a_feed() -> list[Patch]:
    """Catch-up goes on one event further than it has brought."""
    feed = Lane.feed

    def wrong(self: Lane, tp: Any, events: Any, *rest: Any) -> int:
        return feed(self, tp, list(events)[:-1] if len(events) > 3 else events, *rest)

    return [mock.patch.object(Lane, "feed", wrong)]


@mutant
def overtake() -> list[Patch]:
    """Two requests at once where one is configured."""
    return [mock.patch.object(Flights, "_slots", lambda self: 2)]


@mutant
def same_id_for_all() -> list[Patch]:
    """The id says nothing about the bytes."""
    return [mock.patch.object(sender, "digest_id", lambda name, *given: "fb_" + name)]


@mutant
def never_again() -> list[Patch]:
    """A batch that failed is not tried again."""
    due_at = Flights.due_at

    def wrong(self: Flights, window: Any, *rest: Any) -> float:
        return float("inf") if self.failures == 2 else due_at(self, window, *rest)

    return [mock.patch.object(Flights, "due_at", wrong)]


@mutant
def unreadable_is_nothing() -> list[Patch]:
    """Records that nobody can read are dropped."""
    offer = intake.Intake._offer

    def wrong(self: Intake, tp: Any, events: Any, *rest: Any) -> None:
        offer(self, tp, [event for event in events if event.problem is None], *rest)

    return [mock.patch.object(Intake, "_offer", wrong)]


@mutant
def letters_without_headers() -> list[Patch]:
    """A dead letter leaves out the record's own headers."""
    build = deadletter.dead_letter

    def wrong(*given: Any) -> Any:
        letter = build(*given)
        return type(letter)(letter.key, letter.value, letter.headers[1:], letter.timestamp_ms)

    return [mock.patch.object(letters, "dead_letter", wrong)]

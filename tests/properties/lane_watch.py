"""What must hold in the world around one lane, after every step and at the end. Also the jump, whose losses both books count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forwarder.model.event import TP
from tests.properties.lane_places import Mood

if TYPE_CHECKING:
    from tests.properties.lane_world import World


def check(world: World) -> None:
    """After every step."""
    lane, books = world.lane, world.lane.books
    held = list(lane.window.events) + list(lane.flights.events())
    assert books.imbalance == 0
    assert books.held == len(held)
    assert books.returned >= 0
    _check_accounts(world)
    assert world.budget.used - world.others == lane.holding.bytes == sum(item.size for item in held)
    assert len({(item.tp, item.offset) for item in held}) == len(held), "an event is held once"
    cursors = lane.cursors()
    for tp in world.tps:
        cursor = min(cursors.get(tp, world.positions[tp]), world.positions[tp])
        for item in world.kafka.certain(tp, world.safe[tp], cursor):
            assert (tp.partition, item.offset) in world.outcomes or world.lane.policy.lossy, (
                f"{tp} {item.offset} was lost"
            )
        world.safe[tp] = max(world.safe[tp], cursor)


def _check_accounts(world: World) -> None:
    """The lane's accounts against those that were kept in another way."""
    for tp, told in world.shelf.books(world.lane, world.positions).items():
        fates, held = world.books.fates[tp], world.held(tp)
        if world.lane.policy.lossy:  # nobody says which event was shed
            for offset in fates.judged - set(fates.settled) - held:
                if offset < world.lane.behind.get(tp, fates.seen):
                    world.books.settle(tp, offset, "discarded shed")
        wanted = {item.offset for item in world.kafka.wanted(tp, 0, fates.seen)}
        world.books.look(tp, world.lane.behind.get(tp), held | world.done(tp, 0, fates.seen), wanted)
        world.books.check(tp, told[world.lane.name])


def settle(world: World) -> None:
    """The endpoint takes everything and all is read: it must come to an end by itself."""
    world.cured = True
    for tp in world.tps:
        world.read(tp, world.kafka.end(tp))
    world.on()
    for _ in range(3000):
        world.serve()
        if world.under_way:
            world.finish(0, Mood.WELL)
        elif not world.catch_up():
            if _at_rest(world):
                break
            world.advance(max(1.0, min(400.0, world.due - world.now)))
    check(world)
    assert _at_rest(world), "the lane stands still"
    assert not any(fates.unsure for fates in world.books.fates.values())
    assert world.lane.books.pending == 0
    if not world.lane.policy.lossy:
        for tp in world.tps:
            for item in world.kafka.certain(tp, 0, world.kafka.end(tp)):
                assert (tp.partition, item.offset) in world.outcomes


def _at_rest(world: World) -> bool:
    return not world.lane.cursors() and not world.under_way


def jump(world: World) -> None:
    """Every partition goes on at the router; the other set of books loses the same."""
    for tp in world.tps:
        cursor, position = world.lane.behind[tp], world.positions[tp]
        if cursor < position:
            world.outcomes |= {(tp.partition, o) for o in range(cursor, position) if o not in world.held(tp)}
            gone, before = (
                world.books.lose(tp, cursor, position, world.held(tp), "discarded skipped"),
                _skipped(world, tp),
            )
            doubtful = world.lane.accounts.of[tp].doubtful
            world.lane.jump(tp)
            again = gone - (_skipped(world, tp) - before)
            assert 0 <= again <= doubtful
            world.books.blame(tp, again, "discarded retention")


def _skipped(world: World, tp: TP) -> int:
    return world.lane.accounts.of[tp].discarded["skipped"]

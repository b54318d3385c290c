"""Catch-up in the world around one lane, by the rules of flow/catchup: who follows, what is fed, what retention has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forwarder.model.event import TP

if TYPE_CHECKING:
    from tests.properties.lane_world import World


def catch_up(world: World, count: int) -> bool:
    """One pass for each reader that is running; False when none is."""
    _look(world)
    lane, kafka = world.lane, world.kafka
    for tp in sorted(world.following):
        waits = lane.behind.get(tp, 0) > world.positions[tp]  # ahead of the router
        if not lane.wants(tp) or waits or joined(world, tp):
            world.following.discard(tp)
            continue
        start = lane.behind[tp]
        if start < kafka.first[tp]:
            _lose(world, tp, start)
            continue
        upto = min(start + count, kafka.end(tp), world.positions[tp])
        found, held = kafka.wanted(tp, start, upto), world.held(tp) | world.done(tp, start, upto)
        records = kafka.records(tp, start - 2, upto + 2)
        lane.feed(tp, found, upto, world.now, records)
        end = lane.behind[tp]
        world.books.fed(tp, start, end, set(records), {item.offset for item in found}, held)
        joined(world, tp)
    return bool(world.following)


def joined(world: World, tp: TP) -> bool:
    """Whether the lane is where the shared read is; it rides along from here on."""
    if world.lane.behind.get(tp, world.positions[tp]) != world.positions[tp]:
        return False
    world.lane.join(tp)
    return True


def _look(world: World) -> None:
    if world.kicked:
        world.kicked = False
        world.following |= {tp for tp in world.tps if world.lane.wants(tp)}


def _lose(world: World, tp: TP, cursor: int) -> None:
    upto = world.kafka.first[tp]
    spared = world.held(tp) | world.done(tp, cursor, upto)
    world.outcomes |= {(tp.partition, offset) for offset in set(range(cursor, upto)) - spared}
    gone = world.books.lose(tp, cursor, upto, world.held(tp), "discarded retention")
    doubtful = world.lane.accounts.of[tp].doubtful
    lost = world.lane.skip(tp, upto)
    assert lost == gone or (lost > gone and world.lane.accounts.of[tp].doubtful) or gone - lost <= doubtful

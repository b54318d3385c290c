"""What the group answers: commits as a fence, checkpoints within a bound, chunks only of what is ours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from forwarder.kafka import group as group_module
from forwarder.kafka.group import Acknowledged, Committed, Failed, Fence, Group, Unanswered
from forwarder.kafka.private.positions import Positions
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP

A, B, OTHER = TP("ev", 0), TP("ev", 1), TP("gone", 0)


class FakeConsumer:
    def __init__(self) -> None:
        self.assigned = {A, B}
        self.answers: list[asyncio.Future[bool]] = []
        self.asked: list[dict[TP, int]] = []
        self.notes: list[dict[TP, str]] = []
        self.held: dict[TP, tuple[int, str]] | None = {}

    def assignment(self) -> set[TP]:
        return self.assigned

    async def commit_offsets(self, offsets: dict[TP, int], notes: dict[TP, str]) -> bool:
        self.asked.append(offsets)
        self.notes.append(notes)
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def committed(self, tps: list[TP]) -> dict[tuple[str, int], tuple[int, str]]:
        if self.held is None:
            await asyncio.Event().wait()
            raise AssertionError("never")
        return {tuple(tp): self.held[tp] for tp in tps if tp in self.held}


class FakeApp:
    def __init__(self) -> None:
        self.consumer = FakeConsumer()
        self.consumer_generation_id = 1
        self.positions = Positions({"ev"})
        self.starts: dict[TP, int] = {}


class FakeTable:
    def __init__(self, sent: Any) -> None:
        self.sent = sent

    async def write(self, partition: int, record: bytes) -> None:
        await self.sent


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_module, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(group_module, "OVERDUE_SECONDS", 0.01)


def build(table: object = None) -> tuple[Group, FakeApp]:
    app = FakeApp()
    return Group(app, {"ev": table}), app  # type: ignore[arg-type, dict-item]


async def commit(group: Group, app: FakeApp, answer: bool | Exception) -> Fence:
    asking = asyncio.ensure_future(group.commit({A: 7}))
    while not app.consumer.answers:
        await asyncio.sleep(0)
    future = app.consumer.answers.pop()
    future.set_exception(answer) if isinstance(answer, Exception) else future.set_result(answer)
    return await asking


async def test_a_commit_is_ok_refused_or_unknown() -> None:
    group, app = build()
    assert await commit(group, app, True) is Fence.OK
    assert await commit(group, app, False) is Fence.REFUSED
    assert await commit(group, app, RuntimeError("closed")) is Fence.UNKNOWN
    assert app.consumer.asked == [{A: 7}] * 3


async def test_a_commit_for_what_is_not_assigned_is_refused_unasked() -> None:
    group, app = build()
    app.consumer.assigned = {B}
    assert await group.commit({A: 7, B: 8}) is Fence.REFUSED
    assert app.consumer.asked == []


@pytest.mark.parametrize("change", ["generation", "assignment"])
async def test_a_commit_across_a_rebalance_is_refused(change: str) -> None:
    group, app = build()
    asking = asyncio.ensure_future(group.commit({A: 7}))
    while not app.consumer.answers:
        await asyncio.sleep(0)
    if change == "generation":
        app.consumer_generation_id = 2
    else:
        app.consumer.assigned = {B}
    app.consumer.answers[0].set_result(True)
    assert await asking is Fence.REFUSED


async def test_an_unanswered_commit_is_not_cancelled_and_no_second_one_is_sent_behind_it() -> None:
    group, app = build()
    assert await group.commit({A: 7}) is Fence.UNKNOWN
    assert await group.commit({A: 8}) is Fence.UNKNOWN
    assert app.consumer.asked == [{A: 7}]
    app.consumer.answers.pop().set_result(True)
    assert await commit(group, app, True) is Fence.OK


async def test_a_commit_that_is_never_answered_holds_up_its_own_topic_only() -> None:
    group, app = build()
    app.consumer.assigned = {A, OTHER}
    assert await group.commit({OTHER: 7}) is Fence.UNKNOWN
    app.consumer.answers.clear()
    assert await commit(group, app, True) is Fence.OK
    assert await group.commit({OTHER: 8}) is Fence.UNKNOWN
    assert app.consumer.asked == [{OTHER: 7}, {A: 7}]


async def test_what_was_committed_comes_back_with_its_note_and_late_answers_are_none() -> None:
    group, app = build()
    app.consumer.held = {A: (7, "a note")}
    assert await group.committed([A, B]) == {A: Committed(7, "a note")}
    app.consumer.held = None
    assert await group.committed([A]) is None


async def test_an_empty_commit_would_be_no_fence() -> None:
    group, _ = build()
    with pytest.raises(ValueError, match="at least one"):
        await group.commit({})


async def test_a_checkpoint_is_acknowledged_failed_or_unanswered() -> None:
    loop = asyncio.get_running_loop()
    acknowledged, failed, open_ = loop.create_future(), loop.create_future(), loop.create_future()
    acknowledged.set_result(None)
    failed.set_exception(RuntimeError("too large"))
    assert await build(FakeTable(acknowledged))[0].write_checkpoint(A, b"r") == Acknowledged()
    assert await build(FakeTable(failed))[0].write_checkpoint(A, b"r") == Failed("RuntimeError: too large")
    assert await build(FakeTable(open_))[0].write_checkpoint(A, b"r") == Unanswered()
    assert not open_.cancelled(), "it may still land"


def chunk(tp: TP, seek: int) -> Chunk:
    made = Chunk()
    made.tp, made.start, made.end, made.seek = tp, 0, 1, seek
    return made


async def test_only_chunks_of_ours_that_were_fetched_after_the_next_seek_are_admitted() -> None:
    group, app = build()
    app.positions.seeks = 4
    assert not group.admits(chunk(A, 4))
    group.install(frozenset({A}))
    assert not group.admits(chunk(A, 9)), "the pipeline does not know yet where to start"
    group.open()
    assert not group.admits(chunk(A, 4)), "fetched before the position was set"
    assert group.admits(chunk(A, 5))
    assert not group.admits(chunk(B, 5))
    group.uninstall(frozenset({A}))
    assert not group.admits(chunk(A, 5))


async def test_a_new_assignment_forgets_where_the_last_one_started() -> None:
    group, app = build()
    group.start_at({A: 5})
    assert app.starts == {A: 5}
    group.install(frozenset({A}))
    assert app.starts == {}

"""What changed, and that a change on disk is noticed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from forwarder.settings.process import Settings
from forwarder.settings.reload import Change, FieldChange, Watcher, diff


def settings(*hooks: dict[str, object], **process: object) -> Settings:
    return Settings.model_validate({"sources": [{"topic": "t"}], "webhooks": hooks, **process})


A = {"name": "a", "url": "https://a.example/"}
B = {"name": "b", "url": "https://b.example/"}


def test_nothing_changed_is_empty_whatever_the_order() -> None:
    assert diff(settings(A, B), settings(B, A)).empty
    assert diff(settings(A), settings(A)) == Change()


def test_added_removed_and_changed_webhooks_are_told_apart() -> None:
    change = diff(settings(A, B), settings({**A, "maxEvents": 5, "retry": {"cap": "1m"}}, {**B, "name": "c"}))
    assert (change.added, change.removed) == (("c",), ("b",))
    assert change.changed == {"a": (FieldChange("maxEvents", 1000, 5), FieldChange("retry.cap", 300.0, 60.0))}


def test_a_changed_secret_is_shown_as_fingerprints() -> None:
    key = {"@type": "Value", "secret": "hunter2"}
    (field,) = diff(
        settings({**A, "signatureKey": key}), settings({**A, "signatureKey": {**key, "secret": "hunter3"}})
    ).changed["a"]
    assert field.path == "signatureKey"
    assert field.old != field.new
    assert "hunter" not in repr(field)


def test_a_form_that_changes_its_type_changes_as_a_whole() -> None:
    basic = {"@type": "Basic", "username": "me", "secret": {"@type": "None"}}
    (field,) = diff(settings(A), settings({**A, "httpAuth": basic})).changed["a"]
    assert (field.path, field.old, field.new) == ("httpAuth", {"@type": "Unauthenticated"}, basic)


def test_process_settings_say_what_needs_a_restart() -> None:
    change = diff(
        settings(A), settings(A, memory={"budget": "1MiB"}, eventSets={"x": {"events": ["a"]}}, webhooksDir="d")
    )
    assert [field.path for field in change.process] == ["memory.budget", "eventSets"]
    assert change.restart == ("memory.budget",)
    assert change.routing
    assert not diff(settings(A), settings(A, memory={"budget": "1MiB"})).routing


def test_changed_sources_need_a_restart() -> None:
    assert diff(settings(A), settings(A, sources=[{"topic": "u"}])).restart == ("sources",)


@contextlib.asynccontextmanager
async def watching(*paths: Path) -> AsyncIterator[AsyncIterator[None]]:
    """A watcher that has begun: the first change is made until it is seen, for nothing tells when the watch is set up."""
    changes = Watcher(paths, quiet=0.02).changes()
    first = asyncio.ensure_future(anext(changes))
    probe = (paths[0] if paths[0].is_dir() else paths[0].parent) / "..probe"
    while not first.done():
        probe.write_text("x")
        probe.unlink()
        await asyncio.wait([first], timeout=0.05)
    try:
        yield changes
    finally:
        await changes.aclose()


async def until(changes: AsyncIterator[None], seconds: float = 20) -> None:
    await asyncio.wait_for(anext(changes), seconds)


async def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "forwarder.yaml"
    file.write_text("a")
    async with watching(file) as changes:
        (tmp_path / "new").write_text("b")
        (tmp_path / "new").rename(file)
        await until(changes)


async def test_a_configmap_swap_is_noticed(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    for version in ("..1", "..2"):
        (hooks / version).mkdir(parents=True)
        (hooks / version / "a.yaml").write_text(version)
    (hooks / "..data").symlink_to("..1")
    (hooks / "a.yaml").symlink_to("..data/a.yaml")
    async with watching(hooks) as changes:
        (hooks / "..tmp").symlink_to("..2")
        (hooks / "..tmp").rename(hooks / "..data")
        await until(changes)


async def test_a_change_in_a_sub_folder_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    async with watching(tmp_path) as changes:
        (tmp_path / "team" / "x.yaml").write_text("x")
        await until(changes)

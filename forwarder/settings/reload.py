"""What changed between two configurations (pure), and the watch on their files. Loads nothing and applies nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import watchfiles
from watchfiles import awatch

from forwarder.settings.process import Settings
from forwarder.settings.show import redacted
from forwarder.settings.types import Model
from forwarder.settings.webhook import Webhook

_ROUTING = frozenset({"eventSets", "tenants"})
"""Process settings that only say where events go: they are applied with the webhooks."""
_APART = frozenset({"webhooks", "webhooks_dir", "templates", "providers", "providers_dir"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `path` is written as in files; `old` and `new` hold secrets as fingerprints only."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """The difference: webhooks by name (`changed` with their fields), and process settings."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: dict[str, tuple[FieldChange, ...]] = field(default_factory=dict)
    process: tuple[FieldChange, ...] = ()

    @property
    def empty(self) -> bool:
        """True when nothing differs."""
        return not (self.added or self.removed or self.changed or self.process)

    @property
    def routing(self) -> bool:
        """True when event sets or tenants changed: the router must be made anew, even if no webhook changed."""
        return any(change.path.partition(".")[0] in _ROUTING for change in self.process)

    @property
    def restart(self) -> tuple[str, ...]:
        """The paths of changed settings that only count after a restart."""
        return tuple(c.path for c in self.process if c.path.partition(".")[0] not in _ROUTING)


def diff(old: Settings, new: Settings) -> Change:
    """What must be done to get from `old` to `new`. The order of webhooks does not count."""
    before: dict[str, Webhook] = {hook.name: hook for hook in old.webhooks}
    after: dict[str, Webhook] = {hook.name: hook for hook in new.webhooks}
    both = [name for name in after if name in before]
    pairs = {name: tuple(_fields(before[name], after[name], "")) for name in both}
    return Change(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed={name: changes for name, changes in pairs.items() if changes},
        process=tuple(_fields(old, new, "", _APART)),
    )


def _fields(old: Model, new: Model, prefix: str, apart: frozenset[str] = frozenset()) -> Iterator[FieldChange]:
    """The fields that differ; a nested model of one kind is looked into, anything else changes as a whole."""
    for name, info in type(old).model_fields.items():
        left, right = getattr(old, name), getattr(new, name)
        path = f"{prefix}{info.alias or name}"
        if left == right or name in apart:
            continue
        if isinstance(left, Model) and type(left) is type(right) and "type" not in type(left).model_fields:
            yield from _fields(left, right, f"{path}.")
        else:
            yield FieldChange(path, redacted(left, name), redacted(right, name))


class Watcher:
    """Says when a file of the configuration may have changed.

    It watches folders, not files: editors replace files, and Kubernetes swaps the `..data` link beside them (ConfigMap).
    `paths` are files (their folder is watched) and folders (watched with all below). Secret files need no watch: they are
    read at each use. Changes that come within `quiet` seconds are one.
    """

    def __init__(self, paths: Sequence[Path], quiet: float = 0.5) -> None:
        self._deep = {path for path in paths if path.is_dir()}
        self._flat = {path.parent for path in paths if not path.is_dir()} - self._deep
        self._names = {path.name for path in paths if not path.is_dir()}
        self._quiet_ms = max(1, int(quiet * 1000))

    async def changes(self) -> AsyncIterator[None]:
        """One item for each burst of changes, for ever. Bursts that nobody waited for are one."""
        happened, stop = asyncio.Event(), asyncio.Event()
        groups = [(self._deep, True), (self._flat, False)]
        tasks = [asyncio.create_task(self._watch(g, deep, happened, stop)) for g, deep in groups if g]
        waiting = asyncio.create_task(happened.wait())
        try:
            while tasks:
                await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    break  # a watch ended by itself: its error is raised below
                happened.clear()
                waiting = asyncio.create_task(happened.wait())
                yield None
        finally:
            waiting.cancel()
            stop.set()
            await asyncio.gather(*tasks)

    def _concerns(self, _: watchfiles.Change, path: str) -> bool:
        """Logs and other files may lie beside ours: only ours count, and the links that Kubernetes swaps (`..data`)."""
        place = Path(path)
        if place.name in self._names or place.name.startswith(".."):
            return True
        return place.suffix in (".yaml", ".yml", ".json") and any(folder in place.parents for folder in self._deep)

    async def _watch(self, folders: set[Path], deep: bool, happened: asyncio.Event, stop: asyncio.Event) -> None:
        options: dict[str, Any] = {"debounce": self._quiet_ms, "step": min(50, self._quiet_ms), "recursive": deep}
        async for _ in awatch(*folders, watch_filter=self._concerns, stop_event=stop, **options):
            happened.set()

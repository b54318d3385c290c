"""Applies a changed configuration by difference. An unchanged lane is not touched. Validates nothing: that was done before."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.clock import Clock
from forwarder.flow.catchup import CatchUp
from forwarder.flow.dispatch import Dispatcher
from forwarder.flow.roster import Roster
from forwarder.flow.starts import Starts
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.event import TP
from forwarder.observe.observer import Observer
from forwarder.settings.process import Settings
from forwarder.settings.reload import Change, diff
from forwarder.settings.webhook import Webhook
from forwarder.source.positions import Positions


class Reload:
    """One per worker. Reloads must not overlap; the caller awaits each."""

    def __init__(
        self, roster: Roster, positions: Positions, starts: Starts, dispatcher: Dispatcher,
        catch_up: CatchUp, observer: Observer, clock: Clock,
    ) -> None:  # fmt: skip
        self._roster = roster
        self._positions = positions
        self._starts = starts
        self._dispatcher = dispatcher
        self._catch_up = catch_up
        self._observer = observer
        self._clock = clock

    async def apply(self, new: Settings) -> tuple[str, ...]:
        """Bring lanes and router from the present settings to `new`; returns a line per change, secrets as fingerprints."""
        async with self._roster.changing:
            return await self._apply(new)

    async def _apply(self, new: Settings) -> tuple[str, ...]:
        old = self._roster.settings
        change = diff(old, new)
        hooks = {webhook.name: webhook for webhook in new.webhooks}
        # Everything that has to ask Kafka comes first; from here to the new router there is no await.
        cursors = {name: await self._first_cursors(hooks[name]) for name in change.added}
        for name in change.removed:
            self._dispatcher.timers.schedule(self._roster.remove(name), float("inf"))
        for name in change.changed:
            before = self._roster.lanes[name].webhook
            self._switch(self._roster.change(hooks[name]), before)
        for name in change.added:
            lane = self._roster.add(hooks[name])
            for tp, cursor in cursors[name].items():
                if tp in self._positions.expected:  # it may have been taken away while we asked
                    lane.own(tp, cursor)
        self._roster.reroute(new)
        for name in (*change.added, *change.changed):
            self._dispatcher.wake(self._roster.lanes[name], self._clock.monotonic())
        self._catch_up.kick()
        return lines(change)

    async def _first_cursors(self, webhook: Webhook) -> Mapping[TP, int]:
        positions = dict(self._positions.expected)
        return {tp: await self._starts.of_webhook(webhook, tp, position) for tp, position in positions.items()}

    def _switch(self, lane: Lane, before: Webhook) -> None:
        """On or off, as the new configuration says. Any change mends a lane that was paused, or disabled by its receiver."""
        if not lane.webhook.enable:
            lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
            return
        if lane.state in (LaneState.PAUSED, LaneState.DISABLED):
            if not before.enable and lane.webhook.on_enable == "now":
                for tp in lane.owned:
                    lane.jump(tp)
            lane.switch_on(Trigger.SWITCHED_ON)


def lines(change: Change) -> tuple[str, ...]:
    """One text per change, for the log."""
    told = [f"{name}: added" for name in change.added] + [f"{name}: removed" for name in change.removed]
    for name, fields in change.changed.items():
        told += [f"{name}: {field.path}: {field.old!r} -> {field.new!r}" for field in fields]
    needs_restart = set(change.restart)
    for field in change.process:
        note = " (counts after a restart)" if field.path in needs_restart else ""
        told.append(f"{field.path}: {field.old!r} -> {field.new!r}{note}")
    return tuple(told)

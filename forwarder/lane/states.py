"""The states of a lane and every allowed transition, as a table. No behaviour.

live      fed by the router on every partition
behind    fed by catch-up on at least one partition
paused    the endpoint refuses everything: one event is offered now and then until it is accepted
disabled  switched off by configuration or by the endpoint (410): nothing is sent, cursors stay
"""

from __future__ import annotations

from enum import Enum


class LaneState(Enum):
    LIVE = "live"
    BEHIND = "behind"
    PAUSED = "paused"
    DISABLED = "disabled"


class Trigger(Enum):
    """What can happen to a lane."""

    FELL_BEHIND = "fell behind"
    JOINED = "joined"
    REFUSED_ALL = "refused everything"
    ACCEPTED = "accepted again"
    PROBE_GONE = "the probe was given up"
    GONE = "gone"
    SWITCHED_OFF = "switched off"
    SWITCHED_ON = "switched on"


_S, _T = LaneState, Trigger

TRANSITIONS: dict[tuple[LaneState, Trigger], LaneState] = {
    (_S.LIVE, _T.FELL_BEHIND): _S.BEHIND,
    (_S.LIVE, _T.REFUSED_ALL): _S.PAUSED,
    (_S.LIVE, _T.GONE): _S.DISABLED,
    (_S.LIVE, _T.SWITCHED_OFF): _S.DISABLED,
    (_S.BEHIND, _T.FELL_BEHIND): _S.BEHIND,
    (_S.BEHIND, _T.JOINED): _S.LIVE,
    (_S.BEHIND, _T.REFUSED_ALL): _S.PAUSED,
    (_S.BEHIND, _T.GONE): _S.DISABLED,
    (_S.BEHIND, _T.SWITCHED_OFF): _S.DISABLED,
    (_S.PAUSED, _T.ACCEPTED): _S.BEHIND,
    (_S.PAUSED, _T.PROBE_GONE): _S.BEHIND,
    (_S.PAUSED, _T.SWITCHED_ON): _S.BEHIND,
    (_S.PAUSED, _T.GONE): _S.DISABLED,
    (_S.PAUSED, _T.SWITCHED_OFF): _S.DISABLED,
    (_S.DISABLED, _T.SWITCHED_ON): _S.BEHIND,
}
"""Anything not listed leaves the state as it is (a disabled lane cannot fall behind: it already is)."""


def after(state: LaneState, trigger: Trigger) -> LaneState:
    """The state that follows. Total: unknown pairs change nothing."""
    return TRANSITIONS.get((state, trigger), state)

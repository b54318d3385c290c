"""Signals before the service can act on them, and between two lives of the process: none is lost, none kills without a hand-over.

A start takes a second of imports, and a restart in place replaces the whole program. Handles no signal of the running service.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGINT)
_ALL = (*_ENDS, signal.SIGHUP)

_reload_asked = False


def hold_early() -> None:
    """From the first moment of `run`: a stop ends the process at once and well, since it holds nothing yet; a reload is kept.

    Also lets in what was held back across a restart in place.
    """
    for number in _ENDS:
        signal.signal(number, _end)
    signal.signal(signal.SIGHUP, _note_reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALL)


def early_reload() -> bool:
    """Whether a reload was asked for before the service listened. True once."""
    global _reload_asked
    asked, _reload_asked = _reload_asked, False
    return asked


def hold_back() -> None:
    """Before the process is replaced in place: signals wait for the next program, whose `hold_early` lets them in."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _note_reload(number: int, frame: FrameType | None) -> None:
    global _reload_asked
    _reload_asked = True

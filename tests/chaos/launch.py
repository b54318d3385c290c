"""Runs Forwarder with a wall clock that a file can move: `python -m tests.chaos.launch run -c ...`. The system's clock stays as it is.

`CHAOS_CLOCK` names a file that holds the offset in seconds. Every wall clock of the process is moved, those of its libraries too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

LOOK_SECONDS = 0.25


def move_clock(file: Path) -> None:
    """From here on `time.time` is off by what `file` says; looked up a few times per second."""
    real = time.time
    offset = _offset(file)

    def look() -> None:
        nonlocal offset
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # signals are the program's business, not ours
        while True:
            time.sleep(LOOK_SECONDS)
            offset = _offset(file)

    threading.Thread(target=look, daemon=True).start()
    time.time = lambda: real() + offset


def _offset(file: Path) -> float:
    try:
        return float(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0.0


if __name__ == "__main__":
    move_clock(Path(os.environ["CHAOS_CLOCK"]))
    from forwarder.cli.main import main

    sys.argv[0] = "forwarder"
    main()

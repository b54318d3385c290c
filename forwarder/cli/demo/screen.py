"""Where the demo writes: a live table at a terminal, some plain lines now and then everywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from forwarder.cli.demo.scrape import Snapshot
from forwarder.cli.demo.view import Lines, live_table, plain_table

_PLAIN_EVERY_SECONDS = 5.0


class Screen:
    """Writes to standard output. `close` ends the live table; what was shown last stays."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._lines = Lines()
        self._live: Live | None = None
        self._started: float | None = None
        self._plain_at = 0.0

    def say(self, text: str) -> None:
        """One line of progress."""
        self._console.print(Text(f"==> {text}", style="bold"))

    def show(self, seen: Snapshot, monotonic: float, wall: float) -> None:
        """The webhooks now. Call it about twice a second."""
        self._started = monotonic if self._started is None else self._started
        lines = self._lines.update(seen, monotonic, wall)
        title = f"{monotonic - self._started:3.0f} s, {seen.read} events read"
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False)
                self._live.start()
            self._live.update(live_table(lines, title), refresh=True)
        elif monotonic >= self._plain_at:
            self._plain_at = monotonic + _PLAIN_EVERY_SECONDS
            self._console.print(Text(f"{title}\n{plain_table(lines)}\n"))

    def close(self) -> None:
        """No more tables."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def books(self, text: str) -> None:
        """The books, after the end."""
        self._console.print(Text(f"\n{text}\n"))

    def verdict(self, complaints: Sequence[str]) -> None:
        """The last word."""
        for complaint in complaints:
            self._console.print(Text(f"WRONG: {complaint}", style="red"))
        if complaints:
            self._console.print(Text("The demo FAILED.", style="bold red"))
        else:
            said = "Every signature verified, the books balance, and every healthy receiver got every event exactly once, in order."
            self._console.print(Text(said, style="bold green"))

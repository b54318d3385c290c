"""`python -m forwarder`, and the `forwarder` command. Takes the signals over before anything else is imported; holds nothing more."""

from __future__ import annotations

import sys

from forwarder.signals import hold_early


def main() -> None:
    """Entry point."""
    if sys.argv[1:2] == ["run"]:
        hold_early()
    from forwarder.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()

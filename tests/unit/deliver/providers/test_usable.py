"""What is said at load of options and URLs that a format cannot use: all of it, each in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from forwarder.configuration import load_checked
from forwarder.settings.problems import Weight
from tests.unit.settings.place import BASE, write  # type: ignore[attr-defined]


def test_placeholder() -> None:
    raise NotImplementedError

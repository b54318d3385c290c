"""The private things of Faust and aiokafka are still as they were when we built on them. A failure names what breaks."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from forwarder.kafka.private.table import PRIVATE, Private


def resolve(target: str) -> Any:
    module, _, names = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("private", PRIVATE, ids=lambda private: private.target)
def test_what_we_rely_on_is_unchanged(private: Private) -> None:
    said = f"{private.target} has changed; Forwarder relies on it: {private.why}"
    try:
        found = resolve(private.target)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{said} ({error})")
    if private.parameters is not None:
        assert tuple(inspect.signature(found).parameters) == private.parameters, said
    source, place = inspect.getsource(found), -1
    for marker in private.markers:
        place = source.find(marker, place + 1)
        assert place >= 0, f"{said} (no {marker!r} where it was)"


def test_each_is_listed_once() -> None:
    targets = [private.target for private in PRIVATE]
    assert len(set(targets)) == len(targets)

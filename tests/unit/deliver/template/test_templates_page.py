"""docs/templates.md names every function, variable and shipped template, and every bound, as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forwarder.deliver.template import bounds, sift
from forwarder.deliver.template.go_functions import FUNCTIONS
from forwarder.deliver.template.jinja_functions import FILTERS, METHODS, TESTS
from forwarder.deliver.template.subject import ENVELOPE
from forwarder.deliver.template.variables import DIGEST, ONE
from forwarder.settings.providers.catalogue import builtin
from forwarder.settings.templates.sources import starters

PAGE = (Path(__file__).parents[4] / "docs" / "templates.md").read_text()


def words(start: str, end: str) -> set[str]:
    """The words of a part of the page."""
    return set(re.findall(r"[\w]+", PAGE.split(start, 1)[1].split(end, 1)[0]))


def test_every_go_function_is_there() -> None:
    assert set(FUNCTIONS) <= words("## Go\n", "The test suite")


@pytest.mark.parametrize(
    ("names", "start", "end"),
    [(FILTERS, "Filters: ", "Tests: "), (TESTS, "Tests: ", "Methods: "), (METHODS, "Methods: ", "\n\n")],
)
def test_every_jinja_function_is_there(names: frozenset[str], start: str, end: str) -> None:
    assert {name for name in names if name.isidentifier()} <= words(start, end) | {"lessthan", "greaterthan"}


def test_every_variable_is_there() -> None:
    table = words("| variable | is |", "Sift has one trigger")
    assert {*ENVELOPE, *ONE.variables, *DIGEST.variables} - set(sift.PATHS) <= table
    for name, (own, others) in sift.PATHS.items():
        row = re.search(rf"^\| `{name}` \| .*$", PAGE, re.MULTILINE)
        assert row is not None and all(first in row[0] for first, _ in own + others), name


def test_every_option_and_every_shipped_template_is_there() -> None:
    for name in builtin()["template"].options:
        assert re.search(rf"^\| .*`{name}`.* \|", PAGE, re.MULTILINE), name
    for name, bodies in starters().items():
        assert f"| `{name}` | {', '.join(sorted(bodies))} |" in PAGE


def test_the_bounds_are_those_of_the_code() -> None:
    assert (bounds.WORK, bounds.WORK_PER_EVENT, bounds.MAX_ITEMS, bounds.MAX_BITS) == (200_000, 1_000, 100_000, 256)
    assert (bounds.MAX_OUTPUT_BYTES, bounds.MAX_TEXT, bounds.MAX_TEMPLATE_BYTES) == (8 << 20, 1 << 20, 64 << 10)
    for said in (
        "200,000 steps and 1,000 more per event",
        "8 MiB of output",
        "1 MiB for a text",
        "100,000 items",
        "256 bits",
        "64 KiB",
    ):
        assert said in PAGE

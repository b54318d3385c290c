"""The examples in docs/authentication.md load as they stand, and every form of `httpAuth` is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from forwarder.errors import ConfigurationError
from forwarder.settings.auth import HttpAuth
from forwarder.settings.walk import tag_of

from .place import Place

PAGE = (Path(__file__).parents[3] / "docs" / "authentication.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ENVIRON = dict.fromkeys(re.findall(r"variableName: (\w+)", PAGE), "hunter2")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_loads(place: Place, example: str) -> None:
    try:
        assert not place.load(place.hook(example), ENVIRON).warnings
    except ConfigurationError as error:  # its files are not here
        assert all("does not exist" in said or "No such file" in said for said in error.problems), error.problems


@pytest.mark.parametrize("form", get_args(get_args(HttpAuth)[0]))
def test_every_form_is_named(form: type) -> None:
    assert f"`{tag_of(form)}`" in PAGE

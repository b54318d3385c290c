"""requirements.lock against pyproject.toml: a dependency that was changed without `scripts/lock` is found here."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = [
    line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
WANTED = [
    *PROJECT["project"]["dependencies"],
    *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    *PROJECT["build-system"]["requires"],
]


@pytest.mark.parametrize("wanted", sorted(set(WANTED)))
def test_every_dependency_is_pinned_within_its_range(wanted: str) -> None:
    requirement = Requirement(wanted)
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, LINES)}
    pin = pins.get(canonicalize_name(requirement.name))
    assert pin is not None, f"{requirement.name} is not in requirements.lock: run scripts/lock"
    (version,) = [specifier.version for specifier in pin.specifier]
    assert requirement.specifier.contains(version), f"{pin} is not {wanted}: run scripts/lock"


def test_the_lock_names_versions_and_no_place_to_get_them_from() -> None:
    assert LINES
    for line in LINES:
        requirement = Requirement(line)
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], line
        assert requirement.url is None, line

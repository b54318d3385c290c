"""What a defect is, and the table of all of them. Patches nothing by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Patch = Callable[[], None]


@dataclass(frozen=True)
class Defect:
    """`patch` puts the defect into the running program. `scenario` provokes it; one of `rules` (names of the judge's) must flag it.
    `about` says in a line what was forgotten."""

    name: str
    scenario: str
    rules: tuple[str, ...]
    patch: Patch
    about: str


DEFECTS: dict[str, Defect] = {}


def defect(scenario: str, *rules: str) -> Callable[[Patch], Patch]:
    """Registers a patch under its function's name, with dashes."""

    def register(patch: Patch) -> Patch:
        name = patch.__name__.replace("_", "-")
        about = (patch.__doc__ or "").strip().splitlines()[0]
        DEFECTS[name] = Defect(name, scenario, rules, patch, about)
        return patch

    return register


def put(owner: Any, name: str, value: Any) -> None:
    """Replace an attribute that must be there: a defect that patches nothing would be a test that cannot fail."""
    assert hasattr(owner, name), f"{owner} has no {name} any more: mend the defect"
    setattr(owner, name, value)

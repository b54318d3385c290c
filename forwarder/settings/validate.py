"""A tree to a model, with every complaint in its place. A part that is broken is left out and the rest is kept, so that one
mistake never hides another. No pydantic error, whose text may hold values, leaves this module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from forwarder.settings.phrases import phrase
from forwarder.settings.problems import SILENT, Problem, shown
from forwarder.settings.tree import MapNode, Step, locate, plain, written
from forwarder.settings.types import Model

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Draft(Generic[M]):
    """`value` has stand-ins in the `broken` fields (top-level names of the file); it is only whole without problems."""

    value: M
    broken: frozenset[str]
    problems: tuple[Problem, ...]


def draft(model: type[M], node: MapNode, stand_ins: dict[str, Any], prefix: str = "") -> Draft[M]:
    """Validates a mapping. `stand_ins` are valid values for the required fields. `prefix` goes before each path."""
    data = plain(node)
    value, errors = _attempt(model, data)
    broken = frozenset(str(error["loc"][0]) if error["loc"] else "" for error in errors)
    problems = tuple(dict.fromkeys(_problem(error, model, node, prefix) for error in errors))
    if value is None:
        kept = {key: item for key, item in data.items() if key not in broken}
        missing = {key: item for key, item in stand_ins.items() if kept.get(key) is None}
        value, _ = _attempt(model, kept | missing)
    if value is None:  # a complaint about the whole, which no field can be blamed for
        value, broken = model.model_validate(stand_ins, by_alias=True), broken | frozenset(data)
    return Draft(value, broken, problems)


def _attempt(model: type[M], data: Any) -> tuple[M | None, list[ErrorDetails]]:
    try:
        return model.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    return None, [error for error in errors if not _is_echo(error, errors)]


def _is_echo(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """True for "too few entries" where the only entry is there, and broken."""
    depth = len(error["loc"])
    inside = (other for other in errors if len(other["loc"]) > depth and other["loc"][:depth] == error["loc"])
    return error["type"] == "too_short" and any(inside)


def _problem(error: ErrorDetails, model: type[Model], node: MapNode, prefix: str) -> Problem:
    steps: tuple[Step, ...] = error["loc"]
    mark, found, path = locate(node, steps)
    value = "" if error["type"] in SILENT else shown(found, path)
    return Problem(mark, prefix + written(path), phrase(error, model, found) + value)

"""The models seen as a tree of fields: what keys a place knows, what a field holds. Pure reflection; knows no file."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from forwarder.settings.tree import Step
from forwarder.settings.types import Model


def members(annotation: Any) -> Iterator[Any]:
    """The types that a field may hold, with unions and annotations taken apart; None is left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from members(part)
    elif annotation is not type(None):
        yield annotation


def models(annotation: Any) -> list[type[Model]]:
    """The settings models among the members, also those inside tuples."""
    found: list[type[Model]] = []
    for member in members(annotation):
        if get_origin(member) is tuple:
            found += models(get_args(member)[0])
        elif isinstance(member, type) and issubclass(member, Model):
            found.append(member)
    return found


def fields(model: type[Model]) -> dict[str, FieldInfo]:
    """The fields by the name that files use."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def tag_of(model: type[Model]) -> str | None:
    """The model's `@type`, None where it has none."""
    info = fields(model).get("@type")
    return str(get_args(info.annotation)[0]) if info and get_origin(info.annotation) is Literal else None


def format_of(model: type[Model]) -> str | None:
    """The payload format that the model is of, None where it is no payload."""
    info = fields(model).get("format")
    return str(get_args(info.annotation)[0]) if info and get_origin(info.annotation) is Literal else None


def known_keys(root: type[Model], steps: Sequence[Step]) -> list[str]:
    """The keys allowed at a path; `steps` may hold a union's tags, which then choose one of its models."""
    here: list[Any] = [root]
    for step in steps:
        here = list(_inside(here, step))
    return [key for kind in here for model in models(kind) for key in fields(model)]


def _inside(kinds: list[Any], step: Step) -> Iterator[Any]:
    """The types one step further in."""
    for kind in (member for outer in kinds for member in members(outer)):
        origin = get_origin(kind)
        if origin is tuple and isinstance(step, int):
            yield get_args(kind)[0]
        elif origin is dict:
            yield get_args(kind)[1]
        elif isinstance(kind, type) and issubclass(kind, Model):
            known = fields(kind)
            if step in known:
                yield known[str(step)].annotation
            elif step in (tag_of(kind), format_of(kind)) or str(step).startswith("@"):
                yield kind

"""The slow way to a struct: field by field, for records in which one field is not what its schema says. Loses only that field."""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw

from forwarder.source.paths import as_array, as_object, scalar

Shape = TypeVar("Shape", bound=msgspec.Struct)


def read_lenient(shape: type[Shape], body: Raw | bytes) -> Shape | None:
    """`shape` filled with what fits (a scalar field takes the first scalar of an array); None where `body` is no object.

    `body` must be valid JSON.
    """
    try:
        found = as_object(body)
    except msgspec.ValidationError:
        return None
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        raw = found.get(field.encode_name)
        if raw is not None and (value := _fit(field.type, raw)) is not None:
            values[field.name] = value
    return shape(**values)


def _fit(kind: Any, raw: Raw) -> Any:
    """`raw` as `kind`, as nearly as can be; None where it is nothing of that kind."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return read_lenient(kind, raw)
        if get_origin(kind) is tuple:
            return _fit_all(get_args(kind)[0], raw)
        return scalar(raw)


def _fit_all(kind: Any, raw: Raw) -> tuple[Any, ...] | None:
    try:
        items = as_array(raw)
    except msgspec.ValidationError:
        return None
    return tuple(value for item in items if (value := _fit(kind, item)) is not None)

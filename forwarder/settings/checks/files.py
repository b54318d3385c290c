"""Checks that what settings point to is there: certificate files, secret files, secret variables. Never quotes a content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings
from forwarder.settings.secrets import EnvironmentSecret, FileSecret, SecretUnavailable, ValueSecret
from forwarder.settings.tree import Step

_FILE_FIELDS = frozenset({"ca_file", "certificate_file", "key_file", "token_file", "proxy_ca_file"})
_NAMED_BY_USERS = frozenset({"http_headers", "fields", "headers", "params"})
_SECRETS = (ValueSecret, EnvironmentSecret, FileSecret)


def files(settings: Settings) -> Iterator[Finding]:
    """Every file that a setting names can be read now."""
    for path, value in _leaves(settings, ()):
        if isinstance(value, str) and path[-1] in _FILE_FIELDS and (problem := _unreadable(value)):
            yield _finding(path, f"{value!r} {problem}")


def secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every secret that a setting names is there now, and not empty."""
    for path, value in _leaves(settings, ()):
        if isinstance(value, _SECRETS):
            try:
                value.read(environ)
            except SecretUnavailable as error:
                yield _finding(path, str(error))


def secret_variables(settings: Settings) -> set[str]:
    """The environment variables that secrets are read from."""
    leaves = (value for _, value in _leaves(settings, ()))
    return {value.variable_name for value in leaves if isinstance(value, EnvironmentSecret)}


def _unreadable(name: str) -> str:
    try:
        path = Path(name)
        if not path.exists():
            return "does not exist"
        return "" if path.is_file() and os.access(path, os.R_OK) else "is not a file that can be read"
    except (OSError, ValueError):
        return "is not a path"


def _leaves(value: object, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], object]]:
    """Every value below, with the path of attribute names. A secret counts as one value."""
    if isinstance(value, _SECRETS):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _finding(path: tuple[Step, ...], text: str) -> Finding:
    """A finding from attribute names: a webhook's is put inside it."""
    if path[0] == "webhooks" and isinstance(path[1], int):
        return Finding(_aliases(path[2:]), text, path[1])
    return Finding(_aliases(path), text)


def _aliases(path: tuple[Step, ...]) -> tuple[Step, ...]:
    """Names as files have them. Names of headers and fields pass untouched: they are no attribute names."""
    header = next((at for at, step in enumerate(path) if step in _NAMED_BY_USERS), len(path))
    return tuple(to_camel(step) if isinstance(step, str) and at <= header else step for at, step in enumerate(path))

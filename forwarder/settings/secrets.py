"""Secrets as a tagged union (`@type`), the form Stalwart users know. Read where they are used, and never printed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, SecretStr, Tag

from forwarder.settings.types import Model


class SecretUnavailable(Exception):
    """The variable or file is missing or empty. The text names it and never holds a value."""


class NoSecret(Model):
    """`{"@type": None}`: no secret."""

    type: Literal["None"] = Field("None", alias="@type")

    def read(self, environ: Mapping[str, str] | None = None) -> str | None:
        """Always None."""
        return None


class ValueSecret(Model):
    """`{"@type": Value, secret: ...}`: written in the file itself."""

    type: Literal["Value"] = Field("Value", alias="@type")
    secret: SecretStr
    """The secret itself."""

    def read(self, environ: Mapping[str, str] | None = None) -> str | None:
        """The text. Raises SecretUnavailable when it is empty."""
        value = self.secret.get_secret_value()
        if not value:
            raise SecretUnavailable("the secret is empty")
        return value


class EnvironmentSecret(Model):
    """`{"@type": EnvironmentVariable, variableName: ...}`."""

    type: Literal["EnvironmentVariable"] = Field("EnvironmentVariable", alias="@type")
    variable_name: str
    """Name of the environment variable that holds the secret."""

    def read(self, environ: Mapping[str, str] | None = None) -> str | None:
        """The variable's value. Raises SecretUnavailable when it is not set or empty."""
        value = (os.environ if environ is None else environ).get(self.variable_name)
        if not value:
            raise SecretUnavailable(f"environment variable {self.variable_name} is not set or empty")
        return value


class FileSecret(Model):
    """`{"@type": File, filePath: ...}`: read at each use, so a changed file counts; one trailing newline is dropped."""

    type: Literal["File"] = Field("File", alias="@type")
    file_path: str
    """Path of the file that holds the secret (UTF-8)."""

    def read(self, environ: Mapping[str, str] | None = None) -> str | None:
        """The file's text. Raises SecretUnavailable when it cannot be read or is empty."""
        value, problem = self._load()
        if problem:
            raise SecretUnavailable(f"secret file {self.file_path} {problem}")
        return value

    def _load(self) -> tuple[str, str]:
        """Text and problem. Apart from `read`, so that no exception carries the file's bytes along."""
        try:
            value = Path(self.file_path).read_bytes().decode("utf-8")
        except OSError as error:
            return "", f"cannot be read: {error.strerror}"
        except ValueError:
            return "", "is not UTF-8 text, or its path is no path"
        value = value.removesuffix("\n").removesuffix("\r")
        return value, "" if value else "is empty"


Secret = Annotated[NoSecret | ValueSecret | EnvironmentSecret | FileSecret, Field(discriminator="type")]
NO_SECRET = NoSecret()


def _text_or_secret(value: Any) -> str:
    return "@text" if isinstance(value, str) else "@secret"


TextOrSecret = Annotated[
    Annotated[str, Tag("@text")] | Annotated[Secret, Tag("@secret")], Discriminator(_text_or_secret)
]
"""A value that may be written as it is, or kept as a secret."""


def secrets_in(value: object) -> Iterator[ValueSecret | EnvironmentSecret | FileSecret]:
    """Every secret anywhere in settings."""
    if isinstance(value, ValueSecret | EnvironmentSecret | FileSecret):
        yield value
    elif isinstance(value, BaseModel):
        for name in (*type(value).model_fields, *(value.model_extra or {})):
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets_in(item)


def fingerprint(text: str) -> str:
    """The first 8 hexadecimal digits of SHA-256: tells two secrets apart without showing either."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]

"""Secrets as a tagged union (`@type`), the form Stalwart users know. A secret is read where it is used, and never printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from forwarder.settings.types import Model


class SecretUnavailable(Exception):
    """The variable or file is missing or empty. The text names it and never holds a value."""


class NoSecret(Model):
    """`{"@type": None}`: no secret."""

    type: Literal["None"] = Field("None", alias="@type")

    def read(self) -> str | None:
        return None


class ValueSecret(Model):
    """`{"@type": Value, secret: ...}`: written in the file itself."""

    type: Literal["Value"] = Field("Value", alias="@type")
    secret: SecretStr

    def read(self) -> str | None:
        return self.secret.get_secret_value()


class EnvironmentSecret(Model):
    """`{"@type": EnvironmentVariable, variableName: ...}`."""

    type: Literal["EnvironmentVariable"] = Field("EnvironmentVariable", alias="@type")
    variable_name: str

    def read(self) -> str | None:
        value = os.environ.get(self.variable_name)
        if not value:
            raise SecretUnavailable(f"environment variable {self.variable_name} is not set or empty")
        return value


class FileSecret(Model):
    """`{"@type": File, filePath: ...}`: re-read when the file changes; one trailing newline is dropped."""

    type: Literal["File"] = Field("File", alias="@type")
    file_path: str

    def read(self) -> str | None:
        try:
            value = Path(self.file_path).read_text(encoding="utf-8")
        except OSError as error:
            raise SecretUnavailable(f"secret file {self.file_path}: {error.strerror}") from None
        value = value.removesuffix("\n").removesuffix("\r")
        if not value:
            raise SecretUnavailable(f"secret file {self.file_path} is empty")
        return value


Secret = Annotated[NoSecret | ValueSecret | EnvironmentSecret | FileSecret, Field(discriminator="type")]
NO_SECRET = NoSecret()

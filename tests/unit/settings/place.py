"""How settings tests write a configuration and read what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from forwarder.errors import ConfigurationError
from forwarder.settings.load import Loaded, load

SOURCES = "sources: [{topic: events}]\n"


class Place:
    """A configuration under test: `main` is the file, other files are named from its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}

    def write(self, text: str, name: str = "forwarder.yaml") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
        return load(self.write(text), self.environ if environ is None else environ)

    def problems(self, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """What a refused configuration is told, with file names relative to its folder."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(text, environ)
        return [problem.replace(f"{self.folder}/", "") for problem in caught.value.problems]

    def hook(self, fields: str, rest: str = "") -> str:
        """A configuration with one webhook; `fields` are lines of it."""
        body = "".join(f"    {line}\n" for line in fields.strip().splitlines())
        return f"{SOURCES}{rest}webhooks:\n  - name: siem\n    url: https://siem.example/in\n{body}"

"""Files that ship inside the package, as text. Parses none."""

from __future__ import annotations

from importlib.resources import files


def shipped(package: str, folder: str, suffix: str) -> dict[str, str]:
    """The files of a package's folder (`.`: its own) whose names end in `suffix`: name without it -> text, in alphabetical order."""
    found = [item for item in (files(package) / folder).iterdir() if item.name.endswith(suffix)]
    return {item.name.removesuffix(suffix): item.read_text("utf-8") for item in sorted(found, key=lambda one: one.name)}

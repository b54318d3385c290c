"""Where templates come from: the files beside this one, and those that a configuration names. Judges no syntax."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from forwarder.settings.shipped import shipped
from forwarder.settings.templates.model import Syntax, Template

MAX_FILE_BYTES = 64 * 1024


@cache
def starters() -> dict[str, dict[Syntax, str]]:
    """The templates that ship: name -> syntax -> body, in alphabetical order. Files are called `NAME.SYNTAX.tmpl`."""
    found: dict[str, dict[Syntax, str]] = {}
    for file, body in shipped("forwarder.settings.templates", "starters", ".tmpl").items():
        name, _, syntax = file.rpartition(".")
        found.setdefault(name, {})["go" if syntax == "go" else "jinja"] = body
    return found


def starter(name: str, syntax: Syntax) -> Template | None:
    """A shipped template in the syntax asked for; in Go where that is left open and there is one."""
    bodies = starters().get(name, {})
    for choice in (syntax,) if syntax != "auto" else ("go", "jinja"):
        if choice in bodies:
            return Template(body=bodies[choice], syntax=choice)
    return None


def body_of(template: Template) -> tuple[str | None, str]:
    """A template's text, and (else) what is wrong: a file that cannot be read."""
    if template.file is None:
        return template.body, ""
    try:
        with Path(template.file).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            return None, f"{template.file!r} is larger than {MAX_FILE_BYTES} bytes"
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return None, f"{template.file!r} is not UTF-8 text"
    except (OSError, ValueError) as error:
        return None, f"{template.file!r} cannot be read: {getattr(error, 'strerror', None) or error}"

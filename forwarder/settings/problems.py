"""What is wrong with a configuration, and how it is said: place, path, problem, what is allowed, the fix. Never holds a secret:
values are shown only through `shown`, which knows which paths must stay dark."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from forwarder.settings.tree import Mark, Node, Step, Text

_DARK = frozenset({
    "secret", "password", "keyPassword", "signatureKey", "keys", "bearerToken", "value", "httpHeaders", "headers", "httpAuth", "auth",
})  # fmt: skip
_CLEAR = frozenset({"@type", "variableName", "filePath", "scheme"})
_URLS = frozenset({"url", "endpoint", "proxy"})
_SHOWN_CHARACTERS = 80
SILENT = frozenset({"extra_forbidden", "missing", "model_attributes_type"})
"""Complaints that never show the value: it says nothing, or is a text where a secret's form is expected, so perhaps the secret."""


class Weight(Enum):
    """An error refuses the whole configuration; a warning is said and goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in its place. `path` is for people (`webhooks[siem].maxEvents`)."""

    mark: Mark
    path: str
    text: str
    weight: Weight = Weight.ERROR

    def __str__(self) -> str:
        return f"{self.mark}: {self.path}: {self.text}" if self.path else f"{self.mark}: {self.text}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about loaded settings. `path` uses the file's names (`("retry", "cap")`).

    `webhook` is a webhook's name (or its index in `Settings.webhooks`), and then the path starts inside it; None means a
    process setting. `text` must not hold a secret.
    """

    path: Sequence[Step]
    text: str
    webhook: str | int | None = None
    weight: Weight = Weight.ERROR


class Unparsable(Exception):
    """A document cannot be read at all; carries the one problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing where no known word is near. Case never matters."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f" (did you mean `{folded[close[0]]}`?)" if close else ""


def is_dark(path: Sequence[Step]) -> bool:
    """True where a value may be, or may be meant as, a secret."""
    return any(step in _DARK for step in path) and path[-1] not in _CLEAR


def safe_url(text: str) -> str:
    """Scheme and host of something meant as a URL: no user, no password, no path, no query, however broken it is."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    host = rest.rpartition("@")[2] if "@" in rest else rest
    for end in "/?#\\":
        host = host.partition(end)[0]
    return f"{scheme}{separator}{host}" if "@" not in scheme else host


def shown(node: Node, path: Sequence[Step]) -> str:
    """The value as the file has it, quoted and cut, or nothing where it may be a secret."""
    if not isinstance(node, Text) or node.value is None or not path or is_dark(path):
        return ""
    raw = safe_url(node.raw) if path[-1] in _URLS else node.raw
    return f" ({raw[:_SHOWN_CHARACTERS]!r}{'...' if len(raw) > _SHOWN_CHARACTERS else ''})"

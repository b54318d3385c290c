"""Names with wildcards: `*`, `?` and `[...]` as in fnmatch, case-sensitive; anything else is an exact name. Pure; no index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

_SPECIAL = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Exact:
    """Matches this text alone."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """`text*`: everything that begins with `text`; the empty text matches all."""

    text: str


@dataclass(frozen=True, slots=True)
class Suffix:
    """`*text`: everything that ends with `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Wild:
    """Any other pattern. `prefix` is its literal beginning, so that an index need not try it on every name."""

    prefix: str
    regex: re.Pattern[str]


Glob = Exact | Prefix | Suffix | Wild


@lru_cache(maxsize=4096)
def parse(pattern: str) -> Glob:
    """The cheapest form that means the same as `pattern`. A name that holds a wildcard is written `[*]`, `[?]`, `[[]`."""
    special = _SPECIAL.search(pattern)
    if special is None:
        return Exact(pattern)
    if pattern.endswith("*") and special.start() == len(pattern) - 1:
        return Prefix(pattern[:-1])
    if pattern.startswith("*") and not _SPECIAL.search(pattern, 1):
        return Suffix(pattern[1:])
    return Wild(pattern[: special.start()], re.compile(translate(pattern)))


def matches(pattern: str, name: str) -> bool:
    """Whether `name` matches `pattern`. For explaining; the index does not call it."""
    match parse(pattern):
        case Exact(text):
            return name == text
        case Prefix(text):
            return name.startswith(text)
        case Suffix(text):
            return name.endswith(text)
        case Wild(regex=regex):
            return regex.match(name) is not None

"""What an import gives back: the native configuration, what could not be carried over, and which secrets it needs. Reads nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_NAME = re.compile(r"[^a-z0-9]+")
_VARIABLE = re.compile(r"[^A-Z0-9]+")
_MOST = 63


class Unusable(Exception):
    """The file is not what this import reads. The text says what was expected and holds no value."""


class Reference(str):
    """Text that refers to an environment variable on purpose; any other `${` is taken as it stands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Needed:
    """A secret that was left out: the variable that must hold it, its value, and where it stood in the imported file."""

    variable: str
    value: str = field(repr=False)
    place: str


@dataclass(slots=True)
class Outcome:
    """`webhooks` and `process` are as in a native file. With `reveal` secrets are written into it."""

    reveal: bool = False
    process: dict[str, Any] = field(default_factory=dict)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    needed: list[Needed] = field(default_factory=list)

    def lose(self, place: str, why: str) -> None:
        """Something of the imported file has no counterpart. `why` must not hold a secret."""
        self.lost.append(f"{place}: {why}")

    def secret(self, place: str, value: object) -> dict[str, Any]:
        """A secret as a native tagged union."""
        if self.reveal:
            return {"@type": "Value", "secret": str(value)}
        return {"@type": "EnvironmentVariable", "variableName": self._variable(place, str(value))}

    def name(self, wanted: str) -> str:
        """A valid webhook name, near to what is wanted, that no other webhook has."""
        base = _NAME.sub("-", wanted.lower()).strip("-")[: _MOST - 4] or "webhook"
        taken = {hook["name"] for hook in self.webhooks}
        free = (f"{base}-{number}" if number > 1 else base for number in range(1, len(taken) + 2))
        return next(name for name in free if name not in taken)

    def add(self, wanted: str, place: str, url: str, fields: Mapping[str, Any], *, secret: bool = False) -> None:
        """A webhook whose URL stood at `place`. The URL is left out where it is a secret: as a whole (chats), or in a part of it."""
        hidden = not self.reveal and (secret or _holds_secret(url))
        shown = Reference("${" + self._variable(place, url) + "}") if hidden else url
        plain = {"allowPlainHttp": True} if url.lower().startswith("http://") else {}
        self.webhooks.append({"name": self.name(wanted), "url": shown, **plain, **fields})

    def _variable(self, place: str, value: str) -> str:
        base = _VARIABLE.sub("_", place.upper()).strip("_") or "SECRET"
        base = f"SECRET_{base}" if base[0].isdigit() else base
        for needed in self.needed:
            if needed.place == place and needed.value == value:
                return needed.variable
        taken = {needed.variable for needed in self.needed}
        free = (f"{base}_{number}" if number > 1 else base for number in range(1, len(taken) + 2))
        variable = next(name for name in free if name not in taken)
        self.needed.append(Needed(variable, value, place))
        return variable


def _holds_secret(url: str) -> bool:
    """Whether there is something before the host or after the path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return "@" in parts.netloc or bool(parts.query)

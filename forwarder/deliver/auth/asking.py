"""One request for a token, as a value. Holds secrets, therefore shows none of its contents in its `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from forwarder.deliver.auth.secret import header_value, text_of
from forwarder.settings.secrets import Secret

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Asking:
    """A POST to `url`."""

    url: str = field(repr=False)
    content_type: str
    content: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def texts(values: Mapping[str, str | Secret], what: str) -> dict[str, str]:
    """The values as they are now. Raises SecretUnavailable."""
    return {name: text_of(value, f"{what} {name}") for name, value in values.items()}


def header_texts(values: Mapping[str, str | Secret]) -> dict[str, str]:
    """As `texts`, fit for headers. Raises SecretUnavailable."""
    found = texts(values, "the login's header")
    return {name: header_value(value, f"the login's header {name}") for name, value in found.items()}


def form(values: Mapping[str, str]) -> bytes:
    """As HTML forms are sent (application/x-www-form-urlencoded, UTF-8)."""
    return urlencode(values).encode("ascii")

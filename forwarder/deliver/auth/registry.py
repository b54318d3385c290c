"""All authentications by the settings class that asks for them. Secrets are read at each call: they may rotate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from forwarder.deliver.auth import basic, bearer, header, unauthenticated
from forwarder.settings.auth import Basic, Bearer, HeaderAuth, HttpAuth, Unauthenticated

SCHEMES: Mapping[type, Callable[[Any], list[tuple[str, str]]]] = {
    Unauthenticated: unauthenticated.headers,
    Basic: basic.headers,
    Bearer: bearer.headers,
    HeaderAuth: header.headers,
}


def headers(auth: HttpAuth) -> list[tuple[str, str]]:
    """The headers that authenticate one request; every value is secret. Raises SecretUnavailable: fail closed."""
    return SCHEMES[type(auth)](auth)

"""All authentications by the settings class that asks for them. Secrets are read at each call: they may rotate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from forwarder.deliver.auth import basic, bearer, header, sigv4, unauthenticated
from forwarder.deliver.sign.message import Message
from forwarder.settings.auth import AwsSigV4, Basic, Bearer, HeaderAuth, HttpAuth, TokenAuth, Unauthenticated

Headers = list[tuple[str, str]]

SCHEMES: Mapping[type, Callable[[Any], Headers]] = {
    Unauthenticated: unauthenticated.headers,
    Basic: basic.headers,
    Bearer: bearer.headers,
    HeaderAuth: header.headers,
}
"""Those that send a secret as it is. A token is fetched first (`account.ASKINGS`)."""

SIGNING: Mapping[type, Callable[[Any, Message, float], Headers]] = {AwsSigV4: sigv4.headers}
"""Those that sign the whole request."""

SECRET_WHEN_SIGNED = ("x-amz-security-token",)
"""Headers of `SIGNING`, in lower case, whose values nobody may see, beside `Authorization`."""


def headers(auth: HttpAuth, token: str) -> Headers:
    """The headers that authenticate one request; every value is secret. Raises SecretUnavailable: fail closed."""
    if isinstance(auth, TokenAuth):
        return [(auth.header, auth.prefix + token)]
    return SCHEMES[type(auth)](auth) if type(auth) in SCHEMES else []


def signed(auth: HttpAuth, message: Message, now: float) -> Headers:
    """What signs the request at `now` (Unix seconds); nothing where `headers` was all. Raises SecretUnavailable."""
    return SIGNING[type(auth)](auth, message, now) if type(auth) in SIGNING else []

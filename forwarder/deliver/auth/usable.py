"""Checks at load of what only delivery understands: paths into a login's answer, and private keys. Quotes no key, sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forwarder.deliver.auth.assertion import signing
from forwarder.deliver.auth.path import parse
from forwarder.settings.auth import OAuth2, TokenAuth
from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable

_PATHS = {"tokenPath": "token_path", "expiresInPath": "expires_in_path", "expiresAtPath": "expires_at_path"}


def logins(settings: Settings, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """All webhooks. A key that is not there is another check's finding."""
    for index, hook in enumerate(settings.webhooks):
        auth = hook.http_auth
        if isinstance(auth, TokenAuth):
            for name, field in _PATHS.items():
                if problem := _path(getattr(auth, field)):
                    yield Finding(("httpAuth", name), problem, index)
        if isinstance(auth, OAuth2) and (problem := _key(auth, environ)):
            yield Finding(("httpAuth", "privateKey"), problem, index)


def _path(text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


def _key(auth: OAuth2, environ: Mapping[str, str] | None) -> str:
    try:
        pem = auth.private_key.read(environ)
    except SecretUnavailable:
        return ""
    try:
        if pem:
            signing(pem)
    except SecretUnavailable as error:
        return str(error)
    return ""

"""One login as the token store sees it: by what it is told apart, and how its token is asked for. Sends nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from forwarder.deliver import headers as told
from forwarder.deliver.auth import login, oauth2
from forwarder.deliver.auth.asking import JSON, Asking
from forwarder.deliver.auth.secret import revealed
from forwarder.deliver.request import Request
from forwarder.settings.auth import Login, OAuth2, TokenAuth
from forwarder.settings.tls import Tls
from forwarder.settings.webhook import Webhook

ASKINGS: Mapping[type, Callable[[Any, float], Asking]] = {Login: login.asking, OAuth2: oauth2.asking}
"""How each form asks for its token, at a time in Unix seconds."""

_ANSWER_BYTES = 64 * 1024
_TIMEOUT, _CONNECT_TIMEOUT = 30.0, 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """`key` is the same exactly where nothing about the login differs, secrets included; `host` is what people may see of its URL."""

    key: str = field(repr=False)
    host: str
    url: str = field(repr=False)
    auth: TokenAuth = field(repr=False)
    tls: Tls = field(repr=False)
    allow_invalid_certs: bool

    def asking(self, now: float) -> Asking:
        """What is sent, at `now` (Unix seconds). Raises SecretUnavailable."""
        return ASKINGS[type(self.auth)](self.auth, now)

    def request(self, asking: Asking) -> Request:
        """With time limits that are the same for all: one webhook's short patience must not fail a login that others wait for."""
        headers = {"User-Agent": told.USER_AGENT, "Accept": JSON, "Content-Type": asking.content_type}
        return Request(
            url=asking.url,
            headers=headers | dict(asking.headers),
            content=asking.content,
            timeout=_TIMEOUT,
            connect_timeout=_CONNECT_TIMEOUT,
            tls=self.tls,
            allow_invalid_certs=self.allow_invalid_certs,
            secret_headers=frozenset(name.lower() for name, _ in asking.headers),
            answer_bytes=_ANSWER_BYTES,
        )


def account_of(webhook: Webhook) -> Account | None:
    """Whose token the webhook's requests carry; None where they carry none. Raises SecretUnavailable.

    The login has the webhook's trust and client certificate. `tls.serverName` is for the webhook's own host only.
    """
    auth = webhook.http_auth
    if not isinstance(auth, TokenAuth):
        return None
    url = auth.url if isinstance(auth, Login) else auth.token_url if isinstance(auth, OAuth2) else ""
    host = urlsplit(url).hostname or ""
    tls, lax = webhook.tls, webhook.allow_invalid_certs
    if tls.server_name and host != urlsplit(webhook.url).hostname:
        tls = tls.model_copy(update={"server_name": None})
    told_apart = [auth.type, revealed(auth), revealed(tls), lax]
    key = hashlib.sha256(json.dumps(told_apart, sort_keys=True).encode()).hexdigest()
    return Account(key, host, url, auth, tls, lax)

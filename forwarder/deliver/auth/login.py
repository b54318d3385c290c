"""`Login`: the request that sends user name and password. Sends nothing itself."""

from __future__ import annotations

import json

from forwarder.deliver.auth.asking import FORM, JSON, Asking, form, header_texts, texts
from forwarder.deliver.auth.secret import required
from forwarder.settings.auth import Login


def asking(auth: Login, now: float) -> Asking:
    """The request at `now` (Unix seconds). Raises SecretUnavailable."""
    password = required(auth.secret, "the login's password")
    said = texts(auth.fields, "the login's field")
    said |= {auth.username_field: auth.username, auth.password_field: password}
    content = form(said) if auth.as_ == "form" else json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
    headers = header_texts(auth.headers)
    return Asking(auth.url, FORM if auth.as_ == "form" else JSON, content, tuple(headers.items()))

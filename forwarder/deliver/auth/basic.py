"""`Basic`: user name and password (RFC 7617)."""

from __future__ import annotations

import base64

from forwarder.deliver.auth.secret import required
from forwarder.settings.webhook import Basic


def headers(auth: Basic) -> list[tuple[str, str]]:
    """`Authorization: Basic ...` in UTF-8. Raises SecretUnavailable."""
    pair = f"{auth.username}:{required(auth.secret, 'Basic authentication')}"
    return [("Authorization", "Basic " + base64.b64encode(pair.encode()).decode("ascii"))]

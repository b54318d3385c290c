"""`Basic`: user name and password (RFC 7617)."""

from __future__ import annotations

import base64

from forwarder.deliver.auth.secret import sendable
from forwarder.settings.auth import Basic


def headers(auth: Basic) -> list[tuple[str, str]]:
    """`Authorization: Basic ...` in UTF-8, without control characters (RFC 7617, section 2). Raises SecretUnavailable."""
    pair = f"{auth.username}:{sendable(auth.secret, 'Basic authentication')}"
    return [("Authorization", "Basic " + base64.b64encode(pair.encode()).decode("ascii"))]

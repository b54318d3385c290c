"""`Bearer`: a token (RFC 6750, section 2.1)."""

from __future__ import annotations

from forwarder.deliver.auth.secret import sendable
from forwarder.settings.auth import Bearer


def headers(auth: Bearer) -> list[tuple[str, str]]:
    """`Authorization: Bearer ...`. Raises SecretUnavailable."""
    return [("Authorization", "Bearer " + sendable(auth.bearer_token, "Bearer authentication"))]

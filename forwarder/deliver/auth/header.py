"""`Header`: a header of the receiver's own choosing."""

from __future__ import annotations

from forwarder.deliver.auth.secret import sendable
from forwarder.settings.auth import HeaderAuth


def headers(auth: HeaderAuth) -> list[tuple[str, str]]:
    """`name: value`. Raises SecretUnavailable."""
    return [(auth.name, sendable(auth.value, f"header {auth.name}"))]

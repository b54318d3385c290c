"""`Unauthenticated`: no header at all."""

from __future__ import annotations

from forwarder.settings.auth import Unauthenticated


def headers(auth: Unauthenticated) -> list[tuple[str, str]]:
    """Nothing."""
    return []

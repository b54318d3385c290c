"""Warnings of client certificates that end soon, or have ended. Never refuses a configuration: time alone must not stop a reload."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.settings.certificates import ENDS_SOON_SECONDS, ending, not_after
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings


def certificates(settings: Settings, now: float) -> Iterator[Finding]:
    """All webhooks, at `now` (Unix seconds)."""
    for index, hook in enumerate(settings.webhooks):
        identity = hook.tls.client_certificate
        end = not_after(identity.certificate_file) if identity else None
        if end is not None and end - now < ENDS_SOON_SECONDS:
            place = ("tls", "clientCertificate", "certificateFile")
            yield Finding(place, f"the certificate {ending(end, now)}", index, Weight.WARNING)

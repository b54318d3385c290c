"""Warnings of client certificates that end soon, or have ended. Never refuses a configuration: time alone must not stop a reload."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from forwarder.settings.certificates import not_after
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings

ENDS_SOON_SECONDS = 14 * 86_400
"""From when on a certificate's end is warned of."""

_HOUR, _DAY = 3600, 86_400


def certificates(settings: Settings, now: float) -> Iterator[Finding]:
    """All webhooks, at `now` (Unix seconds)."""
    for index, hook in enumerate(settings.webhooks):
        identity = hook.tls.client_certificate
        end = not_after(identity.certificate_file) if identity else None
        if end is not None and end - now < ENDS_SOON_SECONDS:
            place = ("tls", "clientCertificate", "certificateFile")
            yield Finding(place, f"the certificate {ending(end, now)}", index, Weight.WARNING)


def ending(end: float, now: float) -> str:
    """`expires in 5 hours, on 2026-01-31 23:59 UTC`, or when it has expired."""
    date = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M UTC")
    left = end - now
    if left <= 0:
        return f"has expired, on {date}: replace it, receivers refuse it"
    amount, unit = (int(left // _DAY), "day") if left >= 2 * _DAY else (int(left // _HOUR), "hour")
    return f"expires in {amount} {unit}{'' if amount == 1 else 's'}, on {date}"

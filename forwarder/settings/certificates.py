"""When a certificate file ends, and how that is said. Reads files; warns nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

ENDS_SOON_SECONDS = 14 * 86_400
"""From when on a certificate's end is warned of."""

_HOUR, _DAY = 3600, 86_400


def not_after(path: str) -> float | None:
    """Unix seconds at which the first certificate of a PEM file (the one that is shown, the rest is its chain) ends; None where
    the file cannot be read or understood, which others complain about."""
    try:
        first = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
        return first.not_valid_after_utc.timestamp()
    except (OSError, ValueError, IndexError, OverflowError):
        return None


def ending(end: float, now: float) -> str:
    """`expires in 5 hours, on 2026-01-31 23:59 UTC`, or when it has expired. Both in Unix seconds."""
    date = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M UTC")
    left = end - now
    if left <= 0:
        return f"has expired, on {date}: replace it, receivers refuse it"
    amount, unit = (int(left // _DAY), "day") if left >= 2 * _DAY else (int(left // _HOUR), "hour")
    return f"expires in {amount} {unit}{'' if amount == 1 else 's'}, on {date}"

"""When a certificate file ends. Reads files; judges nothing."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509


def not_after(path: str) -> float | None:
    """Unix seconds at which the first certificate of a PEM file (the one that is shown, the rest is its chain) ends; None where
    the file cannot be read or understood, which others complain about."""
    try:
        first = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
        return first.not_valid_after_utc.timestamp()
    except (OSError, ValueError, IndexError, OverflowError):
        return None

"""The one severity scale: OCSF `severity_id` 0..6 (https://schema.ocsf.io, attribute severity_id). Holds names, no mapping tables
of vendors (those belong to the presets)."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """0 means unknown or missing; what that counts as is the webhook's `treatMissingSeverityAs`."""

    UNKNOWN = 0
    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5
    FATAL = 6


NAMES: dict[str, int] = {
    "unknown": 0,
    "informational": 1, "information": 1, "info": 1, "debug": 1, "trace": 1,
    "low": 2, "notice": 2,
    "medium": 3, "warning": 3, "warn": 3,
    "high": 4, "error": 4, "err": 4,
    "critical": 5, "crit": 5, "alert": 5,
    "fatal": 6, "emergency": 6, "emerg": 6, "panic": 6,
}  # fmt: skip
"""Names accepted wherever a level is written: OCSF, syslog (RFC 5424), Stalwart and Falco words. Compared in lower case."""

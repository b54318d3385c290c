"""Severity against a level: the one place that knows what a missing severity counts as. Pure; holds no state."""

from __future__ import annotations

from functools import lru_cache

SEVERITIES = range(7)
"""Every severity that an event can carry (OCSF severity_id 0..6; 0 = unknown or missing)."""


def reaches(severity: int, level: int, missing: int | None) -> bool:
    """Whether `severity` is at or above `level`. Severity 0 counts as `missing`; None lets it pass every level."""
    if severity == 0:
        return missing is None or missing >= level
    return severity >= level


@lru_cache(maxsize=128)
def reaching(level: int, missing: int | None) -> tuple[bool, ...]:
    """`reaches` for each of SEVERITIES, as a row to look up in."""
    return tuple(reaches(severity, level, missing) for severity in SEVERITIES)

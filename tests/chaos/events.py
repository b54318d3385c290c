"""The events of a run and what each of them is, in two envelope forms. Every event carries an identity that no other has."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

FAMILIES = ("auth", "file", "net", "proc")
TYPES = tuple(f"{family}.{verb}" for family in FAMILIES for verb in ("allow", "deny", "open", "close"))
TENANTS = tuple(f"t{n}" for n in range(8))
WORDS = ("unknown", "informational", "low", "medium", "high", "critical", "fatal")
"""By severity, 0..6."""

_WEIGHTS = (0, 50, 25, 12, 7, 4, 2)
POISON_EVERY = 400
"""One event in so many is refused by receivers that refuse poison."""


@dataclass(frozen=True)
class Made:
    """An event as the producer knows it."""

    id: str
    type: str
    tenant: str
    severity: int
    poison: bool
    value: bytes


def make(rng: random.Random, identity: str, style: str) -> Made:
    """`style` is `cloudevents` or `standard`."""
    kind, tenant = rng.choice(TYPES), rng.choice(TENANTS)
    severity = rng.choices(range(7), _WEIGHTS)[0]
    poison = rng.randrange(POISON_EVERY) == 0
    pad = "x" * (rng.randrange(2000, 6000) if rng.randrange(60) == 0 else rng.randrange(20, 200))
    data = {"poison": poison, "pad": pad}
    if style == "cloudevents":
        body = {
            "specversion": "1.0", "id": identity, "source": "chaos", "type": kind, "time": "2026-11-22T10:00:00Z",
            "severitytext": WORDS[severity], "tenantid": tenant, "data": data,
        }  # fmt: skip
    else:
        data |= {"tenant": tenant, "severity": WORDS[severity]}
        body = {"type": kind, "timestamp": "2026-11-22T10:00:00Z", "id": identity, "data": data}
    return Made(identity, kind, tenant, severity, poison, json.dumps(body).encode())


GARBAGE: tuple[bytes | None, ...] = (b"no json", b'{"a":"\xff"}', None, b"[" * 5000, b"12 34")
"""Records that nobody can read: they belong into the dead-letter topic."""

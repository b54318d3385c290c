"""The forty webhooks of a run: what each wants (stated twice: for people and judge, and as configuration), how it is delivered,
and what its receiver cannot take. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.events import FAMILIES, TENANTS, TYPES

COUNT = 40
STALWART_KEY = "chaos-key"
STANDARD_KEY = "whsec_Y2hhb3Mtc3RhbmRhcmQtd2ViaG9va3Mta2V5"
TIMEOUT_SECONDS = 3.0

Settings = dict[str, Any]


@dataclass(frozen=True)
class Wants:
    """An event is wanted when it meets all that is not None."""

    types: tuple[str, ...] | None = None
    tenants: tuple[str, ...] | None = None
    min_severity: int | None = None

    def matches(self, kind: str, tenant: str, severity: int) -> bool:
        return (
            (self.types is None or kind in self.types)
            and (self.tenants is None or tenant in self.tenants)
            and (self.min_severity is None or severity >= self.min_severity)
        )


@dataclass(frozen=True)
class Mode:
    """How a group of webhooks is delivered. `most` events per request and `poison` are what its receivers refuse."""

    name: str
    settings: Settings
    discards: bool = False
    most: int = 0
    poison: bool = False


@dataclass(frozen=True)
class Hook:
    """One webhook."""

    name: str
    mode: Mode
    wants: Wants
    filter: Settings = field(hash=False)

    @property
    def concurrency(self) -> int:
        return int(self.mode.settings.get("concurrency", 1))

    def settings(self, url: str) -> Settings:
        """As it stands in Forwarder's configuration."""
        common: Settings = {
            "throttle": "50ms", "maxEvents": 200, "discardAfter": "never", "startAt": "earliest",
            "timeout": f"{TIMEOUT_SECONDS:g}s", "connectTimeout": "2s", "retry": {"base": "200ms", "cap": "2s"},
            "deadLetterLimit": {"inARow": 10, "ratio": 0.2}, "allowPlainHttp": True,
        }  # fmt: skip
        return {"name": self.name, "url": url, **common, **self.filter, **self.mode.settings}

    def facts(self) -> Settings:
        """As it stands in `plan.json`."""
        wants = {
            "types": self.wants.types and list(self.wants.types),
            "tenants": self.wants.tenants and list(self.wants.tenants),
            "min_severity": self.wants.min_severity,
        }
        return {
            "wants": wants, "lossy": bool(self.mode.settings.get("lossy")), "concurrency": self.concurrency,
            "ordered": self.concurrency == 1, "discards": self.mode.discards,
            "records": self.mode.discards and self.mode.settings.get("onDiscard") != "deadLetter", "poison": self.mode.poison,
            "mode": self.mode.name,
        }  # fmt: skip


def _key(text: str) -> Settings:
    return {"@type": "Value", "secret": text}


MODES = (
    Mode("plain", {}),
    Mode("tiny windows", {"maxEvents": 4, "throttle": "5ms"}),
    Mode("concurrent", {"concurrency": 3}),
    Mode("lines, concurrent", {"concurrency": 3, "maxEvents": 20, "payload": {"format": "ndjson"}}),
    Mode("idle gap", {"idleGap": "300ms", "maxWait": "2s"}),
    Mode("long wait", {"throttle": "500ms", "maxWait": "3s"}),
    Mode("small body", {"maxBytes": "4KiB"}),
    Mode("expiring", {"discardAfter": "6s", "onDiscard": "record"}, discards=True),
    Mode("expiring to letters", {"discardAfter": "6s", "onDiscard": "deadLetter"}, discards=True),
    Mode("lossy", {"lossy": True, "maxEvents": 50, "maxBytes": "64KiB", "onDiscard": "record"}, discards=True),
    Mode("gzip", {"compression": "gzip"}),
    Mode("signed", {"signatureKey": _key(STALWART_KEY), "payload": {"format": "stalwart"}}),
    Mode(
        "signed, gzip",
        {
            "signatureKey": _key(STANDARD_KEY), "signature": {"scheme": "standard-webhooks"}, "compression": "gzip",
        },
    ),
    Mode("signed as github", {"signatureKey": _key(STALWART_KEY), "signature": {"scheme": "github"}}),
    Mode("flush level", {"flushLevel": "critical", "throttle": "2s"}),
    Mode("strict throttle", {"strictThrottle": True, "throttle": "300ms", "maxEvents": 100}),
    Mode("refuses large", {"maxEvents": 100}, most=25),
    Mode("refuses poison", {"maxEvents": 100}, poison=True),
    Mode("few attempts", {"retry": {"base": "100ms", "cap": "500ms", "maxAttempts": 4}}, discards=True),
    Mode("lossy, concurrent", {"lossy": True, "concurrency": 3, "maxEvents": 20}, discards=True),
)  # fmt: skip
"""Each is used twice, with different filters."""


def fleet() -> tuple[Hook, ...]:
    """All webhooks, always the same."""
    hooks = []
    for number in range(COUNT):
        mode = MODES[number % len(MODES)]
        wants, written = _everything() if number == 0 else _filters(number)
        hooks.append(Hook(f"h{number:02d}-{mode.name.replace(', ', '-').replace(' ', '-')}", mode, wants, written))
    return tuple(hooks)


def _everything() -> tuple[Wants, Settings]:
    return Wants(), {}


def _filters(number: int) -> tuple[Wants, Settings]:
    """A filter in one of nine ways of writing one; each lets about an eighth of the events through."""
    pair = tuple(sorted({TYPES[number % 16], TYPES[(number * 7 + 3) % 16]}))
    tenant = TENANTS[number % 8]
    half = tuple(sorted({TENANTS[(number + n) % 8] for n in range(4)}))
    family = FAMILIES[number % 4]
    kin = tuple(kind for kind in TYPES if kind.startswith(family))
    listed = ", ".join(f"'{kind}'" for kind in pair)
    choices: tuple[tuple[Wants, Settings], ...] = (
        (Wants(types=pair), {"eventsPolicy": "include", "events": list(pair)}),
        (Wants(tenants=(tenant,)), {"tenants": [tenant]}),
        (Wants(min_severity=4), {"level": "high"}),
        (Wants(kin, half), {"eventsPolicy": "include", "events": [f"{family}.*"], "tenants": list(half)}),
        (Wants(types=pair), {"filter": f"event.type in [{listed}]"}),
        (Wants(None, half, 3), {"filter": "event.severity >= 3", "tenants": list(half)}),
        (Wants(types=pair), {"eventsPolicy": "exclude", "events": [kind for kind in TYPES if kind not in pair]}),
        (Wants(kin, half), {"rules": [{"name": "kin", "events": [f"{family}.*"], "tenants": list(half)}]}),
        (Wants(tenants=(tenant,)), {"filter": f"event.tenant == '{tenant}'"}),
    )
    return choices[number % len(choices)]

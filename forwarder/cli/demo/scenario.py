"""Who receives what in the demo, and the configuration file that says so to Forwarder. Values only; starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from forwarder.cli.behaviour import Behaviour, Dead, Flaky, Ok
from forwarder.cli.demo.events import FALCO, MAIL, SECURITY, Meaning
from forwarder.model.severity import Severity

CLUSTER, GROUP = "demo", "demo"
REBALANCE_SECONDS = 7
"""The embedded broker lets a group wait half of it for further members: short, so that the demo starts soon."""

_SMALL_BATCH = 250
"""A lane holds four batches or 1000 events in memory, whatever is more: within seconds more waits in Kafka, to be read again."""

_RETRY = {"base": "250ms", "cap": "2s"}
"""Quicker than the defaults, for an audience."""


def _everything(_meaning: Meaning) -> bool:
    return True


def _serious(meaning: Meaning) -> bool:
    """What the chat's `level` and `filter` say, said again by hand."""
    return meaning.severity >= Severity.HIGH and meaning.type != "auth.failed"


@dataclass(frozen=True, slots=True)
class Actor:
    """A receiver and its webhook. `healthy`: it must get everything it wants, exactly once. `dead_until_third`: it comes back
    after a third of the time."""

    name: str
    what: str
    scheme: str
    key: str = field(repr=False)
    webhook: Mapping[str, Any]
    behaviour: Behaviour = field(default_factory=Ok)
    wants: Callable[[Meaning], bool] = _everything
    healthy: bool = True
    dead_until_third: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that holds the signature key."""
        return f"DEMO_{self.name.upper()}_KEY"


ACTORS: tuple[Actor, ...] = (
    Actor(
        "siem", "takes everything, verifies every signature", "standard-webhooks",
        "whsec_ZGVtby1zaWVtLWtleS0wMTIzNDU2Nzg5YWJjZGVm",
        {"throttle": "1s", "flushLevel": "critical", "discardAfter": "never", "payload": {"format": "ndjson"},
         "compression": "gzip"},
    ),
    Actor(
        "chat", "only what is serious, one message every 5 s", "stalwart", "demo-chat-key-0123456789",
        {"level": "high", "filter": 'event.type != "auth.failed"', "throttle": "5s", "maxEvents": 500,
         "discardAfter": "never"},
        wants=_serious,
    ),
    Actor(
        "flaky", "answers 503 to three of ten requests", "github", "demo-flaky-key-0123456789",
        {"throttle": "500ms", "discardAfter": "never", "payload": {"format": "stalwart"}},
        behaviour=Flaky(0.3),
    ),
    Actor(
        "dead", "nobody listens, ever", "stalwart", "demo-dead-key-0123456789",
        {"discardAfter": "12s", "maxEvents": _SMALL_BATCH},
        behaviour=Dead(), healthy=False,
    ),
    Actor(
        "returning", "dead at first, then comes back", "standard-webhooks",
        "whsec_ZGVtby1yZXR1cm5pbmctMDEyMzQ1Njc4OWFiY2RlZg==",
        {"discardAfter": "never", "maxEvents": _SMALL_BATCH},
        behaviour=Dead(), dead_until_third=True,
    ),
)  # fmt: skip


def configuration(broker: str, http: str, urls: Mapping[str, str]) -> dict[str, Any]:
    """The configuration file's content. `broker` and `http` are `host:port`; `urls` by webhook."""
    return {
        "kafka": {
            "brokers": [broker], "group": GROUP, "cluster": CLUSTER, "rebalanceTimeout": f"{REBALANCE_SECONDS}s",
            "sessionTimeout": "6s",
        },
        "sources": [
            {"topic": FALCO, "preset": "falco", "startAt": "earliest"},
            {"topic": SECURITY, "preset": "auto", "startAt": "earliest"},
            {"topic": MAIL, "preset": "stalwart", "startAt": "earliest",
             "severityMap": {"auth.failed": "high", "auth.success": "info", "delivery.completed": "info"}},
        ],
        "memory": {"budget": "64MiB"},
        "shutdown": {"drain": "2s"},
        "http": {"listen": http},
        "egress": {"allow": ["127.0.0.0/8"]},
        "webhooks": [_webhook(actor, urls[actor.name]) for actor in ACTORS],
    }  # fmt: skip


def _webhook(actor: Actor, url: str) -> dict[str, Any]:
    return {
        "name": actor.name,
        "url": url,
        "allowPlainHttp": True,
        "retry": _RETRY,
        "signatureKey": {"@type": "EnvironmentVariable", "variableName": actor.variable},
        "signature": {"scheme": actor.scheme},
        **actor.webhook,
    }


def environment() -> dict[str, str]:
    """The secrets, as Forwarder's process gets them."""
    return {actor.variable: actor.key for actor in ACTORS}

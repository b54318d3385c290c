"""Who receives what in the demo, and the configuration file that says so to Forwarder. Values only; starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from forwarder.cli.behaviour import Behaviour, Dead, Flaky, Judging, Ok
from forwarder.cli.demo.events import FALCO, MAIL, SECURITY, Meaning
from forwarder.cli.demo.vendors import (
    Reader,
    pagerduty_read,
    pagerduty_reply,
    plain_read,
    slack_read,
    slack_reply,
    splunk_read,
    splunk_reply,
)
from forwarder.model.severity import Severity

CLUSTER, GROUP = "demo", "demo"
SPLUNK_TOKEN, PAGERDUTY_KEY = "DEMO_SPLUNK_TOKEN", "DEMO_PAGERDUTY_ROUTING_KEY"
"""The environment variables of what these two want beside a signature."""
REBALANCE_SECONDS = 7
"""The embedded broker lets a group wait half of it for further members: short, so that the demo starts soon."""

_SMALL_BATCH = 250
"""A lane holds four batches or 1000 events in memory, whatever is more: within seconds more waits in Kafka, to be read again."""

_RETRY = {"base": "250ms", "cap": "2s"}
"""Quicker than the defaults, for an audience."""


def _everything(_meaning: Meaning) -> bool:
    return True


def _serious(meaning: Meaning) -> bool:
    """What Slack's `level` and `filter` say, said again by hand."""
    return meaning.severity >= Severity.HIGH and meaning.type != "auth.failed"


def _critical(meaning: Meaning) -> bool:
    return meaning.severity >= Severity.CRITICAL


def _from_environment(variable: str) -> dict[str, str]:
    return {"@type": "EnvironmentVariable", "variableName": variable}


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
    read: Reader = plain_read

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
        "slack", "Slack's form: what is serious, a digest every 5 s", "stalwart", "demo-slack-key-0123456789",
        {"level": "high", "filter": 'event.type != "auth.failed"', "throttle": "5s", "maxEvents": 200,
         "discardAfter": "never", "payload": {"format": "slack", "title": "Demo"}},
        wants=_serious, behaviour=Judging(slack_reply), read=slack_read,
    ),
    Actor(
        "splunk", "Splunk's form: everything, under a HEC token", "github", "demo-splunk-key-0123456789",
        {"discardAfter": "never", "compression": "gzip",
         "payload": {"format": "splunk", "sourcetype": "demo", "token": _from_environment(SPLUNK_TOKEN)}},
        behaviour=Judging(splunk_reply), read=splunk_read,
    ),
    Actor(
        "pagerduty", "PagerDuty's form: what is critical, one by one", "github", "demo-pagerduty-key-0123456789",
        {"level": "critical", "discardAfter": "never",
         "payload": {"format": "pagerduty", "routingKey": _from_environment(PAGERDUTY_KEY)}},
        wants=_critical, behaviour=Judging(pagerduty_reply), read=pagerduty_read,
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
        "signatureKey": _from_environment(actor.variable),
        "signature": {"scheme": actor.scheme},
        **actor.webhook,
    }


def environment() -> dict[str, str]:
    """The secrets, as Forwarder's process gets them."""
    return {actor.variable: actor.key for actor in ACTORS} | dict.fromkeys((SPLUNK_TOKEN, PAGERDUTY_KEY), "demo-token")

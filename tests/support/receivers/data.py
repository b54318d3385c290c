"""For each format that is data: its double, and the settings with which a webhook reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.receivers import alerting, logging
from tests.support.receivers.logging import Lines
from tests.support.receivers.strict import Strict
from tests.unit.deliver.make import secret

KEY = secret("k" * 32)
SENTINEL = "/dataCollectionRules/dcr-1/streams/Custom-Events_CL?api-version=2023-01-01"


@dataclass(frozen=True)
class Place:
    """`make` gives a fresh double. `url` is what comes after the host, where the format has no path of its own."""

    make: Callable[[], Strict]
    options: Mapping[str, Any]
    url: str = ""
    bare: bool = False
    """Whether its body has no identity of events."""


PLACES: Mapping[str, Place] = {
    "datadog": Place(logging.Datadog, {"apiKey": KEY}),
    "sentinel": Place(logging.Sentinel, {}, SENTINEL),
    "newrelic": Place(logging.NewRelic, {"licenseKey": KEY}),
    "sumologic": Place(lambda: Lines(path="/receiver/v1/http/T"), {"category": "sec"}, "/receiver/v1/http/T"),
    "cortex": Place(
        lambda: Lines(path="/logs/v1/event", most=25_000_000, header="Authorization", value="k" * 32), {"token": KEY}
    ),
    "secops": Place(
        lambda: Lines(path="/v1/feed:importPushLogs", header="X-goog-api-key", value="k" * 32),
        {"apiKey": KEY},
        "/v1/feed:importPushLogs",
        bare=True,
    ),
    "alertmanager": Place(alerting.Alertmanager, {}),
    "servicenow": Place(alerting.ServiceNow, {}),
    "servicenow-incident": Place(alerting.Incidents, {}),
    "pagerduty": Place(alerting.PagerDuty, {"routingKey": KEY}),
    "jsm": Place(lambda: alerting.Alerts(path="/jsm/ops/integration/v2/alerts"), {"apiKey": KEY}),
    "opsgenie": Place(alerting.Alerts, {"apiKey": KEY}),
    "jira": Place(alerting.Jira, {"project": "SEC"}),
}

"""From a webhook's `payload` to its format: code where there is some, the shape of its file otherwise. Holds no format itself."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.deliver.payload.alerts import Alerts
from forwarder.deliver.payload.cloudevents import CloudEvents
from forwarder.deliver.payload.connectsecure import ConnectSecure
from forwarder.deliver.payload.discord import Discord
from forwarder.deliver.payload.elastic import Elastic
from forwarder.deliver.payload.googlechat import GoogleChat
from forwarder.deliver.payload.json_array import JsonArray
from forwarder.deliver.payload.loki import Loki
from forwarder.deliver.payload.mattermost import Mattermost
from forwarder.deliver.payload.ndjson import Ndjson
from forwarder.deliver.payload.otlp import Otlp
from forwarder.deliver.payload.provider import Provider
from forwarder.deliver.payload.shaped import Shaped
from forwarder.deliver.payload.slack import Slack
from forwarder.deliver.payload.splunk import Splunk
from forwarder.deliver.payload.stalwart import Stalwart
from forwarder.deliver.payload.teams import Teams
from forwarder.deliver.payload.template import Templated
from forwarder.settings.payload import Payload

CODE: Mapping[str, type[Provider]] = {
    "json": JsonArray,
    "ndjson": Ndjson,
    "stalwart": Stalwart,
    "template": Templated,
    "splunk": Splunk,
    "elastic": Elastic,
    "opensearch": Elastic,
    "jsm": Alerts,
    "opsgenie": Alerts,
    "loki": Loki,
    "otlp": Otlp,
    "slack": Slack,
    "teams": Teams,
    "discord": Discord,
    "googlechat": GoogleChat,
    "mattermost": Mattermost,
    "connectsecure": ConnectSecure,
    "cloudevents": CloudEvents,
}
"""Formats whose body or answers are more than data."""


def provider_of(payload: Payload, cluster: str) -> Provider:
    """The format that `payload` asks for. Raises ValueError for a shape or template that cannot be used (refused at load)."""
    return CODE.get(payload.format, Shaped)(payload, cluster)

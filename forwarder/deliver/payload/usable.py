"""Checks at load of what only the formats themselves understand: their options, and URLs that lead elsewhere. Renders nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from forwarder.deliver.payload import chat, cloudevents, connectsecure, elastic, loki, splunk
from forwarder.settings.payload import Payload
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.webhook import Webhook

COMPLAINTS: Mapping[str, Callable[[Payload], Iterator[tuple[str, str]]]] = {
    "splunk": splunk.complaints,
    "elastic": elastic.complaints,
    "opensearch": elastic.complaints,
    "loki": loki.complaints,
    "connectsecure": connectsecure.complaints,
    "cloudevents": cloudevents.complaints,
    **dict.fromkeys(("slack", "teams", "discord", "googlechat", "mattermost"), chat.complaints),
}
"""By format: options that cannot be used, and why."""

_COLLECTOR = "/services/collector"


def formats(settings: Settings) -> Iterator[Finding]:
    """All webhooks."""
    for index, hook in enumerate(settings.webhooks):
        complaints = COMPLAINTS.get(hook.payload.format)
        for option, text in complaints(hook.payload) if complaints else ():
            yield Finding(("payload", option), text, index)
        if text := _wrong_endpoint(hook):
            yield Finding(("url",), text, index, Weight.WARNING)
        if hook.compression == "zstd" and hook.payload.format in COMPLAINTS:
            text = f"{hook.payload.spec.title} understands gzip, and is not known to understand zstd"
            yield Finding(("compression",), text, index, Weight.WARNING)


def _wrong_endpoint(hook: Webhook) -> str:
    """Why the URL's own path does not look like one that takes the format; empty where it does, or where there is none."""
    try:
        path = urlsplit(hook.url).path.rstrip("/")
    except ValueError:
        return ""
    match hook.payload.format:
        case "splunk" if _COLLECTOR in path:
            raw, wanted = path.endswith("/raw"), hook.payload.options["endpoint"] == "raw"
            if raw != wanted:
                return f"{path} does not take what `payload.endpoint: {hook.payload.options['endpoint']}` sends"
        case "elastic" | "opensearch" if path and not path.endswith("/_bulk"):
            return f"{path} does not end in /_bulk, where this format's requests belong"
    return ""

"""Which webhooks' URLs are secrets by themselves: whoever finds one can post there. Judges addresses; hides nothing itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.webhook import Webhook

_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com", "discord.com", "discordapp.com", "chat.googleapis.com")
_DOMAINS = (".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com", ".discord.com")
"""Slack, Discord, Google Chat, and Teams' Workflows, whatever format (such as a template) is sent there."""


def is_secret(hook: Webhook) -> bool:
    """By the payload's format, or by the host."""
    try:
        host = (urlsplit(hook.url).hostname or "").rstrip(".")
    except ValueError:
        host = ""
    spec: ProviderSpec | None = getattr(hook.payload, "spec", None)
    return (spec is not None and spec.secret_url) or host in _HOSTS or host.endswith(_DOMAINS)

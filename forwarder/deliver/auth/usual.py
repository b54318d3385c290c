"""A provider's own credential, as its file says how to send it: for webhooks without `httpAuth`. Keeps no secret."""

from __future__ import annotations

from forwarder.deliver.auth.secret import header_value, sendable
from forwarder.settings.auth import Unauthenticated
from forwarder.settings.secrets import NoSecret
from forwarder.settings.webhook import Webhook


def usual(webhook: Webhook) -> list[tuple[str, str]]:
    """The header; nothing where `httpAuth` is given, or the credential is not. Raises SecretUnavailable."""
    spec = webhook.payload.spec
    if spec.auth is None or not isinstance(webhook.http_auth, Unauthenticated):
        return []
    held = webhook.payload.options.get(spec.auth.option)
    if held is None or isinstance(held, NoSecret):
        return []
    purpose = f"payload.{spec.auth.option}"
    return [(spec.auth.header, header_value(spec.auth.prefix, purpose) + sendable(held, purpose))]

"""Checks of signature keys against their scheme. Never quotes a key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping

from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings
from forwarder.settings.secrets import Secret, SecretUnavailable
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook

PREFIX = "whsec_"
_BYTES = (24, 64)


def signing(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All keys. A key that is not there is another check's finding."""
    for index, hook in enumerate(settings.webhooks):
        if hook.signature and not hook.signature_keys:
            text = "a scheme is chosen, and there is no key: give signatureKey or signature.keys"
            yield Finding(("signature",), text, index)
        if hook.signature and hook.signature.scheme == "standard-webhooks":
            for path, key in _keys(hook):
                if problem := _standard_webhooks(key, environ):
                    yield Finding(path, problem, index)


def _keys(hook: Webhook) -> Iterator[tuple[tuple[Step, ...], Secret]]:
    yield ("signatureKey",), hook.signature_key
    for index, key in enumerate(hook.signature.keys if hook.signature else ()):
        yield ("signature", "keys", index), key


def _standard_webhooks(key: Secret, environ: Mapping[str, str]) -> str:
    """Standard Webhooks specification 1.0.0, "Signature scheme": `whsec_` and base64 of 24 to 64 random bytes."""
    try:
        text = key.read(environ)
    except SecretUnavailable:
        return ""
    if text is None:
        return ""
    if not text.startswith(PREFIX):
        return "a standard-webhooks key starts with `whsec_`, followed by base64 of 24 to 64 bytes"
    try:
        size = len(base64.b64decode(text.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return "what follows `whsec_` is not base64"
    low, high = _BYTES
    return "" if low <= size <= high else f"the key has {size} bytes; standard-webhooks wants {low} to {high}"

"""The public halves of signature keys as a JWK Set (RFC 7517, RFC 8037), for receivers to fetch. Holds nothing private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from forwarder.deliver.sign.asymmetric import AsymmetricKey
from forwarder.deliver.sign.scheme import KeyUnusable
from forwarder.deliver.sign.schemes import scheme_of
from forwarder.deliver.sign.signer import named
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.signature import SigningKey, seconds
from forwarder.settings.webhook import Webhook

LINGER_SECONDS = 3600.0
"""How long a key is still published after its end: what it signed may lie in a receiver's queue."""

_ALGORITHMS = {"Ed25519": "EdDSA", "P-256": "ES256"}


def document(webhooks: Iterable[Webhook], now: float) -> dict[str, Any]:
    """`{"keys": [...]}` at `now` (Unix seconds): keys that sign, that will, and that did a short while ago; each once.

    A key that cannot be read is left out: it signs nothing either.
    """
    found = {(jwk["kid"], jwk["x"]): jwk for webhook in webhooks for jwk in _of(webhook, now)}
    return {"keys": list(found.values())}


def _of(webhook: Webhook, now: float) -> Iterator[dict[str, str]]:
    try:
        scheme = scheme_of(webhook.signature)
    except ValueError:
        return
    for entry in webhook.signing_keys:
        if _over(entry.key, now):
            continue
        try:
            kid, key = named(entry.key, scheme)
        except (KeyUnusable, SecretUnavailable):
            continue
        if isinstance(key, AsymmetricKey):
            yield {**key.jwk, "kid": kid, "alg": _ALGORITHMS[key.jwk["crv"]], "use": "sig"}


def _over(key: SigningKey, now: float) -> bool:
    return key.not_after is not None and now >= seconds(key.not_after) + LINGER_SECONDS

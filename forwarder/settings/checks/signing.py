"""Checks of signatures: keys, their times, and what a scheme can be told. Never quotes a key."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from forwarder.settings.checks.headers import CONTROL, foreign
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.signature import KeyState, Named, Signature, seconds
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook

EXPIRES_SOON_DAYS = 14
"""A key that ends within this time is warned of at every load."""

PREFIX, PRIVATE = "whsec_", "whsk_"
_BYTES = (24, 64)
_DAY = 86_400
_SHAPES = frozenset({"custom", "sift", "sift-stack"})
_USED_BY: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("encoding", "content", "header", "value", "separator"), _SHAPES),
    **dict.fromkeys(("timestamp_header", "id_header", "sent_at_header", "timestamp_unit"), _SHAPES),
    **dict.fromkeys(("algorithm", "key_encoding"), _SHAPES | {"rfc9421"}),
    **dict.fromkeys(("components", "expires", "nonce", "tag"), frozenset({"rfc9421"})),
}
"""The schemes that look at a field; for all others it would be a mistake that nobody notices."""
_HEADERS = ("header", "timestamp_header", "id_header", "sent_at_header")
_DERIVED = frozenset({"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"})
_ALWAYS_SENT = frozenset({
    "content-digest", "content-length", "content-type", "user-agent", "forwarder-batch-id", "forwarder-attempt",
    "forwarder-events", "forwarder-offsets", "forwarder-cluster",
})  # fmt: skip
_FIELD = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


def signing(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All webhooks. A key that is not there is another check's finding."""
    for index, hook in enumerate(settings.webhooks):
        if hook.signature is None:
            continue
        if not hook.signing_keys:
            text = "a scheme is chosen, and there is no key: give signatureKey or signature.keys"
            yield Finding(("signature",), text, index)
        problems = [
            *_keys(hook),
            *_unused(hook.signature),
            *_names(hook, hook.signature),
            *_covered(hook, hook.signature),
        ]
        if hook.signature.scheme == "standard-webhooks":
            problems += [(key.path, text) for key in hook.signing_keys if (text := _standard_webhooks(key, environ))]
        for path, text in problems:
            yield Finding(path, text, index)


def expiring(settings: Settings, now: float) -> Iterator[Finding]:
    """Warnings of keys that end soon, and of webhooks that no key is valid for at `now` (Unix seconds)."""
    for index, hook in enumerate(settings.webhooks):
        keys = hook.signing_keys
        if keys and not any(named.key.state(now) is KeyState.ACTIVE for named in keys):
            text = "no key is valid now: nothing is sent until one is (notBefore, notAfter)"
            yield Finding(("signature", "keys"), text, index, Weight.WARNING)
        for named in keys:
            end = seconds(named.key.not_after) if named.key.not_after else None
            if end is not None and now < end < now + EXPIRES_SOON_DAYS * _DAY:
                told = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                text = f"this key expires at {told}, within {EXPIRES_SOON_DAYS} days: add the next one before it in the list"
                yield Finding((*named.path, "notAfter"), text, index, Weight.WARNING)


Problem = tuple[tuple[Step, ...], str]


def _keys(hook: Webhook) -> Iterator[Problem]:
    counted = Counter(named.key.id for named in hook.signing_keys if named.key.id)
    for named in hook.signing_keys:
        if named.key.id and counted[named.key.id] > 1:
            yield (*named.path, "id"), "another key of this webhook has the same id; each needs its own"
        begin, end = named.key.not_before, named.key.not_after
        if begin and end and seconds(begin) >= seconds(end):
            yield (*named.path, "notAfter"), "must be later than notBefore: this key would never sign"


def _unused(signature: Signature) -> Iterator[Problem]:
    for name, schemes in _USED_BY.items():
        if name in signature.model_fields_set and signature.scheme not in schemes:
            text = f"is for the schemes {', '.join(sorted(schemes))}; {signature.scheme} takes no notice of it"
            yield ("signature", _alias(name)), text


def _names(hook: Webhook, signature: Signature) -> Iterator[Problem]:
    """The headers that a shaped scheme writes."""
    own = {name.lower() for name in hook.http_headers}
    seen: set[str] = set()
    for field in ("value", "separator"):
        if CONTROL.search(getattr(signature, field) or ""):
            yield ("signature", field), "holds a line break or another control character, which no header may"
    for field in _HEADERS:
        name = getattr(signature, field)
        if name is None or signature.scheme not in _SHAPES:
            continue
        place = ("signature", _alias(field))
        if why := foreign(name):
            yield place, f"this header {why}; choose another"
        elif name.lower() in own:
            yield place, "httpHeaders sets this header too; remove one of the two"
        elif name.lower() in seen:
            yield place, "is written twice: two fields name the same header"
        seen.add(name.lower())


def _covered(hook: Webhook, signature: Signature) -> Iterator[Problem]:
    """What an RFC 9421 signature covers is there in every request."""
    if signature.scheme != "rfc9421":
        return
    sent = _ALWAYS_SENT | {name.lower() for name in hook.http_headers}
    sent |= {"content-encoding"} if hook.compression != "none" else set()
    for index, name in enumerate(signature.components):
        place = ("signature", "components", index)
        if signature.components.index(name) != index:
            yield place, "is listed twice"
        elif name.startswith("@") and name not in _DERIVED:
            yield (
                place,
                f"is no component that is known here; known: {' '.join(sorted(_DERIVED))}, and names of headers",
            )
        elif not name.startswith("@") and not _FIELD.fullmatch(name):
            yield place, "header names are written in lower case here (RFC 9421, section 2.1)"
        elif not name.startswith("@") and name not in sent:
            yield place, f"this header is not in every request; those that are: {' '.join(sorted(sent))}"
    if "content-digest" not in signature.components:
        yield ("signature", "components"), "must hold content-digest: without it anybody may change the body"


def _alias(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _standard_webhooks(named: Named, environ: Mapping[str, str]) -> str:
    """Standard Webhooks specification 1.0.0, "Signature scheme": `whsec_` and base64 of 24 to 64 random bytes, or `whsk_`."""
    try:
        text = named.key.key.read(environ)
    except SecretUnavailable:
        return ""
    if text is None or text.startswith((PRIVATE, "-----BEGIN")):
        return ""
    if not text.startswith(PREFIX):
        return "a standard-webhooks key starts with `whsec_`, followed by base64 of 24 to 64 bytes, or with `whsk_` (Ed25519)"
    try:
        size = len(base64.b64decode(text.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return "what follows `whsec_` is not base64"
    low, high = _BYTES
    return "" if low <= size <= high else f"the key has {size} bytes; standard-webhooks wants {low} to {high}"

"""The table of signature schemes, and what a configuration makes of it. A new scheme is a new row; the engine knows none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.scheme import Algorithm, Encoding, KeyForm, Scheme, Unit
from forwarder.deliver.sign.template import Piece, parse
from forwarder.settings.signature import Signature

_SHA256 = Algorithm.HMAC_SHA256
_BODY = (Piece.BODY,)

STALWART = Scheme(
    name="stalwart",
    content=_BODY,
    signature_header="X-Signature",
    encoding=Encoding.BASE64,
    prefixes={_SHA256: ""},
)
"""`X-Signature: base64(HMAC(key, body))` (Stalwart manual, "Webhooks")."""

STANDARD_WEBHOOKS = Scheme(
    name="standard-webhooks",
    content=(Piece.ID, ".", Piece.TIMESTAMP, ".", Piece.BODY),
    signature_header="Webhook-Signature",
    encoding=Encoding.BASE64,
    prefixes={_SHA256: "v1,", Algorithm.ED25519: "v1a,"},
    key_form=KeyForm.WHSEC,
    separator=" ",
    id_header="Webhook-Id",
    timestamp_header="Webhook-Timestamp",
)
"""Standard Webhooks specification 1.0.0: `v1` with `whsec_` keys, `v1a` with `whsk_` keys; both may sign one request."""

GITHUB = Scheme(
    name="github",
    content=_BODY,
    signature_header="X-Hub-Signature-256",
    encoding=Encoding.HEX,
    prefixes={_SHA256: "sha256="},
)
"""`X-Hub-Signature-256: sha256=hex` (GitHub Docs, "Validating webhook deliveries")."""

STRIPE = Scheme(
    name="stripe",
    content=(Piece.TIMESTAMP, ".", Piece.BODY),
    signature_header="Stripe-Signature",
    encoding=Encoding.HEX,
    prefixes={_SHA256: "v1="},
    head=("t=", Piece.TIMESTAMP, ","),
    separator=",",
)
"""`Stripe-Signature: t=...,v1=hex[,v1=hex]`; the key is used whole, `whsec_` included (Stripe Docs, "Verify signatures manually")."""

SLACK = Scheme(
    name="slack",
    content=("v0:", Piece.TIMESTAMP, ":", Piece.BODY),
    signature_header="X-Slack-Signature",
    encoding=Encoding.HEX,
    prefixes={_SHA256: "v0="},
    timestamp_header="X-Slack-Request-Timestamp",
)
"""`X-Slack-Signature: v0=hex` over `v0:timestamp:body` (Slack, "Verifying requests from Slack")."""

SIFT = Scheme(
    name="sift",
    content=_BODY,
    signature_header="X-Sift-Science-Signature",
    encoding=Encoding.HEX,
    prefixes={_SHA256: "sha256="},
)
"""`X-Sift-Science-Signature: sha256=hex` (or `sha1=`) over the body (sift.com, "How to use webhook notifications")."""

SIFT_STACK = Scheme(
    name="sift-stack",
    content=_BODY,
    signature_header="X-Sift-Signature",
    encoding=Encoding.HEX,
    prefixes={_SHA256: ""},
)
"""`X-Sift-Signature`: HMAC-SHA256 over the body (docs.siftstack.com, API reference of WebhookService, "CreateWebhookSignatureKey").
How it is written, and whether `sentAt` takes part, is not public: hex is our choice, and all of it can be configured."""

SCHEMES: Mapping[str, Scheme | HttpSignature] = {
    scheme.name: scheme
    for scheme in (STALWART, STANDARD_WEBHOOKS, GITHUB, STRIPE, SLACK, SIFT, SIFT_STACK, HttpSignature())
}
"""Those that need nothing but a key."""

SHAPED = frozenset({"custom", "sift", "sift-stack"})
"""Schemes whose content and headers can be configured."""

_VARIABLES = frozenset(Piece) - {Piece.SIGNATURE, Piece.BODY}
_ENCODINGS = {"hex": Encoding.HEX, "base64": Encoding.BASE64, "base64url": Encoding.BASE64URL}


def scheme_of(signature: Signature | None) -> Scheme | HttpSignature:
    """What a webhook's settings ask for. Raises ValueError with the field and what is wrong with it."""
    if signature is None:
        return STALWART
    if signature.scheme == "rfc9421":
        return _http(signature)
    if signature.scheme not in SHAPED:
        found = SCHEMES[signature.scheme]
        return found
    base = SCHEMES.get(signature.scheme)
    return _shaped(signature, base if isinstance(base, Scheme) else _custom(signature))


def _custom(signature: Signature) -> Scheme:
    if signature.header is None:
        raise ValueError("header: is missing; it names the header that holds the signature")
    return replace(STALWART, name="custom", signature_header=signature.header, encoding=Encoding.HEX)


def _shaped(signature: Signature, base: Scheme) -> Scheme:
    head, tail = _value(signature, base)
    return replace(
        base,
        content=_parsed("content", signature.content, _VARIABLES | {Piece.BODY}) if signature.content else base.content,
        signature_header=signature.header or base.signature_header,
        encoding=_ENCODINGS[signature.encoding] if signature.encoding else base.encoding,
        prefixes=_prefixes(signature, base),
        key_form=KeyForm(signature.key_encoding),
        head=head,
        tail=tail,
        separator=signature.separator,
        id_header=signature.id_header,
        timestamp_header=signature.timestamp_header,
        sent_at_header=signature.sent_at_header,
        unit=Unit(signature.timestamp_unit),
    )


def _prefixes(signature: Signature, base: Scheme) -> Mapping[Algorithm, str]:
    algorithm = Algorithm(signature.algorithm or "hmac-sha256")
    if signature.scheme != "sift" or signature.value is not None:
        return {algorithm: ""}
    written = {_SHA256: "sha256=", Algorithm.HMAC_SHA1: "sha1="}.get(algorithm)
    if written is None:
        raise ValueError("algorithm: sift knows hmac-sha256 and hmac-sha1")
    return {algorithm: written}


def _value(signature: Signature, base: Scheme) -> tuple[tuple[str | Piece, ...], tuple[str | Piece, ...]]:
    """What stands before and after the signatures in their header."""
    if signature.value is None:
        return base.head, base.tail
    parts = _parsed("value", signature.value, _VARIABLES | {Piece.SIGNATURE})
    if parts.count(Piece.SIGNATURE) != 1:
        raise ValueError("value: must hold {signature} once")
    at = parts.index(Piece.SIGNATURE)
    return parts[:at], parts[at + 1 :]


def _parsed(field: str, text: str, allowed: frozenset[Piece]) -> tuple[str | Piece, ...]:
    try:
        return parse(text, allowed)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _http(signature: Signature) -> HttpSignature:
    return HttpSignature(
        algorithm=Algorithm(signature.algorithm) if signature.algorithm else None,
        components=signature.components,
        expires=signature.expires,
        nonce=signature.nonce,
        tag=signature.tag,
        key_form=KeyForm(signature.key_encoding),
    )

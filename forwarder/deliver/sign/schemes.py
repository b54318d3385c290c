"""The table of signature schemes. A new scheme is a new row; the engine knows none of them."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.deliver.sign.scheme import Encoding, Piece, Scheme, plain_key, whsec_key

STALWART = Scheme(
    name="stalwart",
    content=(Piece.BODY,),
    signature_header="X-Signature",
    encoding=Encoding.BASE64,
    decode_key=plain_key,
)
"""`X-Signature: base64(HMAC(key, body))` (Stalwart manual, "Webhooks")."""

STANDARD_WEBHOOKS = Scheme(
    name="standard-webhooks",
    content=(Piece.ID, b".", Piece.TIMESTAMP, b".", Piece.BODY),
    signature_header="Webhook-Signature",
    encoding=Encoding.BASE64,
    decode_key=whsec_key,
    prefix="v1,",
    separator=" ",
    id_header="Webhook-Id",
    timestamp_header="Webhook-Timestamp",
)
"""Standard Webhooks specification 1.0.0, symmetric signatures `v1`."""

GITHUB = Scheme(
    name="github",
    content=(Piece.BODY,),
    signature_header="X-Hub-Signature-256",
    encoding=Encoding.HEX,
    decode_key=plain_key,
    prefix="sha256=",
)
"""`X-Hub-Signature-256: sha256=hex` (GitHub Docs, "Validating webhook deliveries")."""

SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in (STALWART, STANDARD_WEBHOOKS, GITHUB)}

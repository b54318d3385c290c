"""Reads what a webhook was sent, and checks its signature, by the formats' and schemes' own documents.

Shares no code with Forwarder."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from typing import Any

from tests.chaos.http import Request


class Unreadable(Exception):
    """The body is not what the format says."""


def events_of(form: str, request: Request) -> list[dict[str, Any]]:
    """The producers' own events, in order. `form` is `json`, `ndjson` or `stalwart`. Raises Unreadable."""
    try:
        packed = request.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(request.body) if packed else request.body
        if form == "ndjson":
            return [json.loads(line) for line in body.splitlines()]
        found = json.loads(body)
        return [entry["data"] for entry in found["events"]] if form == "stalwart" else list(found)
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from None


def signature_ok(spec: dict[str, str] | None, request: Request) -> bool:
    """True for a webhook that is not signed. `spec` holds `scheme` and `key`."""
    if spec is None:
        return True
    headers, key = request.headers, spec["key"]
    match spec["scheme"]:
        case "github":
            return _same("sha256=" + _mac(key.encode(), request.body).hex(), headers.get("x-hub-signature-256", ""))
        case "standard-webhooks":
            content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + request.body
            made = "v1," + base64.b64encode(_mac(base64.b64decode(key.removeprefix("whsec_")), content)).decode()
            return made in headers.get("webhook-signature", "").split()
    return _same(base64.b64encode(_mac(key.encode(), request.body)).decode(), headers.get("x-signature", ""))


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first, second)

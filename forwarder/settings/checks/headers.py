"""Checks of the headers that webhooks add. Never quotes a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CONNECTION = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
})  # fmt: skip
"""Headers of the connection itself (RFC 9110 and 9112): wrong ones break it, or smuggle a second request."""
_WRITTEN = frozenset({
    "content-type", "content-encoding", "x-signature", "x-hub-signature-256", "webhook-id", "webhook-timestamp",
    "webhook-signature", "stripe-signature", "x-slack-signature", "x-slack-request-timestamp", "x-sift-science-signature",
    "x-sift-signature", "content-digest", "signature", "signature-input", "traceparent", "tracestate",
})  # fmt: skip
"""Headers that the payload, the signature schemes and tracing write."""
_NEVER_SIGNATURES = frozenset(
    {"content-type", "content-encoding", "content-digest", "authorization", "cookie", "user-agent"}
)
_OURS = "forwarder-"


def reserved(name: str) -> str | None:
    """Why a header may not be set, None when it may."""
    lower = name.lower()
    if lower in _CONNECTION or lower.startswith("proxy-"):
        return "belongs to the connection"
    if lower in _WRITTEN or lower.startswith(_OURS):
        return "is written by Forwarder"
    return None


def foreign(name: str) -> str | None:
    """Why a signature may not be written into a header, None when it may."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        return "is no header name (RFC 9110: letters, digits and !#$%&'*+-.^_`|~)"
    if lower in _CONNECTION or lower.startswith("proxy-"):
        return "belongs to the connection"
    if lower in _NEVER_SIGNATURES or lower.startswith(_OURS):
        return "has a meaning of its own"
    return None


def headers(settings: Settings) -> Iterator[Finding]:
    """All headers of all webhooks."""
    for index, hook in enumerate(settings.webhooks):
        seen: set[str] = set()
        for name, value in hook.http_headers.items():
            for text in header_problems(name, value if isinstance(value, str) else "", seen):
                yield Finding(("httpHeaders", name), text, index)
            seen.add(name.lower())


def header_problems(name: str, value: str, seen: set[str]) -> Iterator[str]:
    """What is wrong with a header; `seen` are the names, in lower case, that are set already."""
    if not _TOKEN.fullmatch(name):
        yield "is no header name (RFC 9110: letters, digits and !#$%&'*+-.^_`|~)"
    elif why := reserved(name):
        yield f"this header {why} and cannot be set; remove it"
    elif name.lower() in seen:
        yield "is here twice: header names do not differ by case"
    if CONTROL.search(value):
        yield "the value holds a line break or another control character, which no header may"

"""A request as people may see it: secrets blotted out. Pure text; used by `send-test` and for what receivers echo."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from forwarder.deliver.request import Request
from forwarder.model.attempt import Response

BLOT = "***"
_SHORTEST_SECRET = 4  # blotting out shorter ones would only shred the text
_ALWAYS_SECRET = frozenset({"authorization", "proxy-authorization", "cookie"})


def shown_url(url: str, secret: bool = False) -> str:
    """The URL without user name, password, query values and fragment: these often hold tokens. Of a `secret` one only the host."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if secret and parts.path not in ("", "/"):
        return f"{parts.scheme}://{host}/{BLOT}"
    return f"{parts.scheme}://{host}{parts.path or '/'}" + (f"?{BLOT}" if parts.query else "")


def shown_headers(request: Request) -> dict[str, str]:
    """The headers, secret ones blotted out."""
    hidden = request.secret_headers | _ALWAYS_SECRET
    return {name: BLOT if name.lower() in hidden else value for name, value in request.headers.items()}


def describe(request: Request, body: bytes, limit: int = 2000) -> str:
    """The request as text: first line, headers, at most `limit` bytes of `body` (before compression)."""
    lines = [f"POST {shown_url(request.url, request.secret_url)}"]
    lines += [f"{name}: {value}" for name, value in shown_headers(request).items()]
    text = body[:limit].decode("utf-8", "replace")
    more = len(body) - limit
    return "\n".join([*lines, "", text + (f" ... and {more} bytes more" if more > 0 else "")])


def blotted(text: str, secrets: Iterable[str]) -> str:
    """The text with our own secrets blotted out, also where they stand in JSON."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, BLOT).replace(json.dumps(secret)[1:-1], BLOT)
    return text


def scrubbed(response: Response, secrets: Iterable[str]) -> Response:
    """The answer with our own secrets blotted out, wherever the receiver echoes them."""
    words = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    body, headers = response.body, dict(response.headers)
    for word in words:
        body = body.replace(word.encode(), BLOT.encode())
        headers = {name: value.replace(word, BLOT) for name, value in headers.items()}
    return replace(response, body=body, headers=headers)

"""What a login's answer says: the token and its lifetime, or why there is none. Pure; its texts never quote an answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from forwarder.deliver.auth.path import Step, find, parse
from forwarder.deliver.retry_after import retry_after
from forwarder.model.attempt import Response
from forwarder.settings.auth import TokenAuth

_NAMES = ("access_token", "accessToken", "token", "jwt")
_AROUND: tuple[tuple[Step, ...], ...] = ((), ("data",), ("result",))
_USUAL: tuple[tuple[Step, ...], ...] = tuple((*around, name) for around in _AROUND for name in _NAMES)
_PASSING = frozenset({408, 425, 429})
_SENDABLE = re.compile(r"[\x20-\x7e]{1,16384}")
_MILLISECONDS_FROM = 1e11
_LONGEST_WISH = 3600.0
_OAUTH_ERRORS = frozenset({
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
    "invalid_target", "access_denied", "server_error", "temporarily_unavailable",
})  # fmt: skip
"""RFC 6749, sections 4.1.2.1 and 5.2; RFC 8707. Only these words are repeated: an answer may hold anything."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and how many seconds it holds."""

    token: str = field(repr=False)
    lifetime: float


@dataclass(frozen=True, slots=True)
class Refused:
    """No token. `passing`: it may work later without anybody's help. `after` is the server's own wish in seconds."""

    text: str
    passing: bool = False
    after: float = 0.0


def read(auth: TokenAuth, response: Response, now_wall: float) -> Granted | Refused:
    """Judge an answer. `now_wall` (Unix seconds) stands in for a server that does not tell its own time."""
    status = response.status
    if not 200 <= status <= 299:
        passing = status in _PASSING or status >= 500
        wish = retry_after(response.headers.get("retry-after"), now_wall=now_wall, cap=_LONGEST_WISH)
        return Refused(f"answered {status}{_why(response)}", passing, (wish or 0.0) if passing else 0.0)
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return Refused(f"answered {status}, and what it said is not JSON, or too long")
    for path in (parse(auth.token_path),) if auth.token_path else _USUAL:
        found = find(document, path)
        if isinstance(found, str) and _SENDABLE.fullmatch(found):
            return Granted(found, _lifetime(auth, document, path, response, now_wall))
        if found is not None:
            return Refused(f"answered {status}, and what stands in the token's place is no token")
    return Refused(f"answered {status} without a token{f' at {auth.token_path}' if auth.token_path else ''}")


def _why(response: Response) -> str:
    if 300 <= response.status <= 399:
        return ", a redirect, which is not followed"
    try:
        word = find(json.loads(response.body), ("error",))
    except (ValueError, RecursionError):
        return ""
    return f" ({word})" if isinstance(word, str) and word in _OAUTH_ERRORS else ""


def _lifetime(auth: TokenAuth, document: Any, path: tuple[Step, ...], response: Response, now_wall: float) -> float:
    if auth.expires_at_path:
        at = _moment(find(document, parse(auth.expires_at_path)))
        if at is not None:
            return at - _server_time(response, now_wall)
    seconds = (_number(find(document, place)) for place in _durations(auth, path))
    return next((found for found in seconds if found is not None), auth.lifetime)


def _durations(auth: TokenAuth, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if auth.expires_in_path:
        yield parse(auth.expires_in_path)
    elif path:
        yield from ((*path[:-1], name) for name in ("expires_in", "expiresIn"))


def _number(value: Any) -> float | None:
    """A number, also one that is written as text; None for anything else, and for what is no amount of time."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: Any) -> float | None:
    """Unix seconds."""
    number = _number(value)
    if number is not None:
        return number / 1000 if number >= _MILLISECONDS_FROM else number
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found.timestamp() if found and found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _server_time(response: Response, now_wall: float) -> float:
    """The server's own clock: what its moments are measured by (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return now_wall

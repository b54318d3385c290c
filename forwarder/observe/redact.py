"""Keeps secrets out of everything that people read: known values, telling names, URLs, credentials. Never raises.

Cost grows with the text and not with the number of secrets: a thousand webhooks have thousands of them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

MASK = "***"
_START = 4
"""Secrets are looked up by their first characters. Shorter ones are masked only where they are the whole text."""

_DEPTH = 8
_SHORT_TEXT = 64
_REMEMBERED = 4096
"""Texts of at most `_SHORT_TEXT` characters whose masked form is remembered: names, classes, states."""

_NAME = re.compile(
    r"(?i)(authorization|cookie|secret|passw|token|credential|api[_-]?key|signature[_-]?key|private[_-]?key)"
)
_HARMLESS_NAME = re.compile(r"(?i)(file|path|name|errors?|available)$")
_URL = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)(?P<user>[^\s/?#]*@)?(?P<rest>[^\s?#\"'<>]*)(?P<query>\?[^\s#\"'<>]*)?"
)
_SCHEME = re.compile(r"\b((?i:basic|bearer))\s+(?=\S*[\d=+/_]|\S+[A-Z]|\S{16})[A-Za-z0-9+/._~=-]{4,}")
"""Credentials of RFC 7617 and RFC 6750; a word of prose (`Basic authentication`) looks different."""
_WEBHOOK_KEY = re.compile(r"whsec_[A-Za-z0-9+/=_-]{4,}")
_ASSIGNED = re.compile(
    r"(?i)(?<![/.\w-])([\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|authorization|cookie)[\"']?\s*[=:]\s*)"
    r"(b?\"[^\"]*\"|b?'[^']*'|[^\s,;&\"')}\]]+)"
)


class Redactor:
    """Knows the secrets of one process. Secrets may be registered at any time, from any thread."""

    def __init__(self) -> None:
        self._by_start: dict[str, tuple[str, ...]] = {}
        self._short: set[str] = set()
        self._secrets: set[str] = set()
        self._seen: dict[str, str] = {}

    def register(self, secret: str) -> None:
        """From now on `secret` is masked, also where it is percent-encoded, in base64 or in a quoted string.

        Registering it again costs one look-up, so it may be done at every reading.
        """
        if secret in self._secrets:
            return
        self._secrets.add(secret)
        for form in _forms(secret):
            if len(form) < _START:
                self._short.add(form)
                continue
            known = self._by_start.get(form[:_START], ())
            if form not in known:
                self._by_start[form[:_START]] = tuple(sorted({*known, form}, key=len, reverse=True))
        self._seen = {}

    def knows(self, secret: str) -> bool:
        """Whether it was registered."""
        return secret in self._secrets

    def forget(self, secret: str) -> None:
        """`secret` is none any more: for tokens, of which there is no end."""
        self._secrets.discard(secret)
        for form in set(_forms(secret)) - self._secrets:
            self._short.discard(form)
            left = tuple(known for known in self._by_start.pop(form[:_START], ()) if known != form)
            if left:
                self._by_start[form[:_START]] = left

    def text(self, text: str) -> str:
        """`text` with every secret masked. Short texts come again and again, so what became of them is remembered."""
        if len(text) > _SHORT_TEXT:
            return self._masked(text)
        seen = self._seen
        masked = seen.get(text)
        if masked is None:
            masked = self._masked(text)
            if len(seen) >= _REMEMBERED:
                seen.clear()
            seen[text] = masked
        return masked

    def _masked(self, text: str) -> str:
        if text in self._short:
            return MASK
        text = self._known(text) if self._by_start else text
        if "://" in text:
            text = _URL.sub(_bare_url, text)
        text = _WEBHOOK_KEY.sub(MASK, _SCHEME.sub(rf"\1 {MASK}", text))
        return _ASSIGNED.sub(rf"\1{MASK}", text) if "=" in text or ":" in text else text

    def value(self, value: Any, depth: int = 0) -> Any:
        """`value` with every secret in it masked; what is nested too deeply is left out."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= _DEPTH:
            return "..."
        if isinstance(value, Mapping):
            return {key: self.named(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth + 1) for item in value]
        return self.text(_shown(value))

    def named(self, name: str, value: Any, depth: int = 0) -> Any:
        """The value of a field: masked whole where the name tells that it is a secret."""
        if isinstance(value, str | bytes) and value and tells(name):
            return MASK
        return self.value(value, depth)

    def _known(self, text: str) -> str:
        """One pass: at each place only the secrets that start with the characters there are tried, longest first."""
        parts, done, at = [], 0, 0
        while at <= len(text) - _START:
            for secret in self._by_start.get(text[at : at + _START], ()):
                if text.startswith(secret, at):
                    parts += [text[done:at], MASK]
                    at = done = at + len(secret)
                    break
            else:
                at += 1
        return "".join([*parts, text[done:]]) if parts else text


def tells(name: str) -> bool:
    """Whether the name of a field or header says that its value is a secret (`tokenFile` and the like do not)."""
    return bool(_NAME.search(name)) and not _HARMLESS_NAME.search(name)


def _bare_url(match: re.Match[str]) -> str:
    """Without user information (RFC 3986 section 3.2.1) and query: both are used to carry keys."""
    user = f"{MASK}@" if match["user"] else ""
    query = f"?{MASK}" if match["query"] else ""
    return match["scheme"] + user + match["rest"] + query


def _forms(secret: str) -> Iterator[str]:
    if secret:
        raw = secret.encode("utf-8", "surrogatepass")
        yield secret
        yield quote(raw, safe="")
        yield base64.b64encode(raw).decode()
        yield json.dumps(secret)[1:-1]
        yield repr(secret)[1:-1]


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # a foreign object that cannot even be shown must not end the worker
        return f"<{type(value).__name__}>"


SECRETS = Redactor()
"""The process's own: logging is one per process, so what it must hide is too."""

register_secret = SECRETS.register
"""Call it whenever a secret was read."""

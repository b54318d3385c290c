"""Settings as plain data that may be shown: names as in files, every default filled in, secrets as fingerprints."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

from forwarder.settings import secreturls
from forwarder.settings.auth import TokenAuth
from forwarder.settings.payload import MODELS
from forwarder.settings.process import Settings
from forwarder.settings.secrets import ValueSecret, fingerprint
from forwarder.settings.types import Model
from forwarder.settings.webhook import Webhook

_HEADERS = "http_headers"
_OF_LOGINS = frozenset({"fields", "headers", "params"})
"""Mappings of a login whose values may be keys, though they are written as plain text: as headers are."""


def redacted(value: Any, field: str = "") -> Any:
    """Any setting as dicts, lists and scalars. `field` is the attribute's name, which says what must be hidden."""
    if isinstance(value, ValueSecret):
        return {"@type": "Value", "secret": _mark(value.secret.get_secret_value())}
    if isinstance(value, Model):
        named = ((info.alias or name, name) for name, info in type(value).model_fields.items())
        login = isinstance(value, TokenAuth)
        kinds = ((alias, name, _HEADERS if login and name in _OF_LOGINS else name) for alias, name in named)
        shown = {alias: redacted(getattr(value, name), kind) for alias, name, kind in kinds}
        return shown | (
            {"url": _host_only(value.url)} if isinstance(value, Webhook) and secreturls.is_secret(value) else {}
        )
    if isinstance(value, dict):
        hide = field == _HEADERS
        return {k: _mark(v) if hide and isinstance(v, str) else redacted(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [redacted(item) for item in value]
    if isinstance(value, str) and field in ("url", "proxy", "token_url"):
        return redacted_url(value)
    return "never" if value == math.inf else value


def redacted_url(url: str) -> str:
    """The URL with user, password, query and fragment as fingerprints: each may hold a token."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _mark(url)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{_mark(user)}@{host}" if at else host
    query = _mark(parts.query) if parts.query else ""
    return urlunsplit((parts.scheme, netloc, parts.path, query, _mark(parts.fragment) if parts.fragment else ""))


def _host_only(url: str) -> str:
    """A URL that is a secret by itself: scheme and host, and a fingerprint of the rest."""
    parts = urlsplit(redacted_url(url))
    return f"{parts.scheme}://{parts.netloc}/{_mark(url)}"


def _mark(secret: str) -> str:
    return f"sha256:{fingerprint(secret)}"


def as_json(settings: Settings) -> str:
    """The normalised configuration as JSON, indented."""
    return json.dumps(redacted(settings), indent=2, ensure_ascii=False)


def as_yaml(settings: Settings) -> str:
    """The normalised configuration as YAML."""
    text: str = yaml.safe_dump(redacted(settings), sort_keys=False, allow_unicode=True, width=120)
    return text


def webhook_fingerprint(hook: Webhook) -> str:
    """16 hexadecimal digits that change when any field of the webhook does, or its payload format where that is the user's own
    (a secret file's content is no field)."""
    spec = None if hook.payload.format in MODELS else getattr(hook.payload, "spec", None)
    canonical = json.dumps([redacted(hook), redacted(spec)], sort_keys=True).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]

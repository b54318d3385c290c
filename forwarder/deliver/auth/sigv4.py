"""`AwsSigV4`: AWS Signature Version 4, in the `Authorization` header. Pure.

Source: AWS, "Create a signed AWS API request" (IAM user guide) and the published test suite. The path is normalised and escaped
twice, as every service but S3 wants it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from yarl import URL

from forwarder.deliver.auth.secret import required, sendable
from forwarder.deliver.sign.message import Message
from forwarder.settings.auth import AwsSigV4

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
_SPACES = re.compile(r" +")
_SIGNED = ("content-type",)
"""Headers of the request that are covered beside `host` and those that this scheme adds."""


def headers(auth: AwsSigV4, message: Message, now: float) -> list[tuple[str, str]]:
    """Date, session token where there is one, and `Authorization`, at `now` (Unix seconds). Raises SecretUnavailable."""
    key = required(auth.secret_access_key, "AWS signature")
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = [("X-Amz-Date", stamp)]
    if auth.session_token.type != "None":
        added.append(("X-Amz-Security-Token", sendable(auth.session_token, "AWS session token")))
    covered = {name: message.headers[name] for name in _SIGNED if name in message.headers}
    covered |= {name.lower(): value for name, value in added} | {"host": _host(URL(message.url))}
    names = ";".join(sorted(covered))
    scope = f"{stamp[:8]}/{auth.region}/{auth.service}/aws4_request"
    canonical = hashlib.sha256(_canonical(message, covered).encode()).hexdigest()
    signature = _mac(_key(key, scope), "\n".join((_ALGORITHM, stamp, scope, canonical))).hex()
    proof = f"{_ALGORITHM} Credential={auth.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*added, ("Authorization", proof)]


def _canonical(message: Message, covered: dict[str, str]) -> str:
    """The canonical request."""
    url = URL(message.url)
    lines = [f"{name}:{_SPACES.sub(' ', covered[name].strip())}" for name in sorted(covered)]
    return "\n".join((
        message.method,
        quote(_normal(url.raw_path), safe="/" + _UNRESERVED),
        _query(url.raw_query_string),
        *lines,
        "",
        ";".join(sorted(covered)),
        hashlib.sha256(message.body).hexdigest(),
    ))  # fmt: skip


def _normal(path: str) -> str:
    """Without empty and dot segments (RFC 3986, section 6.2.2.3), escaped once by the URL already."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    slash = "/" if segments and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(segments) + slash


def _query(text: str) -> str:
    pairs = (part.partition("=") for part in text.split("&") if part)
    escaped = ((_escaped(name), _escaped(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(escaped))


def _escaped(text: str) -> str:
    return quote(unquote(text.replace("+", " ")), safe=_UNRESERVED)


def _host(url: URL) -> str:
    """As the `Host` header has it: without the scheme's usual port."""
    return url.host_port_subcomponent or ""


def _key(secret: str, scope: str) -> bytes:
    """The signing key: derived from the secret by date, region, service and a constant."""
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

"""Content-Digest (RFC 9530): a digest of the body as it is sent, so that a signature over headers covers the body. Pure."""

from __future__ import annotations

import hashlib
import hmac

from forwarder.deliver.sign.structured import Malformed, dictionary, parse_dictionary

_KNOWN = {"sha-256": "sha256", "sha-512": "sha512"}
"""The digests that RFC 9530, section 5, calls active, to the names of hashlib."""


def content_digest(body: bytes) -> str:
    """The header's value, with SHA-256. `body` is compressed where the request is."""
    return dictionary({"sha-256": hashlib.sha256(body).digest()})


def matches(header: str, body: bytes) -> bool:
    """Whether every digest of a known kind is the body's. Raises Malformed where there is none of a known kind."""
    known = {name: value for name, value in parse_dictionary(header).items() if name in _KNOWN}
    if not known or not all(isinstance(value, bytes) for value in known.values()):
        raise Malformed("Content-Digest holds no sha-256 or sha-512")
    return all(
        isinstance(value, bytes) and hmac.compare_digest(hashlib.new(_KNOWN[name], body).digest(), value)
        for name, value in known.items()
    )

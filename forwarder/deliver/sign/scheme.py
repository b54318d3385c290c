"""What a signature scheme is: a row of a table. Holds no scheme and signs nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Piece(Enum):
    """A part of the signed content that differs per request."""

    ID = "id"
    TIMESTAMP = "timestamp"
    BODY = "body"


class Encoding(Enum):
    """How the MAC is written. The value is the word used in explanations."""

    BASE64 = "base64"
    HEX = "hexadecimal"

    def write(self, mac: bytes) -> str:
        return base64.b64encode(mac).decode("ascii") if self is Encoding.BASE64 else mac.hex()

    def read(self, text: str) -> bytes | None:
        """The MAC, or None when `text` is not written like this."""
        try:
            return base64.b64decode(text, validate=True) if self is Encoding.BASE64 else bytes.fromhex(text)
        except (binascii.Error, ValueError):
            return None


class KeyUnusable(Exception):
    """The key is not in the form that the scheme asks for. The text never holds the key."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """HMAC-SHA256 (RFC 2104, FIPS 180-4) over `content`, written into `signature_header`.

    `content` mixes fixed bytes and pieces; BODY comes last. `separator` joins the signatures of several keys (rotation);
    None means that the scheme's header holds one, that of the newest key. Without `timestamp_header` a request can be
    replayed for ever: the receiver has to remember batch ids.
    """

    name: str
    content: tuple[bytes | Piece, ...]
    signature_header: str
    encoding: Encoding
    decode_key: Callable[[str], bytes]
    prefix: str = ""
    separator: str | None = None
    id_header: str | None = None
    timestamp_header: str | None = None


def plain_key(text: str) -> bytes:
    """The key's characters in UTF-8. Raises KeyUnusable when empty."""
    if not text:
        raise KeyUnusable("the signature key is empty")
    return text.encode()


def whsec_key(text: str) -> bytes:
    """`whsec_` and base64, padding optional (Standard Webhooks 1.0.0, "Signature scheme"). Raises KeyUnusable."""
    encoded = text.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnusable("the signature key is not base64; standard-webhooks wants whsec_ and base64") from None
    if not key:
        raise KeyUnusable("the signature key is empty")
    return key

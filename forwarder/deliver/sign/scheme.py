"""What a signature scheme is: a row of a table. Holds no scheme and signs nothing."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from forwarder.deliver.sign.template import Template


class KeyUnusable(Exception):
    """No key, or one that is not in the form that the scheme asks for. The text never holds a key."""


class Algorithm(Enum):
    """The names are those of RFC 9421, section 6.2.2, where it has one."""

    HMAC_SHA256 = "hmac-sha256"
    HMAC_SHA512 = "hmac-sha512"
    HMAC_SHA1 = "hmac-sha1"
    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256-sha256"


HMACS = {Algorithm.HMAC_SHA256: "sha256", Algorithm.HMAC_SHA512: "sha512", Algorithm.HMAC_SHA1: "sha1"}
"""To the names of hashlib."""


class KeyForm(Enum):
    """How an HMAC key is written."""

    PLAIN = "plain"
    BASE64 = "base64"
    HEX = "hex"
    WHSEC = "whsec"


class Encoding(Enum):
    """How a signature is written. The value is the word used in explanations."""

    BASE64 = "base64"
    HEX = "hexadecimal"
    BASE64URL = "base64url"

    def write(self, signature: bytes) -> str:
        match self:
            case Encoding.BASE64:
                return base64.b64encode(signature).decode("ascii")
            case Encoding.HEX:
                return signature.hex()
            case Encoding.BASE64URL:
                return base64.urlsafe_b64encode(signature).decode("ascii").rstrip("=")

    def read(self, text: str) -> bytes | None:
        """The signature, or None when `text` is not written exactly like this: no two texts are the same signature."""
        try:
            found = self._decoded(text)
        except (binascii.Error, ValueError):
            return None
        return found if self.write(found) == text else None

    def _decoded(self, text: str) -> bytes:
        match self:
            case Encoding.BASE64:
                return base64.b64decode(text)
            case Encoding.HEX:
                return bytes.fromhex(text)
            case Encoding.BASE64URL:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Unit(Enum):
    """What a timestamp counts."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    RFC3339 = "rfc3339"

    def write(self, now: float) -> str:
        """`now` in seconds since the Unix epoch."""
        match self:
            case Unit.SECONDS:
                return str(int(now))
            case Unit.MILLISECONDS:
                return str(int(now * 1000))
            case Unit.RFC3339:
                return rfc3339(now)

    def read(self, text: str) -> float | None:
        """Seconds since the Unix epoch; None when `text` is not written like this."""
        if self is Unit.RFC3339:
            return moment(text)
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            return None
        return int(text) / (1000 if self is Unit.MILLISECONDS else 1)


def rfc3339(now: float) -> str:
    """Whole milliseconds (downwards) in UTC, such as `2026-01-31T12:00:00.000Z`."""
    whole = math.floor(now * 1000)
    text = datetime.fromtimestamp(whole // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{whole % 1000:03d}Z"


def moment(text: str) -> float | None:
    """An RFC 3339 time in seconds since the Unix epoch; None for anything else, also for a time without a zone."""
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    plain = text.isascii() and text.isprintable() and "T" in text.upper()
    return found.timestamp() if plain and found.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Scheme:
    """Signatures over `content`, written into `signature_header` as `head`, the signatures and `tail`.

    `prefixes` has the algorithms that a key may be for, with what is written before such a signature; the first is what a plain
    text key is used with. `separator` joins the signatures of several keys (rotation); None means that the header holds one, that
    of the newest key. Without a timestamp a request can be replayed for ever: the receiver has to remember batch ids.
    """

    name: str
    content: Template
    signature_header: str
    encoding: Encoding
    prefixes: Mapping[Algorithm, str]
    key_form: KeyForm = KeyForm.PLAIN
    head: Template = ()
    tail: Template = ()
    separator: str | None = None
    id_header: str | None = None
    timestamp_header: str | None = None
    sent_at_header: str | None = None
    unit: Unit = Unit.SECONDS

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Those that a key may be for."""
        return tuple(self.prefixes)

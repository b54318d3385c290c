"""One request as a signature sees it. A value: signing and verifying both make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from forwarder.deliver.sign.template import Piece


@dataclass(frozen=True, slots=True)
class Message:
    """`body` is what goes over the wire (compressed, where it is). `headers` has lower-case names. `id` is the batch's.

    `timestamp` and `sent_at` are written as the scheme asks: when the request was signed, and when its batch was made.
    """

    id: str
    timestamp: str
    body: bytes = field(repr=False)
    sent_at: str = ""
    method: str = "POST"
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def piece(self, piece: Piece) -> bytes:
        """What stands for a variable of a scheme's content. `{signature}` is none of them."""
        match piece:
            case Piece.BODY:
                return self.body
            case Piece.ID:
                return octets(self.id)
            case Piece.TIMESTAMP:
                return octets(self.timestamp)
            case Piece.SENT_AT:
                return octets(self.sent_at)
            case Piece.METHOD:
                return octets(self.method)
            case Piece.URL:
                return octets(target_uri(self.url))
            case Piece.PATH:
                return octets(URL(self.url).raw_path_qs) if self.url else b""
            case Piece.SIGNATURE:
                raise ValueError("a signature does not sign itself")


def octets(text: str) -> bytes:
    """The bytes of a header's text; those that were no UTF-8 come back as they were."""
    return text.encode("utf-8", "surrogateescape")


def target_uri(url: str) -> str:
    """The URL as it goes over the wire: escaped, without user, password and fragment (RFC 9421, section 2.2.2)."""
    return str(URL(url).with_user(None).with_fragment(None)) if url else ""

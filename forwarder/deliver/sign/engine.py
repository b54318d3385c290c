"""One engine signs for every scheme. Pure: time is passed in, keys are values, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import Key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Scheme
from forwarder.deliver.sign.template import Piece, Template


def sign(
    scheme: Scheme | HttpSignature, keys: Sequence[tuple[str, Key]], message: Message, now: float
) -> list[tuple[str, str]]:
    """The headers that sign `message` at `now`, in seconds since the Unix epoch; its own `timestamp` is not looked at.

    `keys` are (name, key), the newest first. Raises KeyUnusable. Made anew for each attempt, so that the timestamp is fresh.
    """
    if isinstance(scheme, HttpSignature):
        return scheme.headers(keys, message, now)
    message = replace(message, timestamp=scheme.unit.write(now))
    used = keys if scheme.separator is not None else keys[:1]
    signatures = [
        scheme.prefixes[key.algorithm] + scheme.encoding.write(key.sign(content(scheme, message))) for _, key in used
    ]
    joined = (scheme.separator or "").join(signatures)
    value = _text(scheme.head, message) + joined + _text(scheme.tail, message)
    headers = [(scheme.signature_header, value)]
    told = (
        (scheme.id_header, Piece.ID),
        (scheme.timestamp_header, Piece.TIMESTAMP),
        (scheme.sent_at_header, Piece.SENT_AT),
    )
    return headers + [(name, _text((piece,), message)) for name, piece in told if name]


def content(scheme: Scheme, message: Message) -> Iterator[bytes]:
    """What is signed, part by part."""
    return (part.encode() if isinstance(part, str) else message.piece(part) for part in scheme.content)


def _text(template: Template, message: Message) -> str:
    return "".join(
        part if isinstance(part, str) else message.piece(part).decode("utf-8", "surrogateescape") for part in template
    )

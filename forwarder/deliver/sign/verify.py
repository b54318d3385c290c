"""Checks a signature the way a receiver has to: constant-time, and with a reason when it fails. Sends nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from forwarder.deliver.sign.engine import content
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.http_verify import check_http
from forwarder.deliver.sign.keys import Key, read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.result import Reason, Rejected, Result, Verified
from forwarder.deliver.sign.scheme import Encoding, Scheme
from forwarder.deliver.sign.template import Piece

TOLERANCE_SECONDS = 300.0
"""Standard Webhooks asks for a tolerance; its libraries, and those of Stripe and Slack, use five minutes."""


def verify(
    scheme: Scheme | HttpSignature,
    keys: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    tolerance: float = TOLERANCE_SECONDS,
    *,
    method: str = "POST",
    url: str = "",
) -> Result:
    """Whether `headers` (any case) sign `body` (as it came, before decompression) with one of `keys`.

    `now` and `tolerance` in seconds. Raises KeyUnusable for a key of ours that the scheme cannot use.
    """
    read = [read_key(key, scheme.algorithms, scheme.key_form) for key in keys]
    message = Message("", "", body, "", method, url, {name.lower(): value for name, value in headers.items()})
    return check(scheme, read, message, now, tolerance)


def check(
    scheme: Scheme | HttpSignature, keys: Sequence[Key], message: Message, now: float, tolerance: float
) -> Result:
    """As `verify`, with keys that were read before. Id, timestamp and `sentAt` are taken from the message's headers."""
    if isinstance(scheme, HttpSignature):
        return check_http(scheme, keys, message, now, tolerance)
    missing = [name for name in _needed(scheme) if not message.headers.get(name.lower())]
    if missing:
        return Rejected(Reason.NO_HEADER, f"there is no {missing[0]}")
    filled = _filled(scheme, message)
    if isinstance(filled, Rejected):
        return filled
    message, texts = filled
    found = _compare(scheme, keys, message, texts)
    late = _late(scheme, message.timestamp, now)
    if isinstance(found, Verified) and late is not None and abs(late) > tolerance:
        return Rejected(Reason.SKEW, _said(late, tolerance), late, found.key)
    return replace(found, late=late) if isinstance(found, Rejected) else found


def _needed(scheme: Scheme) -> Iterator[str]:
    names = (scheme.signature_header, scheme.id_header, scheme.timestamp_header, scheme.sent_at_header)
    return (name for name in names if name is not None)


def _filled(scheme: Scheme, message: Message) -> tuple[Message, list[str]] | Rejected:
    """The message with id and times from its headers, and the texts of the signatures."""

    def told(name: str | None) -> str:
        return message.headers[name.lower()] if name else ""

    match = _pattern(scheme, message).fullmatch(message.headers[scheme.signature_header.lower()])
    if match is None:
        return Rejected(Reason.MALFORMED, f"{scheme.signature_header} is not {shape(scheme)}")
    inside = match.groupdict()
    timestamp = inside.get("timestamp") or told(scheme.timestamp_header)
    if timestamp and scheme.unit.read(timestamp) is None:
        return Rejected(Reason.MALFORMED, f"the timestamp is no {_UNITS[scheme.unit.value]}")
    batch_id = inside.get("id") or told(scheme.id_header) or message.headers.get("forwarder-batch-id", "")
    sent_at = inside.get("sentAt") or told(scheme.sent_at_header) or _in_body(scheme, message.body)
    filled = replace(message, id=batch_id, timestamp=timestamp, sent_at=sent_at)
    return filled, inside["signature"].split(scheme.separator) if scheme.separator else [inside["signature"]]


def _in_body(scheme: Scheme, body: bytes) -> str:
    """The `sentAt` of a JSON body, where the scheme signs it and no header tells it."""
    if Piece.SENT_AT not in scheme.content:
        return ""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    names = ("sentAt", "SentAt", "sent_at")
    texts = [found[name] for name in names if isinstance(found.get(name), str)] if isinstance(found, dict) else []
    return texts[0] if texts else ""


_UNITS = {"s": "whole number of seconds", "ms": "whole number of milliseconds", "rfc3339": "RFC 3339 time"}


def shape(scheme: Scheme) -> str:
    """What the signature header looks like, for people."""
    parts = [
        part if isinstance(part, str) else f"<{part.value}>" for part in (*scheme.head, Piece.SIGNATURE, *scheme.tail)
    ]
    prefix = next(iter(scheme.prefixes.values()))
    return "".join(parts).replace("<signature>", f"{prefix}<{scheme.encoding.value}>")


def _pattern(scheme: Scheme, message: Message) -> re.Pattern[str]:
    """What the request itself tells has to stand in the header too; the rest is read from there."""
    parts = []
    seen: set[Piece] = set()
    for part in (*scheme.head, Piece.SIGNATURE, *scheme.tail):
        if isinstance(part, str):
            parts.append(re.escape(part))
        elif part in (Piece.METHOD, Piece.URL, Piece.PATH):
            parts.append(re.escape(message.piece(part).decode("utf-8", "surrogateescape")))
        elif part in seen:
            parts.append(f"(?P={part.value})")
        else:
            seen.add(part)
            parts.append(f"(?P<{part.value}>.*)" if part is Piece.SIGNATURE else f"(?P<{part.value}>[^,; ]*)")
    return re.compile("".join(parts), re.DOTALL)


def _late(scheme: Scheme, timestamp: str, now: float) -> float | None:
    signed = scheme.unit.read(timestamp) if timestamp else None
    return None if signed is None else now - signed


def _said(late: float, tolerance: float) -> str:
    where = "in the past" if late > 0 else "in the future"
    return f"the timestamp lies {abs(late):.0f} s {where}; {tolerance:.0f} s are allowed"


def _compare(scheme: Scheme, keys: Sequence[Key], message: Message, texts: Sequence[str]) -> Result:
    """One header may hold several signatures; unknown versions among them are passed over."""
    readable = False
    for index, key in enumerate(keys):
        prefix = scheme.prefixes[key.algorithm]
        for text in (text.removeprefix(prefix) for text in texts if text.startswith(prefix)):
            signature = scheme.encoding.read(text)
            readable = readable or signature is not None
            if signature is not None and key.made(content(scheme, message), signature):
                return Verified(index)
    for index, key in enumerate(keys):
        for text in texts:
            for encoding, signature in _in_other_writings(text.removeprefix(scheme.prefixes[key.algorithm])):
                if key.made(content(scheme, message), signature):
                    detail = f"it is written in {encoding}; the scheme wants {scheme.encoding.value}"
                    return Rejected(Reason.ENCODING, detail, key=index)
    if readable:
        return Rejected(Reason.MISMATCH)
    return Rejected(Reason.MALFORMED, f"{scheme.signature_header} is not {shape(scheme)}")


def _in_other_writings(text: str) -> Iterator[tuple[str, bytes]]:
    """The signature read in any encoding, upper-case hexadecimal and a lost or strange prefix included."""
    bare = text.strip().strip('"')
    for start in dict.fromkeys((bare, re.split(r"[=,]", bare, maxsplit=1)[-1])):
        for encoding in Encoding:
            if (signature := encoding.read(start)) is not None:
                yield encoding.value, signature
        if (signature := Encoding.HEX.read(start.lower())) is not None:
            yield "upper-case hexadecimal", signature
        if (signature := Encoding.BASE64.read(start + "=" * (-len(start) % 4))) is not None:
            yield "base64 without padding", signature


__all__ = ["TOLERANCE_SECONDS", "Reason", "Rejected", "Result", "Verified", "check", "shape", "verify"]

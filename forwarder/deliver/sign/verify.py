"""Checks a signature the way a receiver has to: constant-time, and with a reason when it fails. Sends nothing."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from forwarder.deliver.sign.engine import mac
from forwarder.deliver.sign.scheme import Encoding, Scheme

TOLERANCE_SECONDS = 300.0
"""Standard Webhooks asks for a tolerance; its libraries use five minutes."""


class Reason(Enum):
    """Why a signature does not hold. The value is text for people."""

    NO_HEADER = "a signature header is missing"
    MALFORMED = "the signature header is not written as the scheme asks"
    SKEW = "the timestamp is too far from this clock"
    ENCODING = "the signature is right but written in another encoding"
    MISMATCH = "the body was changed on its way or the keys differ"


@dataclass(frozen=True, slots=True)
class Verified:
    """The signature holds. `key` is the index of the key that made it: 0 for the newest."""

    key: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The signature does not hold."""

    reason: Reason


def verify(
    scheme: Scheme,
    keys: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    tolerance: float = TOLERANCE_SECONDS,
) -> Verified | Rejected:
    """Whether `headers` (any case) sign `body` (after decompression) with one of `keys`. `now` and `tolerance` in seconds.

    Raises KeyUnusable for a key of ours that the scheme cannot use.
    """
    present = {name.lower(): value for name, value in headers.items()}
    names = (scheme.signature_header, scheme.id_header, scheme.timestamp_header)
    if any(name is not None and not present.get(name.lower()) for name in names):
        return Rejected(Reason.NO_HEADER)
    batch_id = present[scheme.id_header.lower()] if scheme.id_header else ""
    timestamp = present[scheme.timestamp_header.lower()] if scheme.timestamp_header else ""
    if scheme.timestamp_header:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
            return Rejected(Reason.MALFORMED)
        if abs(int(timestamp) - now) > tolerance:
            return Rejected(Reason.SKEW)
    expected = [mac(scheme, key, batch_id, timestamp, body) for key in keys]
    return _compare(scheme, present[scheme.signature_header.lower()], expected)


def _compare(scheme: Scheme, header: str, expected: Sequence[bytes]) -> Verified | Rejected:
    """One header may hold several signatures; unknown versions among them are passed over."""
    written = header.split(scheme.separator) if scheme.separator else [header]
    texts = [text.removeprefix(scheme.prefix) for text in written if text.startswith(scheme.prefix)]
    given = [found for text in texts if (found := scheme.encoding.read(text)) is not None]
    for index, wanted in enumerate(expected):
        if any(hmac.compare_digest(wanted, found) for found in given):
            return Verified(index)
    others = [found for text in texts for found in _in_other_encodings(scheme.encoding, text)]
    if any(hmac.compare_digest(wanted, found) for wanted in expected for found in others):
        return Rejected(Reason.ENCODING)
    return Rejected(Reason.MISMATCH if given else Reason.MALFORMED)


def _in_other_encodings(encoding: Encoding, text: str) -> list[bytes]:
    return [found for other in Encoding if other is not encoding and (found := other.read(text)) is not None]

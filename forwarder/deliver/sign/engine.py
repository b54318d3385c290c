"""One engine signs for every scheme. Pure: time is passed in, keys are values, nothing is kept."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from forwarder.deliver.sign.scheme import Piece, Scheme


def sign(scheme: Scheme, keys: Sequence[str], batch_id: str, now: float, body: bytes) -> list[tuple[str, str]]:
    """The headers that sign `body` (before compression) at `now`, in seconds since the Unix epoch.

    `keys` has the newest first. Raises KeyUnusable. Made anew for each attempt, so that the timestamp is fresh.
    """
    timestamp = str(int(now))
    used = keys if scheme.separator is not None else keys[:1]
    signatures = [scheme.prefix + scheme.encoding.write(mac(scheme, key, batch_id, timestamp, body)) for key in used]
    headers = [(scheme.signature_header, (scheme.separator or "").join(signatures))]
    if scheme.id_header:
        headers.append((scheme.id_header, batch_id))
    if scheme.timestamp_header:
        headers.append((scheme.timestamp_header, timestamp))
    return headers


def mac(scheme: Scheme, key: str, batch_id: str, timestamp: str, body: bytes) -> bytes:
    """HMAC-SHA256 over the scheme's content. Fed piece by piece: a body of megabytes is not copied."""
    digest = hmac.new(scheme.decode_key(key), digestmod="sha256")
    for piece in scheme.content:
        match piece:
            case Piece.ID:
                digest.update(batch_id.encode())
            case Piece.TIMESTAMP:
                digest.update(timestamp.encode())
            case Piece.BODY:
                digest.update(body)
            case bytes():
                digest.update(piece)
    return digest.digest()

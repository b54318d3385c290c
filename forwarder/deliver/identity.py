"""The batch id, derived from content alone, so that every worker gives the same batch the same id. Keeps no state."""

from __future__ import annotations

import base64
import hashlib

from forwarder.deliver.offsets import exact
from forwarder.model.batch import Batch

_DIGEST_BYTES = 20  # 160 bits: 32 characters of base32 without padding


def batch_id(webhook: str, cluster: str, batch: Batch, body: bytes) -> str:
    """`fb_` and 32 characters `a-z2-7`. Same webhook, cluster, events and bytes: same id, also after a restart.

    `body` is the rendered body before compression (what zlib makes of it may differ between versions). The offsets are
    part of it, because two records with equal bytes are still two events. SHA-256 (FIPS 180-4), cut to 160 bits.
    """
    return digest_id(webhook, cluster, exact(batch.events), body)


def digest_id(webhook: str, cluster: str, offsets: str, body: bytes) -> str:
    """As `batch_id`, where the offsets were rendered before."""
    # No part can hold a NUL (names and topics are restricted), so no two different inputs run together.
    digest = hashlib.sha256("\0".join(("forwarder-batch-1", webhook, cluster, offsets, "")).encode())
    digest.update(body)
    return "fb_" + base64.b32encode(digest.digest()[:_DIGEST_BYTES]).decode("ascii").lower()

"""Texts made to fit, with a marker where something is missing. Counts characters, bytes or bytes of JSON; never splits a character."""

from __future__ import annotations

import hashlib
import re

from forwarder.deliver.payload.body import json_string

_BROKEN = re.compile(rb"(\\+)(?:u[0-9a-fA-F]{0,3})?\Z")
"""An escape at the end that is not whole, where the backslashes are odd in number."""


def units(text: str) -> int:
    """How long most receivers find a text: UTF-16 code units, as Java and JavaScript count (an emoji is two)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int, marker: str) -> str:
    """At most `most` characters, the marker included; those outside of Unicode's first plane count twice, as in UTF-16."""
    if len(text) * 2 <= most or (len(text) <= most and units(text) <= most):
        return text
    kept = text[:most].encode("utf-16-le", "surrogatepass")[: 2 * max(0, most - len(marker))]
    return kept.decode("utf-16-le", "ignore") + marker if most > len(marker) else marker[:most]


def cut_bytes(text: str, most: int, marker: str) -> str:
    """At most `most` bytes of UTF-8, the marker included."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return text
    end = marker.encode()
    if most <= len(end):
        return end[:most].decode("utf-8", "ignore")
    return encoded[: most - len(end)].decode("utf-8", "ignore") + marker


def fitted(text: str, room: int, marker: str) -> bytes:
    """A JSON string of at most `room` bytes, or of the marker alone where even that is more."""
    whole = json_string(text)
    if len(whole) <= room:
        return whole
    end = json_string(marker)[1:]
    kept = whole[: max(room - len(end), 1)]
    if (odd := _BROKEN.search(kept)) and len(odd[1]) % 2:
        kept = kept[: odd.end(1) - 1]
    return kept.decode("utf-8", "ignore").encode() + end


def unique(text: str, most: int) -> str:
    """The text, or its SHA-256 in hexadecimal where it has more than `most` characters (as `cut` counts)."""
    if units(text) <= most:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:most]

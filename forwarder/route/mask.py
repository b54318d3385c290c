"""Sets of small numbers as Python integers, one bit each: a thousand clauses are 125 bytes, and `&` joins two sets at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def mask_of(members: Iterable[int], size: int) -> int:
    """The set of `members`, all below `size`. Linear: setting bits one by one in an integer would copy it each time."""
    bits = bytearray(size // 8 + 1)
    for member in members:
        bits[member >> 3] |= 1 << (member & 7)
    return int.from_bytes(bits, "little")


def members_of(mask: int) -> Iterator[int]:
    """The members, ascending. Linear in the mask's bytes and in the members, so that a full set is no worse than a list."""
    for place, byte in enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little")):
        while byte:
            low = byte & -byte
            yield place * 8 + low.bit_length() - 1
            byte ^= low

"""Tuning the C library: what is asked for, and when it is left alone."""

from __future__ import annotations

import subprocess
import sys

from forwarder.allocator import ARENAS, LARGE_BYTES, M_ARENA_MAX, M_MMAP_THRESHOLD, return_large_blocks


def test_large_blocks_are_mapped_and_arenas_are_few() -> None:
    asked: list[tuple[int, int]] = []
    assert return_large_blocks({}, lambda name, value: asked.append((name, value)) or 1)
    assert asked == [(M_MMAP_THRESHOLD, LARGE_BYTES), (M_ARENA_MAX, ARENAS)]


def test_whoever_tunes_by_the_environment_is_left_alone() -> None:
    for name in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES"):
        assert not return_large_blocks({name: "1"}, lambda name, value: 1 / 0)


def test_a_freed_block_of_a_megabyte_goes_back_to_the_system_although_one_above_it_stays() -> None:
    script = """
import os, sys
from forwarder.allocator import return_large_blocks
if not return_large_blocks({}):  # another C library
    print(0)
    sys.exit()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
grown = bytearray(30 * 2**20)
del grown
before = resident()
blocks = [b"x" * 2**20 for _ in range(64)]
some = blocks[::8]
del blocks
print((resident() - before) // 2**20)
"""
    kept = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert kept <= 16  # untuned: 63 of the 64

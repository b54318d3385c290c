"""How the C library keeps memory that Python has freed. Tuned once at the start; allocates nothing and counts nothing."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""mallopt(3) of glibc."""

LARGE_BYTES = 256 * 1024
"""From this size on a block (a body, a fetch, a large record) is mapped by itself and goes back to the system as soon as it is freed.
Left alone glibc raises the limit to 32 MiB as such blocks are freed, and keeps them: measured, up to twice the budget."""

ARENAS = 2
"""Every thread of its own would keep what it has freed; with Python's lock there is little to gain by more."""


def return_large_blocks(environ: Mapping[str, str], mallopt: Callable[[int, int], int] | None = None) -> bool:
    """Tune glibc; False where there is nothing to tune (another C library), or the environment tunes it already."""
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in environ):
        return False
    tune = mallopt or getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        return False
    return bool(tune(M_MMAP_THRESHOLD, LARGE_BYTES)) and bool(tune(M_ARENA_MAX, ARENAS))

"""`forwarder run` with a look inside: on SIGUSR1 it writes what the heap holds, as JSON, to the file named by BENCH_HEAP.

For bench/memory.py. Changes nothing about the service; the look itself stops it for a moment.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from collections import Counter, deque
from typing import Any

CONTAINERS = (dict, list, set, deque)


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def _allocator() -> dict[str, int]:
    """glibc's own figures in bytes: taken from the system, in use, free inside, mapped one by one."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return {}
    mallinfo2.restype = _Mallinfo
    found = mallinfo2()
    return {"heap": found.arena, "used": found.uordblks, "free": found.fordblks, "mapped": found.hblkhd}


def look(*_: Any) -> None:
    gc.collect()
    objects = gc.get_objects()
    largest = sorted((o for o in objects if isinstance(o, CONTAINERS)), key=len, reverse=True)[:12]
    found = {
        "objects": len(objects),
        "blocks": sys.getallocatedblocks(),
        "allocator": _allocator(),
        "types": dict(Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in objects).most_common(60)),
        "largest": [f"{type(o).__name__} of {len(o)}: {_sample(o)}" for o in largest if o is not objects],
    }
    path = os.environ["BENCH_HEAP"]
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.replace(path + ".new", path)


def _sample(container: Any) -> str:
    return repr(next(iter(container), None))[:80]


if __name__ == "__main__":
    from forwarder.cli.main import main

    signal.signal(signal.SIGUSR1, look)
    main()

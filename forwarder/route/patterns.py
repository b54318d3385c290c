"""How costly a regular expression can be, told from its text. Runs none.

The library's expressions have no backtracking: a match costs at most (states of the pattern) x (length of the text). The text is
the producer's; so the states are bounded when the filter is loaded.
"""

from __future__ import annotations

import re

MAX_STATES = 500
"""More than any pattern of a filter needs; 0.1 s at worst on a record of 1 MiB (measured: about 0.75 ns per state and byte)."""

_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|[pP].|x\{[^}]*\}|[xuU][0-9A-Fa-f]+|.)", re.DOTALL)
_HEAD = re.compile(r"\(\?(?:P?<[^>]*>|[a-zA-Z-]*:)?")
_UNICODE_STATES = 10
"""What a class of letters or digits of all scripts comes to."""


def states(pattern: str) -> int:
    """An upper estimate of the states that the pattern is compiled to, with counted repeats written out."""
    total, last, at = [0], 0, 0
    while at < len(pattern):
        piece = pattern[at]
        if piece == "(":
            head = _HEAD.match(pattern, at)
            at = head.end() if head else at + 1
            total.append(0)
            last = 0
            continue
        if piece == ")" and len(total) > 1:
            last = total.pop() + 1
            total[-1] += last
        elif piece == "{" and (count := _REPEAT.match(pattern, at)):
            times = int(count[3] or count[1]) if count[2] else int(count[1])
            total[-1] += last * max(times - 1, 0)
            last *= max(times, 1)
            at = count.end()
            continue
        elif piece not in "*+?|^$":
            last, at = _atom(pattern, at)
            total[-1] += last
            continue
        at += 1
    return sum(total)


def _atom(pattern: str, at: int) -> tuple[int, int]:
    """States of one character, class or escape, and where it ends."""
    found = _CLASS.match(pattern, at) or _ESCAPE.match(pattern, at)
    if found is None:
        return 1, at + 1
    broad = found[0][0] == "[" or found[0][1:2] in "pPwWdDsS"
    return (_UNICODE_STATES if broad else 1), found.end()

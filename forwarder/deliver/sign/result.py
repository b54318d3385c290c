"""Whether a signature holds, and if not, why. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


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
    """The signature does not hold. `detail` says more, for people. `late` is the timestamp's distance from this clock in seconds
    (above 0: from the past), `key` the index of the key that made a signature of a wrong time or in a wrong encoding."""

    reason: Reason
    detail: str = field(default="", compare=False)
    late: float | None = field(default=None, compare=False)
    key: int | None = field(default=None, compare=False)


Result = Verified | Rejected

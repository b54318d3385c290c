"""How a local receiver misbehaves: values, their text form, and the pure choice of an answer. No sockets.

The text form is `name` or `name:argument[:argument]`, as `forwarder listen --behaviour` and `PUT /_behaviour` take it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from forwarder.settings.types import parse_duration, parse_size


@dataclass(frozen=True, slots=True)
class Ok:
    """Takes everything at once."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Takes a request after `seconds`, if the sender is still there, and answers."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Nobody listens: connections are refused, open ones are cut. Alive again after `seconds`; None is for ever."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Reads the request and never answers."""


@dataclass(frozen=True, slots=True)
class Flaky:
    """Answers `status` to `ratio` (0..1) of the requests."""

    ratio: float
    status: int = 503


@dataclass(frozen=True, slots=True)
class Status:
    """Answers `code` to everything; `retry_after` is sent as it is."""

    code: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answers `status` to a body that contains `marker`: one event that this receiver cannot take."""

    marker: bytes
    status: int = 400


@dataclass(frozen=True, slots=True)
class Limit:
    """Answers 413 to a body of more than `size` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Takes the request, starts a 200 and cuts the connection."""


@dataclass(frozen=True, slots=True)
class Dribble:
    """Takes the request, then sends its answer's body one byte every `seconds`."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Endless:
    """Takes the request, then never stops sending its answer's body."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answers with bytes that are not HTTP."""


@dataclass(frozen=True, slots=True)
class Late:
    """Takes the request, and says so only after `seconds`: the sender may have given up, and will repeat it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Judging:
    """Looks at each body, as a vendor's own receiver does, and answers in its words. Has no text form."""

    reply: Callable[[bytes], Answer]


Behaviour = (
    Ok | Judging | Slow | Dead | Hang | Flaky | Status | Refuse | Limit | HalfWay | Dribble | Endless | Garbage | Late
)  # fmt: skip


class Manner(Enum):
    """How the bytes of an answer are put on the wire."""

    PLAIN = "plain"
    NEVER = "never"
    HALF_WAY = "half way"
    DRIBBLE = "dribble"
    ENDLESS = "endless"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Answer:
    """`accepted`: the receiver keeps the events, whatever the sender gets to hear.

    Seconds to wait: `delay_before` taking the request, `delay_after` taking it and before the answer, `interval` between the
    bytes of a dribbled one. `body` is a plain answer's.
    """

    status: int = 200
    accepted: bool = True
    manner: Manner = Manner.PLAIN
    delay_before: float = 0.0
    delay_after: float = 0.0
    interval: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def answer(behaviour: Behaviour, body: bytes, luck: float) -> Answer:
    """What to do with a verified request. `luck` is uniform in 0..1 and decides for `Flaky`."""
    match behaviour:
        case Judging(reply):
            return reply(body)
        case Slow(seconds):
            return Answer(delay_before=seconds)
        case Late(seconds):
            return Answer(delay_after=seconds)
        case Hang() | Dead():
            return Answer(accepted=False, manner=Manner.NEVER)
        case Status(code, retry_after):
            return _refusal(code, {} if retry_after is None else {"Retry-After": retry_after})
        case Garbage():
            return Answer(accepted=False, manner=Manner.GARBAGE)
        case HalfWay():
            return Answer(manner=Manner.HALF_WAY)
        case Dribble(seconds):
            return Answer(manner=Manner.DRIBBLE, interval=seconds)
        case Endless():
            return Answer(manner=Manner.ENDLESS)
        case _:
            return _by_content(behaviour, body, luck)


def _by_content(behaviour: Behaviour, body: bytes, luck: float) -> Answer:
    match behaviour:
        case Flaky(ratio, status) if luck < ratio:
            return _refusal(status)
        case Refuse(marker, status) if marker in body:
            return _refusal(status)
        case Limit(size) if len(body) > size:
            return _refusal(413)
        case _:
            return Answer()


def _refusal(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, accepted=200 <= status < 300, headers=headers or {})


FORMS = (
    "ok, slow:2s, dead, dead:30s, hang, flaky:0.3, flaky:0.3:500, status:503, status:429:10, refuse:MARKER, "
    "refuse:MARKER:422, limit:64KiB, half-way, dribble:1s, endless, garbage, late:5s"
)


def parse_behaviour(text: str) -> Behaviour:
    """The behaviour that `text` names. Raises ValueError, which lists the accepted forms."""
    name, *arguments = text.strip().split(":")
    try:
        return _PARSERS[name](*arguments)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{text!r} is no behaviour; one of these is expected: {FORMS}") from None


def _status(text: str) -> int:
    """200..599: an answer below 200 is not a final one (RFC 9110, section 15)."""
    code = int(text)
    if not 200 <= code <= 599:
        raise ValueError("out of range")
    return code


def _ratio(text: str) -> float:
    ratio = float(text)
    if not 0 <= ratio <= 1:
        raise ValueError("out of range")
    return ratio


def _marker(text: str) -> bytes:
    """Never empty: every body contains nothing."""
    if not text:
        raise ValueError("empty")
    return text.encode()


_PARSERS: dict[str, Callable[..., Behaviour]] = {
    "ok": lambda: Ok(),
    "slow": lambda seconds: Slow(parse_duration(seconds)),
    "dead": lambda seconds=None: Dead(None if seconds is None else parse_duration(seconds)),
    "hang": lambda: Hang(),
    "flaky": lambda ratio, status="503": Flaky(_ratio(ratio), _status(status)),
    "status": lambda code, retry_after=None: Status(_status(code), retry_after),
    "refuse": lambda marker, status="400": Refuse(_marker(marker), _status(status)),
    "limit": lambda size: Limit(parse_size(size)),
    "half-way": lambda: HalfWay(),
    "dribble": lambda seconds="1s": Dribble(parse_duration(seconds)),
    "endless": lambda: Endless(),
    "garbage": lambda: Garbage(),
    "late": lambda seconds: Late(parse_duration(seconds)),
}

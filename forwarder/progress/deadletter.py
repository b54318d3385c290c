"""What a dead letter looks like: the original record, untouched, with headers that say why. Builds values; produces nothing."""

from __future__ import annotations

from dataclasses import dataclass

from forwarder import __version__
from forwarder.model.event import Event, Headers

PREFIX = "forwarder-"
"""Every header that we add starts with this; the record's own headers stay in front of ours."""

MOST_BYTES = 1024
"""Of one header of ours: an answer or an error must not make a letter too large for its topic."""

ROOM_BYTES = 16 * 1024
"""By so much at most is a letter larger than its record: all of our headers together, at their longest."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why. `webhook` is "" for a record that nobody could read. Times are wall seconds, 0 where nothing was attempted."""

    reason: str
    detail: str = ""
    webhook: str = ""
    attempts: int = 0
    status: int = 0
    excerpt: str = ""
    first_attempt: float = 0.0
    last_attempt: float = 0.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record to produce, as it is."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        texts = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + texts


def dead_letter(event: Event, cause: Cause, cluster: str) -> DeadLetter:
    """The original key, value, headers and timestamp, and our headers behind them. Deterministic."""
    facts = {
        "reason": cause.reason,
        "detail": cause.detail,
        "webhook": cause.webhook,
        "cluster": cluster,
        "topic": event.tp.topic,
        "partition": str(event.tp.partition),
        "offset": str(event.offset),
        "timestamp": str(event.timestamp_ms),
        "attempts": str(cause.attempts) if cause.attempts else "",
        "status": str(cause.status) if cause.status else "",
        "response": cause.excerpt,
        "first-attempt": f"{cause.first_attempt:.3f}" if cause.first_attempt else "",
        "last-attempt": f"{cause.last_attempt:.3f}" if cause.last_attempt else "",
        "version": __version__,
    }
    # A text may hold half a surrogate pair (from a record or an answer): it must not stop the letter.
    ours = tuple((PREFIX + name, _bounded(text)) for name, text in facts.items() if text)
    return DeadLetter(event.key, event.value, event.headers + ours, event.timestamp_ms)


def _bounded(text: str) -> bytes:
    """UTF-8, never cut within a character."""
    encoded = text.encode(errors="replace")
    return encoded if len(encoded) <= MOST_BYTES else encoded[:MOST_BYTES].decode(errors="ignore").encode()

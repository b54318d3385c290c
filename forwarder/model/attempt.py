"""One HTTP request and how it ended, and the final word on an event. Values only; the decisions are in deliver/verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """Why an attempt got no usable response. The value is the metric label `class` and the word in logs."""

    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    EGRESS = "egress_denied"
    WAY_OUT = "way_out_failed"
    PROTOCOL = "protocol"
    CREDENTIALS = "credentials"
    UNSENDABLE = "unsendable"
    CANCELLED = "cancelled"


NOT_THE_ENDPOINTS = frozenset({Fault.WAY_OUT})
"""Faults of our own way out (proxy, source address): they say nothing about the endpoint, which is not held to account for them."""

AMBIGUOUS = frozenset({Fault.RESET, Fault.TIMEOUT, Fault.PROTOCOL})
"""Faults after which the receiver may have taken the batch all the same: it must be repeated under the same id."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer. `body` is cut at a small bound. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. `text` is for people and never holds a secret."""

    fault: Fault
    text: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """`number` is 1 for the first. `seconds` is from the start to the end of the request."""

    batch_id: str
    number: int
    result: Response | Failure
    seconds: float
    sent_bytes: int = 0
    reused_connection: bool = False

    @property
    def outcome_class(self) -> str:
        """`http_2xx` .. `http_5xx` or the fault's name: bounded, for metrics."""
        match self.result:
            case Response(status=status):
                return f"http_{status // 100}xx"
            case Failure(fault=fault):
                return fault.value


class DiscardReason(Enum):
    """Why an event was given up without being sent. The value is a metric label and appears in the receiver's headers."""

    EXPIRED = "expired"
    SHED = "shed"
    ATTEMPTS = "attempts"
    RETENTION = "retention"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    RATE_LIMITED = "rate_limited"


class DeadLetterReason(Enum):
    """Why an event went to the dead-letter topic for one webhook. Unreadable records use `Unreadable` instead."""

    REFUSED = "refused"
    TOO_LARGE = "too_large_for_webhook"
    EXPIRED = "expired"
    FILTER_ERROR = "filter_error"
    UNRENDERABLE = "unrenderable"
    ATTEMPTS = "attempts"
    RATE_LIMITED = "rate_limited"

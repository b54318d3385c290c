"""What a lane needs to know of its webhook, computed once. Values only; times in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from forwarder.settings.limits import RateLimit
from forwarder.settings.providers.spec import Sizing
from forwarder.settings.webhook import DeadLetterLimit, RetryPolicy, Webhook

CIRCUIT_AFTER = 5
"""Failed attempts in a row after which the circuit opens: fewer would react to one unlucky minute of a deploy."""

PROBE_EVENTS = 10
"""Most events in a batch sent while the circuit is open: a probe should cost the endpoint little."""

WINDOWS_IN_MEMORY = 4
"""A lane holds up to this many full batches: enough to keep the sender busy while catch-up refills it."""


BRACKETS = 2
"""Bytes around all events of a body that count as none: a separator too many is counted for each of them anyway."""


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """`interval` is the longest of throttle and maxWait. `capacity_*` bound what the lane holds in memory. `expiry_pause`: least
    time between two looks for expired events. `least_slots` is below `slots` where concurrency adapts.
    `wrapped`: the payload puts something around each event, namely `wrapping`."""

    throttle: float
    interval: float
    strict: bool
    idle_gap: float | None
    max_wait: float
    max_events: int
    max_bytes: int
    flush_level: int | None
    slots: int
    least_slots: int
    rate: RateLimit | None
    lossy: bool
    discard_after: float
    expiry_pause: float
    on_discard: str
    max_attempts: int | None
    retry: RetryPolicy
    dead_letter_limit: DeadLetterLimit
    wrapped: bool
    wrapping: Sizing
    capacity_events: int
    capacity_bytes: int


def policy_of(webhook: Webhook) -> LanePolicy:
    """The policy of a webhook. Pure."""
    spec = webhook.payload.spec
    sizing, caps = spec.sizing, spec.caps
    max_events = min(webhook.max_events, caps.max_events or webhook.max_events)
    max_bytes = min(webhook.max_bytes, caps.max_bytes or webhook.max_bytes)
    bounds = webhook.adaptive_concurrency
    most = min(webhook.concurrency, bounds.max or webhook.concurrency) if bounds.enable else webhook.concurrency
    max_wait = webhook.throttle if webhook.max_wait is None else webhook.max_wait
    return LanePolicy(
        throttle=webhook.throttle,
        interval=max(webhook.throttle, max_wait),
        strict=webhook.strict_throttle,
        idle_gap=webhook.idle_gap,
        max_wait=max_wait,
        max_events=max_events,
        max_bytes=max(1, max_bytes - max(0, sizing.frame - BRACKETS)),
        flush_level=webhook.flush_level,
        slots=most,
        least_slots=min(bounds.min, most) if bounds.enable else most,
        rate=webhook.rate_limit,
        lossy=webhook.lossy,
        discard_after=webhook.discard_after,
        expiry_pause=max(1.0, min(10.0, webhook.discard_after / 10)),
        on_discard=webhook.on_discard,
        max_attempts=webhook.max_attempts,
        retry=webhook.retry,
        dead_letter_limit=webhook.dead_letter_limit,
        wrapped=bool(sizing.event or sizing.names or sizing.quoted or sizing.values != 1),
        wrapping=sizing,
        capacity_events=max(WINDOWS_IN_MEMORY * max_events, 1000),
        capacity_bytes=max(WINDOWS_IN_MEMORY * max_bytes, 1024 * 1024),
    )

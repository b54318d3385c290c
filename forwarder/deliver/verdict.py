"""What an attempt's result means for its batch: the status table, overridden by the webhook's `statusPolicy`. Pure."""

from __future__ import annotations

from dataclasses import replace

from forwarder.deliver.retry_after import retry_after
from forwarder.deliver.status_policy import override
from forwarder.model.attempt import NOT_THE_ENDPOINTS, Failure, Fault, Response
from forwarder.model.verdict import (
    Bisect,
    Delivered,
    Disable,
    Drop,
    Halve,
    Held,
    Interrupted,
    Pace,
    Partial,
    Retry,
    Verdict,
)
from forwarder.settings.types import StatusAction
from forwarder.settings.webhook import Webhook

_MENDED_BY_A_PERSON = frozenset({Fault.TLS, Fault.EGRESS, Fault.CREDENTIALS})
_ENDPOINT_FAULTS = frozenset({401, 403, 404, 407})
_PASSING = frozenset({408, 425, 429})


def judge(
    result: Response | Failure,
    *,
    events: int,
    webhook: Webhook,
    now_wall: float,
    reading: Verdict | StatusAction | None = None,
) -> Verdict:
    """`events` is the batch's size, for the reason's text; `now_wall` (Unix seconds) dates a `Retry-After`.

    The webhook's owner has the first word (`statusPolicy`), then what its payload format read out of the answer (`reading`), then
    the table of the format, then the usual one.
    """
    match result:
        case Failure(fault=Fault.CANCELLED):
            return Interrupted()
        case Failure(fault=fault, text=text) if fault in NOT_THE_ENDPOINTS:
            return Held(f"{fault.value}: {text}")
        case Failure(fault=fault, text=text):
            pace = Pace.SLOW if fault in _MENDED_BY_A_PERSON else Pace.NORMAL
            return Retry(pace, f"{fault.value}: {text}")
        case Response(status=status):
            action = override(status, webhook.status_policy) or reading
            action = action or override(status, webhook.payload.spec.status) or usual_action(status)
            if not isinstance(action, str):
                return _dated(action, result, webhook, now_wall)
            return _verdict(action, result, events, webhook, now_wall)


def usual_action(status: int) -> StatusAction:
    """What a status means where nobody overrides it (RFC 9110, section 15, for the meanings)."""
    if 200 <= status <= 299:
        return "deliver"
    if status == 410:
        return "disable"
    if status == 413:
        return "halve"
    if status in _PASSING or status >= 500:  # beyond 599 counts as a server error (RFC 9110, section 15)
        return "retry"
    if status < 400 or status in _ENDPOINT_FAULTS:  # 1xx and 3xx: the address is not the receiver's
        return "retrySlow"
    return "bisect"


def _dated(verdict: Verdict, response: Response, webhook: Webhook, now_wall: float) -> Verdict:
    """The format's verdict, with the receiver's own wish for the next attempt where the format found none, and never beyond the
    webhook's cap."""
    if not isinstance(verdict, Retry | Partial):
        return verdict
    if verdict.after is None:
        return replace(verdict, after=_wish(response, webhook, now_wall))
    return replace(verdict, after=min(verdict.after, webhook.retry.retry_after_cap))


def _wish(response: Response, webhook: Webhook, now_wall: float) -> float | None:
    cap = webhook.retry.retry_after_cap
    return retry_after(response.headers.get("retry-after"), now_wall=now_wall, cap=cap)


def _verdict(action: StatusAction, response: Response, events: int, webhook: Webhook, now_wall: float) -> Verdict:
    match action:
        case "deliver":
            return Delivered()
        case "retry" | "retrySlow":
            wish = _wish(response, webhook, now_wall)
            pace = Pace.SLOW if action == "retrySlow" else Pace.NORMAL
            return Retry(pace, _reason(response.status), wish)
        case "halve":
            return Halve(f"status {response.status} for {_count(events)}")
        case "bisect":
            return Bisect(f"status {response.status} for {_count(events)}")
        case "disable":
            return Disable(f"status {response.status}: the receiver is gone for good")
        case "drop":
            return Drop(f"status {response.status}, which statusPolicy drops")


def _reason(status: int) -> str:
    return f"status {status}" + (", a redirect, which is not followed" if 300 <= status <= 399 else "")


def _count(events: int) -> str:
    return "1 event" if events == 1 else f"{events} events"

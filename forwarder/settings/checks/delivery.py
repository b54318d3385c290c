"""Checks of how a webhook delivers: time limits, retries, status policy, certificates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook

_STATUS = re.compile(r"[1-5]xx|[1-5]\d\d|([1-5]\d\d)-([1-5]\d\d)")

_Said = Iterator[tuple[tuple[Step, ...], str, Weight]]


def delivery(settings: Settings) -> Iterator[Finding]:
    """All webhooks."""
    for index, hook in enumerate(settings.webhooks):
        for check in (_limits, _statuses, _certificates):
            for path, text, weight in check(hook):
                yield Finding(path, text, index, weight)


def _limits(hook: Webhook) -> _Said:
    if hook.connect_timeout > hook.timeout and "connect_timeout" in hook.model_fields_set:
        yield (
            ("connectTimeout",),
            "is longer than timeout, which ends the request first: it has no effect",
            Weight.WARNING,
        )
    if hook.retry.base <= 0:
        yield (
            ("retry", "base"),
            "must be above zero, or a failing endpoint would be called without a pause",
            Weight.ERROR,
        )
    if hook.retry.cap < hook.retry.base:
        yield ("retry", "cap"), "must not be less than retry.base", Weight.ERROR
    if hook.lossy and hook.never_discards:
        yield (
            ("discardAfter",),
            "`never` has little effect on a lossy webhook: attempts and window are bounded",
            Weight.WARNING,
        )
    if hook.lossy and hook.on_discard == "deadLetter":
        yield (
            ("onDiscard",),
            "a lossy webhook's shed events are noted in the ledger, not copied: there is no time for it when there are too many",
            Weight.WARNING,
        )


def _statuses(hook: Webhook) -> _Said:
    for key in hook.status_policy:
        match = _STATUS.fullmatch(key)
        if not match or (match[1] and match[1] > match[2]):
            yield ("statusPolicy", key), "a status is expected: 404, 4xx or 400-499", Weight.ERROR


def _certificates(hook: Webhook) -> _Said:
    if hook.allow_invalid_certs:
        text = "the receiver's certificate is NOT verified: anybody on the way can read, change and swallow events"
        yield ("allowInvalidCerts",), text, Weight.WARNING
    if hook.allow_invalid_certs and hook.tls.ca_file:
        yield ("tls", "caFile"), "has no effect beside allowInvalidCerts: true", Weight.WARNING

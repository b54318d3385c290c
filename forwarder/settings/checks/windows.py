"""Checks of how a webhook gathers: settings that contradict each other, or that have no effect beside others."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.webhook import Webhook


def windows(settings: Settings) -> Iterator[Finding]:
    """All windows of all webhooks."""
    for index, hook in enumerate(settings.webhooks):
        for path, text in _without_effect(hook):
            yield Finding((path,), text, index, Weight.WARNING)
        if hook.max_bytes > settings.memory.budget:
            text = f"is more than memory.budget ({settings.memory.budget} bytes); raise the budget or lower this"
            yield Finding(("maxBytes",), text, index)


def _without_effect(hook: Webhook) -> Iterator[tuple[str, str]]:
    longest = hook.throttle if hook.max_wait is None else hook.max_wait
    if hook.max_wait is not None and hook.max_wait < hook.throttle:
        yield "maxWait", "is less than throttle, which holds the batch back anyway: it has no effect"
    if hook.idle_gap is not None and hook.idle_gap >= max(longest, hook.throttle):
        yield "idleGap", "is not less than the longest wait (maxWait, throttle): on the live edge it has no effect"
    if hook.flush_level is not None and hook.flush_level <= hook.level:
        yield "flushLevel", "is not above level: every event closes its batch at once, and nothing is gathered"
    if hook.concurrency > 1:
        yield "concurrency", "above 1 the order of batches is given up"

"""Checks of rate limits and concurrency: bounds that contradict each other, or that have no effect beside others."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook

_Said = Iterator[tuple[tuple[Step, ...], str, Weight]]


def limits(settings: Settings) -> Iterator[Finding]:
    """All webhooks."""
    for index, hook in enumerate(settings.webhooks):
        for check in (_adaptive, _rate):
            for path, text, weight in check(hook):
                yield Finding(path, text, index, weight)


def _adaptive(hook: Webhook) -> _Said:
    bounds = hook.adaptive_concurrency
    if not bounds.enable:
        return
    if bounds.max is not None and bounds.min > bounds.max:
        yield ("adaptiveConcurrency", "min"), "must not be more than adaptiveConcurrency.max", Weight.ERROR
    elif bounds.min > hook.concurrency:
        yield ("adaptiveConcurrency", "min"), "must not be more than concurrency", Weight.ERROR
    elif hook.concurrency == 1:
        text = "has no effect beside concurrency: 1; set concurrency to the most requests that may ever be in flight"
        yield ("adaptiveConcurrency",), text, Weight.WARNING
    elif bounds.max is not None and bounds.max > hook.concurrency:
        yield (
            ("adaptiveConcurrency", "max"),
            "is more than concurrency, which bounds it: it has no effect",
            Weight.WARNING,
        )


def _rate(hook: Webhook) -> _Said:
    rate = hook.rate_limit
    if rate is None:
        return
    if rate.on_limit == "fail":
        text = "fail gives up what comes too fast, after an outage the backlog too; wait loses nothing"
        yield ("rateLimit", "onLimit"), text, Weight.WARNING

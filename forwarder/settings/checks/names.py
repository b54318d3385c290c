"""Checks that names are unique: webhooks over all files, rules within a webhook, sources by topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings


def repeated(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Every place of a name that is not alone."""
    counts = Counter(names)
    return ((index, name) for index, name in enumerate(names) if counts[name] > 1)


def names(settings: Settings) -> Iterator[Finding]:
    """All names that must be unique."""
    for index, name in repeated([hook.name for hook in settings.webhooks]):
        yield Finding(("name",), f"{name!r} is the name of more than one webhook; names must be unique", index)
    for index, topic in repeated([source.topic for source in settings.sources]):
        yield Finding(("sources", index, "topic"), f"{topic!r} is here more than once; one source per topic")
    for at, hook in enumerate(settings.webhooks):
        for index, name in repeated([rule.name for rule in hook.rules]):
            yield Finding(("rules", index, "name"), f"{name!r} is the name of more than one rule of this webhook", at)

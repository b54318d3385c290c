"""The built-in event sets, read once from the files beside this one. Judges no webhook.

A file holds `source` (where the names come from), `note`, and `sets`: what is written under `eventSets` in a configuration, plus
`guessed` where the vendor's public pages do not give the name that is in the event, so that the patterns are a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from forwarder.settings.process import EventSet
from forwarder.settings.shipped import shipped
from forwarder.settings.webhook import Webhook


@dataclass(frozen=True, slots=True)
class BuiltinSet:
    """`name` is what webhooks write. `guessed` says that the patterns are a guess; `source` where the names come from."""

    name: str
    set: EventSet
    guessed: bool
    source: str


@cache
def builtin() -> dict[str, BuiltinSet]:
    """By name, product by product, in each file's order. Raises pydantic's ValidationError where a file of ours is wrong."""
    found = shipped("forwarder.settings.sets", ".", ".yaml")
    sets = [one for product, text in found.items() for one in _sets(product, yaml.safe_load(text))]
    return {one.name: one for one in sets}


def named(hook: Webhook) -> list[str]:
    """The sets that a webhook or one of its rules names, each once."""
    parts = (hook.event_sets, *(rule.event_sets for rule in hook.rules))
    return list(dict.fromkeys(name for part in parts for name in part))


def _sets(product: str, document: dict[str, Any]) -> list[BuiltinSet]:
    source = " ".join(str(document["source"]).split())
    made = []
    for name, fields in document["sets"].items():
        guessed = bool(fields.pop("guessed", False))
        made.append(BuiltinSet(f"{product}.{name}", EventSet.model_validate(fields), guessed, source))
    return made

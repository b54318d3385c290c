"""One sample record per envelope preset, in the shape that its real producer emits. Holds data and finds it; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from forwarder.model.event import Headers

_HEADERS: Mapping[str, Headers] = {"standard-webhooks": (("webhook-id", b"msg_2Lml1mXqKq9rC8yTqfVnJ4wZb0E"),)}

NAMES = ("falco", "ocsf", "cloudevents", "sysdig", "stalwart", "ecs", "sourcedefense", "standard-webhooks", "raw")
"""The presets that have a sample: all but `auto`, which has no shape of its own."""


def value(preset: str) -> bytes:
    """The record's value: JSON on one line. Raises KeyError for a preset without a sample."""
    if preset not in NAMES:
        raise KeyError(preset)
    return files(__name__).joinpath(f"{preset}.json").read_bytes().strip()


def headers(preset: str) -> Headers:
    """The record's headers."""
    return _HEADERS.get(preset, ())

"""The presets by name and in order of precedence. A new preset is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.source.presets import (
    cloudevents,
    ecs,
    falco,
    ocsf,
    sourcedefense,
    stalwart,
    standard_webhooks,
    sysdig,
)
from forwarder.source.presets.base import Preset

IN_ORDER: tuple[Preset, ...] = (
    cloudevents.PRESET,
    ocsf.PRESET,
    sysdig.PRESET,
    falco.PRESET,
    ecs.PRESET,
    stalwart.PRESET,
    sourcedefense.PRESET,
    standard_webhooks.PRESET,
)
"""Presets of JSON objects; `auto` takes the first that fits: what says its own name loudest comes first."""

BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in IN_ORDER}

AUTO = "auto"
RAW = "raw"
NAMES: tuple[str, ...] = (AUTO, *BY_NAME, RAW)

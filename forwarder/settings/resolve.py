"""Puts in place what a webhook names and is defined elsewhere: payload formats of the user's own, event sets that ship with
Forwarder. Judges nothing: what cannot be found is left as it is, for the checks to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from forwarder.settings.payload import MODELS, CustomPayload, Payload, model_of
from forwarder.settings.process import EventSet, Settings
from forwarder.settings.providers.modes import chosen
from forwarder.settings.providers.shapes import Complaint, complaints
from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.sets.catalogue import builtin, named
from forwarder.settings.templates.resolve import filled
from forwarder.settings.webhook import Webhook

_NAME = re.compile("[a-z][a-z0-9-]{0,62}")


def resolved(settings: Settings) -> Settings:
    """The settings with every reference replaced by what it stands for."""
    webhooks = tuple(_webhook(hook, settings) for hook in settings.webhooks)
    return settings.model_copy(update={"webhooks": webhooks, "event_sets": _event_sets(settings)})


def _event_sets(settings: Settings) -> dict[str, EventSet]:
    """The configuration's own sets, and the built-in ones that a webhook or a rule names; its own come first."""
    asked = dict.fromkeys(name for hook in settings.webhooks for name in named(hook))
    shipped = {name: builtin()[name].set for name in asked if name in builtin()}
    return settings.event_sets | {name: shipped[name] for name in shipped if name not in settings.event_sets}


def _webhook(hook: Webhook, settings: Settings) -> Webhook:
    payload = hook.payload
    written = chosen(filled(payload, settings.templates, hook.name))
    if written is not payload:
        return hook.model_copy(update={"payload": written})
    if not isinstance(payload, CustomPayload) or payload.format not in settings.providers:
        return hook
    spec = settings.providers[payload.format]
    if any(provider_problems(payload.format, spec)):
        return hook
    try:
        made = model_of(payload.format, spec).model_validate(given(payload))
    except ValidationError:
        return hook
    return hook.model_copy(update={"payload": made})


def given(payload: CustomPayload) -> dict[str, Any]:
    """What a payload's document says."""
    return {"format": payload.format, "timestampFormat": payload.timestamp_format} | (payload.model_extra or {})


def provider_problems(name: str, spec: ProviderSpec) -> Iterator[Complaint]:
    """Why a provider of the user's own cannot be used."""
    if name in MODELS:
        yield (), f"{name!r} is built in; choose another name"
    elif not _NAME.fullmatch(name):
        yield (), "a name of small letters, digits and hyphens is expected, such as `my-siem`"
    for option in spec.options:
        if hasattr(Payload, option):
            yield ("options", option), "is a name that every payload has already; choose another"
    yield from complaints(spec)

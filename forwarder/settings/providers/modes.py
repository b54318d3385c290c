"""Formats whose rules depend on an option: `cloudevents` has one event per request, but for `mode: batch`. Judges nothing."""

from __future__ import annotations

from forwarder.settings.payload import MODELS, Payload

_CLOUDEVENTS = MODELS["cloudevents"]


class Batched(_CLOUDEVENTS):  # type: ignore[valid-type, misc]
    """CloudEvents of which a request holds many."""


Batched.spec = _CLOUDEVENTS.spec.model_copy(
    update={"batch": "array", "caps": _CLOUDEVENTS.spec.caps.model_copy(update={"max_events": None})}
)


def chosen(payload: Payload) -> Payload:
    """The payload with the rules of its mode; one of another format, or already chosen, as it is."""
    if not isinstance(payload, _CLOUDEVENTS) or isinstance(payload, Batched) or payload.options["mode"] != "batch":
        return payload
    made: Payload = Batched.model_validate({name: getattr(payload, name) for name in payload.model_fields_set})
    return made

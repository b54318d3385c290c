"""What an event adds to a body, by what its payload format says of itself. An estimate, so that windows close in time: what was
rendered is measured again before it is sent. Renders nothing itself."""

from __future__ import annotations

import msgspec

from forwarder.model.event import Event, identity
from forwarder.settings.providers.spec import Sizing

LONGEST_CLUSTER = "c" * 64
"""A lane does not know its cluster's name, which is a part of the id of an event without one."""


def body_size(event: Event, wrapping: Sizing) -> int:
    """Bytes of an event in a body, with a separator. `wrapping` is what the payload format puts around its value."""
    value = event.value
    size = 5 if value is None else len(value) + 1
    if (event.text or wrapping.quoted) and value is not None:
        size = _string_size(value.decode("utf-8", "replace")) + 1
    size = size * wrapping.values + wrapping.event
    if wrapping.names:
        names = _string_size(event.id or identity(event, LONGEST_CLUSTER)) + _string_size(event.type)
        size += wrapping.names * names
    if wrapping.places:
        size += wrapping.places * (len(identity(event, LONGEST_CLUSTER)) + _string_size(event.tenant))
    return size


def _string_size(text: str) -> int:
    try:
        return len(msgspec.json.encode(text))
    except UnicodeEncodeError:
        return len(msgspec.json.encode(text.encode("utf-8", "replace").decode("utf-8")))

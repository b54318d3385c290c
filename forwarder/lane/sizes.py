"""What an event adds to a body, never less than what the payload formats make of it. Renders nothing itself."""

from __future__ import annotations

import msgspec

from forwarder.model.event import Event, identity

LONGEST_CLUSTER = "c" * 64
"""A lane does not know its cluster's name, which is a part of the id of an event without one."""

WRAPPER_BYTES = 68
"""Of `{"id":,"createdAt":,"type":,"data":}` around an event (36) with a time of the longest form, RFC 3339 in quotes (32)."""

FRAME_BYTES = 11
"""What `{"events":[]}` has around all events beyond `[]`."""


def body_size(event: Event, wrapped: bool) -> int:
    """Bytes of its value and a separator (a body has one more byte around all of them). `wrapped`: in its own JSON object."""
    value = event.value
    size = 5 if value is None else len(value) + 1
    if event.text and value is not None:
        size = _string_size(value.decode("utf-8", "replace")) + 1
    if wrapped:
        size += WRAPPER_BYTES + _string_size(event.id or identity(event, LONGEST_CLUSTER)) + _string_size(event.type)
    return size


def _string_size(text: str) -> int:
    try:
        return len(msgspec.json.encode(text))
    except UnicodeEncodeError:
        return len(msgspec.json.encode(text.encode("utf-8", "replace").decode("utf-8")))

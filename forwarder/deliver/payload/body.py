"""The pieces of a body that every format needs. Never looks inside a record's value."""

from __future__ import annotations

import msgspec

from forwarder.model.event import Event

_LINE_BREAKS_TO_SPACES = bytes.maketrans(b"\r\n", b"  ")


def json_string(text: str) -> bytes:
    """A JSON string (RFC 8259). A lone surrogate, which UTF-8 cannot carry, becomes `?`."""
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        return msgspec.json.encode(text.encode("utf-8", "replace").decode("utf-8"))


def json_value(event: Event) -> bytes:
    """The record's own bytes as one JSON value: untouched, `null` where there are none, a JSON string for a text."""
    if event.value is None:
        return b"null"
    if event.text:
        return json_string(event.value.decode("utf-8", "replace"))
    return event.value


def on_one_line(value: bytes) -> bytes:
    """The same JSON value without line breaks.

    Outside of strings a line break is plain white space and inside of them it may only appear escaped (RFC 8259, sections 2
    and 7), so a space in its place changes no token, and unlike re-encoding this cannot fail or touch a number.
    """
    return value.translate(_LINE_BREAKS_TO_SPACES)

"""Writing text and values into a frame, each value escaped for its place. Counts every byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from forwarder.deliver.template.bounds import MAX_OUTPUT_BYTES
from forwarder.deliver.template.calls import missing
from forwarder.deliver.template.frame import Frame, Step
from forwarder.deliver.template.scope import Getter
from forwarder.deliver.template.tree import Emit, Place, RenderError, Text, Writing
from forwarder.deliver.template.values import MISSING, Json, encoded, quoted, text_of


def _too_long(place: Place) -> RenderError:
    return RenderError(place, f"the body is larger than {MAX_OUTPUT_BYTES} bytes", bounded=True)


def encoded_text(statement: Text) -> bytes:
    """A template's text as it goes over the wire."""
    return statement.text.encode("utf-8", "replace")


def text_step(place: Place, content: bytes) -> Step:
    size = len(content)

    def write(frame: Frame) -> None:
        frame.room -= size
        if frame.room < 0:
            raise _too_long(place)
        frame.out.append(content)

    return write


def value_step(statement: Emit, get: Getter, before: bytes = b"") -> Step:
    """Writes the text before a value, and the value; one that is missing ends the rendering."""
    place, written, size = statement.place, _WRITERS[statement.writing], len(before)

    def emit(frame: Frame) -> None:
        value = get(frame)
        if value is MISSING:
            raise missing(place, statement.of)
        content = written(value)
        frame.room -= size + len(content)
        if frame.room < 0:
            raise _too_long(place)
        frame.out += (before, content)

    return emit


def _plain(value: Any) -> bytes:
    return text_of(value).encode("utf-8", "replace")


def _value(value: Any) -> bytes:
    return value.encode() if value.__class__ is Json else encoded(value)


_WRITERS: Mapping[Writing, Callable[[Any], bytes]] = {
    Writing.PLAIN: _plain,
    Writing.QUOTED: quoted,
    Writing.VALUE: _value,
}

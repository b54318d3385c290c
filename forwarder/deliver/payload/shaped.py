"""A format that is data alone: the tree of its file, filled in for each event. Looks into a record only where the tree does."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import on_one_line
from forwarder.deliver.payload.provider import Body, Provider, Unrenderable
from forwarder.deliver.payload.records import severity_words
from forwarder.deliver.payload.shape.compile import Compiler, Writer
from forwarder.deliver.payload.shape.names import SLOT, Getter
from forwarder.deliver.payload.shape.scene import Scene
from forwarder.model.event import TP, Event
from forwarder.settings.payload import Payload
from forwarder.settings.providers.leaves import LeafError, Reference, parse

_NOBODY = Event(TP("", 0), 0, 0, None, None, (), "", "", 0, 0, "", 0)
_ROUNDS = 4
"""How often an event that is too large is written again to use what room is left."""
_EARLY = 16
"""Bytes that a cut may leave unused, where it would have split something."""
_FIXED = {
    "array": (b"[", b",", b"]"),
    "lines": (b"", b"\n", b"\n"),
    "concatenated": (b"", b"", b""),
    "one": (b"", b"\n", b""),
}


class Shaped(Provider):
    """`spec.body` for each event, joined as `spec.batch` says.

    An event that is too large for the receiver is written again with its record's texts cut, so that it fits.
    """

    def __init__(self, payload: Payload, cluster: str) -> None:
        """Raises LeafError (a ValueError) for a tree that the checks refuse."""
        super().__init__(payload, cluster)
        spec = self.spec
        compiler = self._compiler = Compiler(
            payload.timestamp_format, severity_words(payload), spec.marker, self.options, self.secret
        )
        self._write = _writer(compiler.compile(spec.body))
        self._around = self._compiled_around()
        self._start, self._between, self._end = _FIXED.get(spec.batch, (b"", b",", b""))

    def part(self, text: str) -> Getter:
        """One part of an event, written as in a tree. Raises LeafError."""
        leaf = parse(text)
        if not isinstance(leaf, Reference):
            raise LeafError(f"{text!r} is no part of an event")
        return self._compiler.value(leaf)

    def render(self, events: Sequence[Event]) -> Body:
        """Raises Unrenderable for events that are too large even without their records, SecretUnavailable."""
        start, end = self._around(len(events)) if self._around else (self._start, self._end)
        parts = self._parts(events, len(start) + len(end))
        content = start + self._between.join(parts) + end if parts or self.spec.batch != "lines" else b""
        return Body(content, self.spec.content_type)

    def _parts(self, events: Sequence[Event], frame: int) -> list[bytes]:
        caps = self.spec.caps
        bounds = [most for most in (caps.event_bytes, caps.max_bytes and caps.max_bytes - frame) if most]
        most = min(bounds, default=None)
        parts: list[bytes] = []
        refused: list[int] = []
        for index, event in enumerate(events):
            scene = Scene(event, self.cluster, len(events))
            part = self._write(scene) or b"null"
            if most is not None and len(part) > most:
                part = self._cut(scene, most)
                if len(part) > most:
                    refused.append(index)
            parts.append(on_one_line(part) if self.spec.batch == "lines" else part)
        if refused:
            raise Unrenderable(
                refused, f"larger than the {most} bytes that {self.spec.title} takes, even without its record"
            )
        return parts

    def _cut(self, scene: Scene, most: int) -> bytes:
        """The event with its long values cut to one length, the greatest with which it fits, or nearly so."""
        scene.room = len(self.spec.marker.encode()) * 6 + 2
        part = self._write(scene) or b"null"
        for _ in range(_ROUNDS):
            # those that were cut may take what is left, the others have all; each may have ended a character or an escape early
            more = (most - len(part)) // scene.cuts - _EARLY if scene.cuts else 0
            if more <= 0:
                break
            scene.room, scene.cuts = scene.room + more, 0
            part = self._write(scene) or b"null"
        return part

    def _compiled_around(self) -> _Around | None:
        if self.spec.around is None or self.spec.batch != "envelope":
            return None
        return _Around(self)


class _Around:
    """The tree around all events, in two halves."""

    def __init__(self, shaped: Shaped) -> None:
        compiler = Compiler(shaped.payload.timestamp_format, (), "", shaped.options, shaped.secret)
        self._write = _writer(compiler.compile(shaped.spec.around))
        self._cluster = shaped.cluster

    def __call__(self, count: int) -> tuple[bytes, bytes]:
        """What stands before the events and after them."""
        whole = self._write(Scene(_NOBODY, self._cluster, count)) or b""
        before, _, after = whole.partition(SLOT)
        return before + b"[", b"]" + after


def _writer(compiled: Writer | bytes | None) -> Writer:
    """A tree without any part of an event is written as it is."""
    if compiled is None or isinstance(compiled, bytes):
        fixed = compiled
        return lambda scene: fixed
    return compiled

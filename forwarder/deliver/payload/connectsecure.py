"""`connectsecure`: `{"subject","body"}`, one line of text per event.

Source: cybercns.atlassian.net, "ALERT: Webhook" (2083554002), "Payload Guide": two texts; `subject` is the category and what parsers
route by; `body` may have several lines. The product's own words for each event are not public: lines are templates here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import translate

from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.digest import plain
from forwarder.deliver.payload.provider import Body, Provider
from forwarder.deliver.payload.shape.compile import Compiler
from forwarder.deliver.payload.shape.cutting import cut_bytes
from forwarder.deliver.payload.shape.scene import Scene, text_of
from forwarder.model.event import Event
from forwarder.settings.payload import Payload
from forwarder.settings.providers.shapes import tree_complaints

LINE_BYTES = 1000
_SUBJECT_BYTES = 250
_TOP = 3
_GENERAL = "$summary"
_WILD = re.compile(r"[*?\[]")

Line = Callable[[Scene], str]


class ConnectSecure(Provider):
    """`lines`: event type, or a glob of types, to the template of its line; the exact type comes first, then the globs as they
    stand in the file."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        """Raises LeafError (a ValueError) for a template that cannot be read (refused at load)."""
        super().__init__(payload, cluster)
        given: Mapping[str, str] = self.options["lines"]
        self._exact = {kind: self._line(text) for kind, text in given.items() if not _WILD.search(kind)}
        self._globs = [
            (re.compile(translate(kind)).match, self._line(text)) for kind, text in given.items() if _WILD.search(kind)
        ]
        self._general = self._line(_GENERAL)
        self._subject = self._line(self.options["subject"])

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        scenes = [Scene(event, self.cluster, len(events)) for event in events]
        subjects = Counter(self._cut(self._subject(scene), _SUBJECT_BYTES) or "Event" for scene in scenes)
        lines = "\n".join([self._told(scene) for scene in scenes])
        content = b'{"subject":%b,"body":%b}' % (json_string(_together(subjects)), json_string(lines))
        return Body(content, self.spec.content_type)

    def _told(self, scene: Scene) -> str:
        """Never empty: no event goes unmentioned."""
        own = self._cut(self._for(scene.event.type)(scene), LINE_BYTES)
        return own or self._cut(self._general(scene), LINE_BYTES)

    def _for(self, kind: str) -> Line:
        found = self._exact.get(kind)
        return found or next((line for matches, line in self._globs if matches(kind)), self._general)

    def _cut(self, text: str, most: int) -> str:
        """On one line: a line break in an event must not look like another event."""
        return cut_bytes(plain(text), most, self.spec.marker)

    def _line(self, template: str) -> Line:
        compiler = Compiler(self.payload.timestamp_format, self.spec.severity, self.spec.marker, {}, self.secret)
        written = compiler.compile(template)
        if written is None or isinstance(written, bytes):
            fixed = text_of(written or b'""')
            return lambda scene: fixed
        return lambda scene: text_of(written(scene) or b'""')


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Templates that cannot be used."""
    for _, problem in tree_complaints(payload.options["subject"], payload.spec):
        yield "subject", problem
    for kind, template in payload.options["lines"].items():
        for _, problem in tree_complaints(template, payload.spec):
            yield "lines", f"{kind!r}: {problem}"


def _together(subjects: Counter[str]) -> str:
    """One subject where all events share it, else how many there are of which."""
    ranked = sorted(subjects.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) == 1:
        return ranked[0][0]
    told = [f"{subject} ({count})" for subject, count in ranked[:_TOP]]
    more = f", {len(ranked) - _TOP} more" if len(ranked) > _TOP else ""
    return f"{subjects.total()} events: {', '.join(told)}{more}"

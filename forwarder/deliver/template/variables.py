"""The variables of templates: those of one event, those of a batch. Holds no event and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forwarder.deliver.template import sift
from forwarder.deliver.template.frame import Frame
from forwarder.deliver.template.scope import Getter, Kind, Variable, Vocabulary
from forwarder.deliver.template.subject import FIELDS, UNREAD, severity_name


def _of_one(name: str) -> Getter:
    """A field of the one event, worked out once."""
    work_out = FIELDS[name]

    def get(frame: Frame) -> Any:
        value = frame.found.get(name, UNREAD)
        if value is UNREAD:
            value = frame.found[name] = work_out(frame.subject)
        return value

    return get


_DIRECT: Mapping[str, Getter] = {name: _of_one(name) for name in FIELDS}
_VALUES: dict[str, Variable] = {"values": Variable(lambda frame: frame.values, Kind.VALUES)}
_BATCH: dict[str, Variable] = {
    "events": Variable(lambda frame: frame.subjects, Kind.EVENTS),
    "count": Variable(lambda frame: len(frame.subjects)),
    "worstSeverity": Variable(lambda frame: max(one.event.severity for one in frame.subjects)),
    "worstSeverityName": Variable(lambda frame: severity_name(max(one.event.severity for one in frame.subjects))),
}
_SINGLE: dict[str, Variable] = {
    "event": Variable(lambda frame: frame.subject, Kind.EVENT),
    **{name: Variable(_DIRECT[name]) for name in ("data", *sift.PATHS)},
}
ONE = Vocabulary(
    _SINGLE | _VALUES,
    dict.fromkeys(_BATCH, "is there only where one body holds the whole batch: `batch: digest`"),
    FIELDS,
    _DIRECT,
)
"""The variables of a template that is rendered for each event."""

DIGEST = Vocabulary(
    _BATCH | _VALUES,
    dict.fromkeys(
        _SINGLE,
        "is that of one event, and this template holds the whole batch: loop over `events`, or say `batch: one`",
    ),
    FIELDS,
    {},
)
"""The variables of a template that is rendered once for a batch."""

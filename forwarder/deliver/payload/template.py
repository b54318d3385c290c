"""`template`: bodies that users write themselves. What cannot be rendered whole is never sent."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import on_one_line
from forwarder.deliver.payload.provider import Body, Overfull, Provider, Unrenderable
from forwarder.deliver.template.bounds import MAX_OUTPUT_BYTES, WORK, WORK_PER_EVENT
from forwarder.deliver.template.engine import Template, compile_template, is_json, is_lines
from forwarder.deliver.template.subject import Subject
from forwarder.deliver.template.tree import RenderError, TemplateError
from forwarder.model.event import Event
from forwarder.settings.payload import Payload
from forwarder.settings.templates.resolve import filled, is_filled

_NAMED = 3  # failed events whose reasons are told; the rest are counted


class Templated(Provider):
    """One template, for each event or for the batch. Raises ValueError for a template that cannot be used."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        payload = filled(payload, {}, "")
        super().__init__(payload, cluster)
        self._template = compiled(payload)
        self._batch = self.options["batch"]
        self._style = payload.timestamp_format if "timestamp_format" in payload.model_fields_set else None

    def render(self, events: Sequence[Event]) -> Body:
        """Raises Unrenderable."""
        webhook = self.options["webhookId"] or ""
        subjects = [Subject(event, at, self.cluster, webhook, self._style) for at, event in enumerate(events)]
        if self._batch == "one" and len(events) != 1:
            raise ValueError(f"{len(events)} events for a template that takes one")
        content_type = self.options["contentType"]
        content = self._content(subjects)
        # Signatures that cover the time of sending must say what the body says.
        return Body(content, content_type, sent_at=str(subjects[0].found.get("SentAt") or ""))

    def _content(self, subjects: list[Subject]) -> bytes:
        if self._batch in ("one", "digest"):
            return self._whole(subjects)
        bodies = self._each(subjects)
        if self._batch == "array":
            return b"[" + b",".join(bodies) + b"]"
        return b"".join([on_one_line(body) + b"\n" for body in bodies])

    def _whole(self, subjects: list[Subject]) -> bytes:
        try:
            return self._template.render(subjects)
        except RenderError as error:
            if error.bounded and len(subjects) > 1:  # all of them share the bounds: who took the most is not known
                raise Overfull(self._told([str(error)], 1)) from None
            blamed = range(len(subjects)) if error.event is None else (error.event,)
            raise Unrenderable(blamed, self._told([str(error)], len(blamed))) from None

    def _each(self, subjects: list[Subject]) -> list[bytes]:
        bodies, failed = [], {}
        room, work = MAX_OUTPUT_BYTES, WORK + WORK_PER_EVENT * len(subjects)
        for subject in subjects:
            steps = WORK
            try:
                body, steps = self._template.measured((subject,))
                bodies.append(body)
                room -= len(body)
            except RenderError as error:
                failed[subject.index] = str(error)
                steps *= error.bounded
            work -= steps
            if (room < 0 or work < 0) and len(subjects) > 1:
                raise Overfull(self._told([f"{len(subjects)} events take more together than one rendering may"], 1))
        if failed:
            raise Unrenderable(tuple(failed), self._told(list(dict.fromkeys(failed.values())), len(failed)))
        return bodies

    def _told(self, errors: list[str], events: int) -> str:
        name = self.options["template"]
        said = "; ".join(errors[:_NAMED]) + (f"; and {len(errors) - _NAMED} more" if len(errors) > _NAMED else "")
        return f"template{f' {name}' if name else ''}: {said}" + (f" ({events} events)" if events > 1 else "")


def compiled(payload: Payload) -> Template:
    """The template of a payload that is filled in. Raises ValueError, whose text starts with the line and column in the
    template."""
    options = payload.options
    if not is_filled(payload):
        raise ValueError(f"there is no template {options['template']!r}")
    json, digest = is_json(options["contentType"]), options["batch"] == "digest"
    if options["batch"] == "array" and not json:
        raise ValueError(f"batch array needs a JSON content type, not {options['contentType']}")
    lines = is_lines(options["contentType"]) and options["batch"] != "lines"
    try:
        return compile_template(
            options["body"], options["syntax"], json=json, digest=digest, values=options["values"], lines=lines
        )
    except TemplateError as error:
        raise ValueError(str(error)) from None

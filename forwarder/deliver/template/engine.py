"""One template, ready to use: read, checked and compiled when the configuration is loaded, rendered for batches of events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from forwarder.deliver.template import go_functions, go_reader, jinja_functions, jinja_reader
from forwarder.deliver.template.bounds import MAX_TEMPLATE_BYTES
from forwarder.deliver.template.compile_statements import Statements
from forwarder.deliver.template.frame import Frame, Step
from forwarder.deliver.template.json_context import check_shape, escaped
from forwarder.deliver.template.scope import Names
from forwarder.deliver.template.subject import Subject, Undecodable
from forwarder.deliver.template.tree import Place, RenderError, TemplateError
from forwarder.deliver.template.variables import DIGEST, ONE

START = Place(1, 1)
_READERS = {
    "go": (go_reader.read, go_functions.FUNCTIONS, go_functions.LENIENT),
    "jinja": (jinja_reader.read, jinja_functions.FUNCTIONS, jinja_functions.LENIENT),
}
_JSON = re.compile(
    r"(application/json|[\w.+-]+/[\w.+-]+\+json|application/x-ndjson)\s*(;.*)?", re.IGNORECASE | re.DOTALL
)
_check = msgspec.json.Decoder(msgspec.Raw).decode  # reads every token, and builds nothing of them


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. `json`: its values are escaped for JSON, and what it gives is JSON; with `lines` one
    document per line."""

    json: bool
    steps: tuple[Step, ...] = field(repr=False)
    slots: int
    values: Mapping[str, str]
    lines: bool = False

    def render(self, subjects: Sequence[Subject]) -> bytes:
        """The body for these events (one, unless the template is of a whole batch). Raises RenderError."""
        return self.measured(subjects)[0]

    def measured(self, subjects: Sequence[Subject]) -> tuple[bytes, int]:
        """The body, and how many steps it took. Raises RenderError."""
        frame = Frame(subjects, self.slots, self.values)
        given = frame.work
        try:
            for step in self.steps:
                step(frame)
        except Undecodable as error:
            raise _failed(str(error), error.event) from None
        except RecursionError:
            raise _failed("a value is nested too deep") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            raise _failed(f"a value cannot be written ({type(error).__name__})") from None
        body = b"".join(frame.out)
        for document in body.splitlines() if self.lines else (body,):
            if self.json and (document.strip() or not self.lines):
                _parse(document)
        return body, given - frame.work


def _failed(text: str, event: int | None = None) -> RenderError:
    error = RenderError(START, text)
    error.event = event
    return error


def _parse(body: bytes) -> None:
    """What is not JSON is never sent. Raises RenderError."""
    try:
        _check(body.decode())
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _failed(f"the body is no JSON: {str(error).removeprefix('JSON is malformed: ')}") from None


def is_lines(content_type: str) -> bool:
    """Whether a media type is that of one JSON document per line."""
    return content_type.partition(";")[0].strip().lower() == "application/x-ndjson"


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON: then templates are escaped and bodies parsed."""
    return _JSON.fullmatch(content_type.strip()) is not None


def compile_template(
    source: str, syntax: str, *, json: bool, digest: bool, values: Mapping[str, str] | None = None, lines: bool = False
) -> Template:
    """`syntax` is go or jinja. `digest`: one body for a whole batch. `lines`: a JSON document on each line. `values` are the
    webhook's own, the same for every event.

    Raises TemplateError, whose text starts with line:column.
    """
    size = len(source.encode("utf-8", "replace"))
    if size > MAX_TEMPLATE_BYTES:
        raise TemplateError(START, f"a template may have {MAX_TEMPLATE_BYTES} bytes; this one has {size}")
    own = dict(values or {})
    read, functions, lenient = _READERS[syntax]
    statements = Statements(functions, lenient, replace(DIGEST if digest else ONE, values=tuple(own)))
    try:
        body = read(source)
        if json:
            body = escaped(body)
        steps = statements.block(body, Names())
        if json and not lines:
            check_shape(body)
    except RecursionError:
        raise TemplateError(START, "this template is nested too deep") from None
    return Template(json, tuple(steps), statements.slots, own, lines)

"""Every template of a configuration, compiled and tried once when it is loaded. Says where each mistake is; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from forwarder.deliver.payload.template import compiled
from forwarder.deliver.template.subject import Subject
from forwarder.deliver.template.tree import RenderError
from forwarder.model.event import TP, Event
from forwarder.settings.payload import Payload, payload_of
from forwarder.settings.problems import Finding, nearest
from forwarder.settings.process import Settings
from forwarder.settings.templates.model import Template
from forwarder.settings.templates.resolve import FORMAT, filled, is_filled
from forwarder.settings.templates.sources import body_of, starters

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+[ \t]*(;[ -~]*)?", re.ASCII)
_OWN_VALUE = re.compile(r"""\bvalues(?:\.|\[["'])(\w+)""")
_HARMLESS = Event(
    tp=TP("trial", 0), offset=0, timestamp_ms=1, key=None, value=b"{}", headers=(), id="trial", type="trial", when=1,
    severity=4, tenant="trial", size=2,
)  # fmt: skip


def templates(settings: Settings) -> Iterator[Finding]:
    """Every template can be used: those of `templates`, and those that webhooks write or name."""
    broken = set()
    for name, template in settings.templates.items():
        if problem := _of_template(template):
            broken.add(name)
            yield Finding(("templates", name, *problem[0]), problem[1])
    for index, hook in enumerate(settings.webhooks):
        if hook.payload.format == FORMAT and hook.payload.options["template"] not in broken:
            problem = _of_payload(hook.payload, settings)
            if problem is not None:
                yield Finding(("payload", *problem[0]), problem[1], index)


def _of_template(template: Template) -> tuple[tuple[str, ...], str] | None:
    if (template.body is None) is (template.file is None):
        return (), "a template has either `body` or `file`"
    source, unreadable = body_of(template)
    if unreadable:
        return ("file",), unreadable
    if problem := _content_type(template.content_type):
        return ("contentType",), problem
    # Which values there are is for the webhooks to say: each is checked with its own.
    values = dict.fromkeys(_OWN_VALUE.findall(source or ""), "")
    document = {
        "format": FORMAT, "body": source, "syntax": template.syntax, "contentType": template.content_type, "batch": template.batch,
        "values": values,
    }  # fmt: skip
    if problem := problem_of(filled(payload_of(document), {}, "")):
        return ("file",) if template.file else ("body",), _told(template.file or "the template", problem)
    return None


def _of_payload(payload: Payload, settings: Settings) -> tuple[tuple[str, ...], str] | None:
    options, name = payload.options, payload.options["template"]
    if not is_filled(payload):
        return _not_found(options, settings)
    if problem := _content_type(options["contentType"]):
        return ("contentType",), problem
    problem = problem_of(payload)
    if not problem:
        return None
    if name is None:
        return ("body",), _told("the template", problem)
    own = settings.templates.get(name)
    return ("template",), _told(own.file if own and own.file else f"the template {name}", problem)


def _content_type(media_type: str | None) -> str:
    """RFC 9110, section 8.3.1. What is none would be refused at each request, and the events would wait for ever."""
    if media_type is None or _MEDIA_TYPE.fullmatch(media_type):
        return ""
    return "is no media type, such as application/json or text/plain; charset=utf-8"


def _not_found(options: Mapping[str, Any], settings: Settings) -> tuple[tuple[str, ...], str]:
    """Why there is nothing to compile."""
    name = options["template"]
    if (name is None) is (options["body"] is None):
        return (), "a template is given by its name, `template: NAME`, or by its text in `body`: one of the two"
    if name in starters():
        return ("syntax",), f"the template {name} ships in {' and '.join(starters()[name])} only"
    known = [*settings.templates, *starters()]
    return ("template",), f"no template is called {name!r}{nearest(name, known)}; known: {', '.join(known)}"


def _told(what: str, problem: str) -> str:
    """`file:line:column: text`, as compilers write it."""
    return f"{what}:{problem}" if problem[:1].isdigit() else f"{what}: {problem}"


def problem_of(payload: Payload) -> str:
    """What is wrong with a template payload that is filled in, as `line:column: text`; empty when it can be used.

    A template whose own loops or texts are beyond all bounds is told now; what an event alone decides cannot be.
    """
    try:
        template = compiled(payload)
    except ValueError as error:
        return str(error)
    try:
        template.render((Subject(_HARMLESS, 0, "trial", "trial"),))
    except RenderError as error:
        return str(error) if error.bounded else ""
    return ""

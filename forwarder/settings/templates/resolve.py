"""Puts a named template into the payload that names it, with everything that was left to `auto`. Judges nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forwarder.settings.payload import MODELS, Payload
from forwarder.settings.templates.model import Template
from forwarder.settings.templates.sources import body_of, starter

FORMAT = "template"
_TEMPLATED = MODELS[FORMAT]
_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_GO = re.compile(
    r"\{\{-?\s*\(*\s*(?:[.$`]|/\*|(?:if|range|with)\s|(?:end|else)\s*(?:-?\}\}|if\s|with\s)|(?:and|or|not|eq|ne|lt|le|gt|ge|len|index"
    r"|slice|print|printf|println|json|toJson|upper|lower|title|trim|trunc|default|date|join|split|replace|mrkdwn)\s+[.$(\"`'\d])"
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_FILTER = re.compile(r"\|\s*\w+")
_JINJA_BATCH = re.compile(r"(?<![\w.|$])(?:events|count|worstSeverity(?:Name)?)\b(?!\s*=[^=])")
_GO_BATCH = re.compile(r"(?<![\w)\]])\$?\.(?:events|count|worstSeverity(?:Name)?)\b")


class OnePerRequest(_TEMPLATED):  # type: ignore[valid-type, misc]
    """A template that is rendered for each event, each in a request of its own."""


class PerBatch(_TEMPLATED):  # type: ignore[valid-type, misc]
    """A template whose requests hold a whole batch."""


OnePerRequest.spec = _TEMPLATED.spec.model_copy(
    update={"batch": "one", "caps": _TEMPLATED.spec.caps.model_copy(update={"max_events": 1})}
)


def filled(payload: Payload, templates: Mapping[str, Template], webhook: str) -> Payload:
    """The payload with its template's text in `body`, and `syntax`, `contentType`, `batch` and `webhookId` decided.

    A payload of another format, or one whose template is not to be found, is given back as it is.
    """
    if not isinstance(payload, _TEMPLATED) or is_filled(payload):
        return payload
    options = payload.options
    if options["body"] is not None and options["template"] is not None:
        return payload
    chosen = _template(options, templates)
    body = body_of(chosen)[0] if chosen else None
    if chosen is None or body is None:
        return payload
    syntax = _first(options["syntax"], chosen.syntax) or syntax_of(body)
    batch = _first(options["batch"], chosen.batch) or batch_of(body, syntax)
    lines = "application/x-ndjson" if batch == "lines" else "application/json"
    given = {name: getattr(payload, name) for name in payload.model_fields_set} | {
        "body": body,
        "syntax": syntax,
        "batch": batch,
        "contentType": options["contentType"] or chosen.content_type or lines,
        "webhookId": options["webhookId"] or webhook,
    }
    made: Payload = (OnePerRequest if batch == "one" else PerBatch).model_validate(given)
    return made


def _template(options: Mapping[str, Any], templates: Mapping[str, Template]) -> Template | None:
    if options["body"] is not None:
        return Template(body=options["body"])
    name = options["template"]
    return templates.get(name) or starter(name, options["syntax"]) if name else None


def _first(*choices: str) -> str:
    return next((choice for choice in choices if choice != "auto"), "")


def syntax_of(body: str) -> str:
    """`go` where an action starts as only Go's can: with a field, a variable, or one of Go's words; else `jinja`."""
    return "go" if any(_GO.match(action[0]) for action in _ACTION.finditer(body)) else "jinja"


def batch_of(body: str, syntax: str) -> str:
    """`digest` where an action names a variable of the batch. A guess that is wrong is an error when the template is compiled."""
    pattern = _GO_BATCH if syntax == "go" else _JINJA_BATCH
    bare = (_FILTER.sub("|", _QUOTED.sub('""', action[0])) for action in _ACTION.finditer(body))
    uses = any(pattern.search(action) for action in bare)
    return "digest" if uses else "one"


def is_filled(payload: Payload) -> bool:
    """Whether everything that a template needs is there."""
    return isinstance(payload, OnePerRequest | PerBatch)

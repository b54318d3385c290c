"""How the conformance suite reads a body of any format: its values, its texts, and what its shape is without them."""

from __future__ import annotations

import json
from typing import Any

from forwarder.deliver.payload.provider import Body
from forwarder.settings.payload import MODELS


def values(body: Body) -> list[Any]:
    """The JSON values of a body, whatever their number; a body that is no JSON is one text."""
    text = body.content.decode("utf-8")
    if "json" not in body.content_type:
        return [text]
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip("\n"))
    return found


def texts(value: Any) -> list[str]:
    """Every text in a value, names too, in order; those that hold JSON themselves also taken apart."""
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in (name, *texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, str) and value.startswith('{"'):
        try:
            return [value, *texts(json.loads(value))]
        except ValueError:
            return [value]
    return [value] if isinstance(value, str) else []


def words(body: Body) -> str:
    return "\x00".join(
        [text for value in values(body) for text in texts(value)] + [v for _, v in body.headers] + [body.path]
    )


def shape(value: Any) -> Any:
    """The value without its texts and the names of the record: what a text could change by breaking out."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if k in KNOWN}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


KNOWN = {
    name
    for spec in (model.spec for model in MODELS.values())
    for tree in (spec.body, spec.around)
    for name in texts(tree)
}

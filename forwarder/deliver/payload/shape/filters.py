"""What a shape may do with a value: one function per filter. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from forwarder.deliver.payload.shape.cutting import cut, cut_bytes, unique
from forwarder.deliver.payload.shape.scene import Scene, Value, text_of
from forwarder.settings.providers.leaves import Filter

Get = Callable[[Scene], Value | None]
Step = Callable[[Value | None, Scene], Value | None]
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_NO_WORD = re.compile(r"[^A-Za-z0-9_\-./:]", re.ASCII)


def _on_text(change: Callable[[str], Value | None]) -> Step:
    """A filter of texts. What is absent stays absent."""
    return lambda value, scene: None if value is None else change(text_of(value))


def _bytes(most: int, marker: str) -> Step:
    def step(value: Value | None, scene: Scene) -> Value | None:
        if value is None or (isinstance(value, bytes) and len(value) <= most):
            return value
        return cut_bytes(text_of(value), most, marker)

    return step


def _blank(value: Value | None) -> bool:
    """Absent, or a text of nothing but white space, which receivers refuse as if it were absent."""
    return value is None or ((not isinstance(value, bytes) or value[:1] == b'"') and not text_of(value).strip())


def _number(text: str) -> Value | None:
    return text.strip().encode() if _NUMBER.fullmatch(text.strip()) else None


def _mapped(words: Mapping[str, str]) -> Step:
    folded = {key.lower(): word for key, word in words.items()}
    return _on_text(lambda text: folded.get(text.lower()))


def step_of(step: Filter, marker: str, options: Mapping[str, object], other: Callable[[str], Get]) -> Step:
    """The filter as a function. `other` makes another reference's getter (for `or` and `then`)."""
    word = step.argument
    match step.name:
        case "bytes":
            return _bytes(step.count, marker)
        case "default":
            return lambda value, scene: word if _blank(value) else value
        case "or":
            get = other(word)
            return lambda value, scene: get(scene) if _blank(value) else value
        case "then":
            get = other(word)
            return lambda value, scene: None if _blank(value) else get(scene)
        case "map":
            words = options.get(word)
            return _mapped(words if isinstance(words, dict) else {})
        case "cut" | "key":
            most = step.count
            return _on_text(lambda text: cut(text, most, marker) if step.name == "cut" else unique(text, most))
        case "prefix":
            return _on_text(lambda text: word + text)
        case "suffix":
            return _on_text(lambda text: text + word)
    return _on_text(_PLAIN[step.name])


_PLAIN: Mapping[str, Callable[[str], Value | None]] = {
    "text": str,
    "upper": str.upper,
    "lower": str.lower,
    "word": lambda text: _NO_WORD.sub("_", text),
    "number": _number,
}

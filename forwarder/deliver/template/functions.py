"""What both syntaxes can do with values. Each function is pure, refuses what would be too large before making it, and raises
ValueError (for people, quoting no value) where it cannot work."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from forwarder.deliver.template.bounds import items_fit, text_fits
from forwarder.deliver.template.values import Json, Missing, Whole, encoded, text_of

Function = Callable[..., Any]
"""Arguments are values; an argument that is missing never gets here, unless the function is `lenient`."""

Number = int | float


def number(value: Any) -> Number:
    """A number; true and false are none. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"a number is expected, not {kind(value)}")


def whole(value: Any) -> int:
    """A whole number. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"a whole number is expected, not {kind(value)}")


text = text_of
"""A value as text. Never refuses a JSON value."""


def series(value: Any) -> Sequence[Any]:
    """Something to go through: a list, a range, a text's characters, a mapping's keys. Raises ValueError."""
    if isinstance(value, list | tuple | range | str):
        return value
    if isinstance(value, Whole):
        value = value.whole()
    if isinstance(value, dict):
        return list(value)
    raise ValueError(f"a list is expected, not {kind(value)}")


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for kinds, word in _KINDS:
        if isinstance(value, kinds):
            return word
    return "something else"


_KINDS: tuple[tuple[Any, str], ...] = (
    (str, "a text"),
    ((int, float), "a number"),
    ((list, tuple, range), "a list"),
    ((dict, Whole), "a mapping"),
    (Missing, "missing"),
)


def json(value: Any) -> Json:
    """A value as JSON."""
    return Json(encoded(value).decode())


def upper(value: Any) -> str:
    """In capitals."""
    return text(value).upper()


def lower(value: Any) -> str:
    """In small letters."""
    return text(value).lower()


def title(value: Any) -> str:
    """Every word with a capital."""
    return re.sub(r"[^\W\d_]+(?:'[^\W\d_]+)?", lambda word: word[0][0].upper() + word[0][1:].lower(), text(value))


def trim(value: Any, characters: str | None = None) -> str:
    """Without white space (or `characters`) around it."""
    return text(value).strip(characters)


def replace(value: Any, old: Any, new: Any) -> str:
    """With every `old` replaced."""
    whole_text, pattern, with_ = text(value), text(old), text(new)
    text_fits(len(whole_text) + whole_text.count(pattern) * max(0, len(with_) - len(pattern)))
    return whole_text.replace(pattern, with_)


def join(items: Any, separator: Any = "") -> str:
    """A list's texts in a row."""
    words, between = [text(item) for item in series(items)], text(separator)
    text_fits(sum(map(len, words)) + len(between) * len(words))
    return between.join(words)


def truncate(value: Any, size: Any, end: Any = "...") -> str:
    """At most `size` characters, `end` among them where some were cut off."""
    if value.__class__ is str and size.__class__ is int and len(value) <= size:
        return value  # the usual case
    whole_text, most = text(value), whole(size)
    if len(whole_text) <= most:
        return whole_text
    mark = text(end)
    return (whole_text[: max(0, most - len(mark))] + mark)[: max(0, most)]


def length(value: Any) -> int:
    """Characters, items or keys."""
    if isinstance(value, str | list | tuple | dict | range):
        return len(value)
    raise ValueError(f"{kind(value)} has no length")


def mrkdwn(value: Any) -> str:
    """For Slack's text fields (https://docs.slack.dev/messaging/formatting-message-text, "Escaping text"): no mention, no link."""
    plain = text(value)
    if "&" not in plain and "<" not in plain and ">" not in plain:
        return plain
    return replace(replace(replace(plain, "&", "&amp;"), "<", "&lt;"), ">", "&gt;")


def url_encode(value: Any) -> str:
    """Percent-encoded, for a part of a URL (RFC 3986)."""
    return quote(text(value).encode("utf-8", "replace"), safe="")


def split(value: Any, separator: Any = None) -> list[str]:
    """The parts of a text."""
    parts = text(value).split(None if separator is None else text(separator) or None)
    items_fit(len(parts))
    return parts


def contains(container: Any, item: Any) -> bool:
    """Whether a text holds a text, a list an item, a mapping a key."""
    if isinstance(container, str):
        return text(item) in container
    if isinstance(container, dict):
        return isinstance(item, str | int | float | bool | None) and item in container
    return any(same(one, item) for one in series(container))


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; numbers by value, and true is not 1."""
    if left.__class__ is right.__class__:
        return bool(left == right)
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordering(left: Any, right: Any) -> bool:
        """Numbers with numbers, texts with texts. Raises ValueError for anything else."""
        if left.__class__ is int and right.__class__ is int:
            return compare(left, right)  # the usual case
        if isinstance(left, str) and isinstance(right, str):
            return compare(str(left), str(right))
        return compare(number(left), number(right))

    return ordering


less = _ordered(operator.lt)
at_most = _ordered(operator.le)
more = _ordered(operator.gt)
at_least = _ordered(operator.ge)


def different(left: Any, right: Any) -> bool:
    """Not equal."""
    return not same(left, right)

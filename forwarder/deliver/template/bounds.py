"""How much one rendering may take. Counts work instead of asking a clock, so that the same events always end the same way."""

from __future__ import annotations

MAX_TEMPLATE_BYTES = 64 * 1024
"""Of a template's source: it bounds what one pass over it costs."""
MAX_OUTPUT_BYTES = 8 * 1024 * 1024
"""Of a rendered body, before compression."""
MAX_TEXT = 1024 * 1024
"""Characters of a text that a template makes on the way."""
MAX_ITEMS = 100_000
"""Items of a list that a template makes or loops over."""
MAX_BITS = 256
"""Of a whole number that a template works out."""
WORK = 200_000
"""Steps of one rendering (one: a node in a loop's body, a call, or 64 characters that a function goes through), about 60 ms..."""
WORK_PER_EVENT = 1_000
"""... and this many more for each event in it."""


class Exceeded(Exception):
    """More than a rendering may take; the text says of what."""


def room_for(size: int, most: int, what: str) -> None:
    """Raises Exceeded where `size` is beyond `most`."""
    if size > most:
        raise Exceeded(f"{what} is larger than a template may make ({most})")


def text_fits(size: int) -> None:
    """Raises Exceeded for a text of more than MAX_TEXT characters; asked before it is made."""
    room_for(size, MAX_TEXT, "a text")


def items_fit(size: int) -> None:
    """Raises Exceeded for a list of more than MAX_ITEMS items; asked before it is made."""
    room_for(size, MAX_ITEMS, "a list")

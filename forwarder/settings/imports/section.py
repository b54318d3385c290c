"""A mapping of an imported file that remembers what was taken out of it, so that nothing is lost in silence. Translates nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Section:
    """`path` is how people name it (`slack`). Keys do not differ by case, as in the products that are read with it."""

    def __init__(self, path: str, data: Any) -> None:
        self.path = path
        self._data = {str(key).lower(): value for key, value in data.items()} if isinstance(data, Mapping) else {}
        self._taken: set[str] = set()

    def take(self, key: str) -> Any:
        """The value, or None; from now on it counts as carried over."""
        self._taken.add(key.lower())
        return self._data.get(key.lower())

    def text(self, key: str) -> str:
        """As `take`, as text without space around it; "" where there is none. The items of a list are separated by commas; a
        mapping is no text, and is not taken."""
        value = self._data.get(key.lower())
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
        ):
            return ""
        self._taken.add(key.lower())
        return ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value).strip()

    def flag(self, key: str, default: bool) -> bool:
        """As `take`, as a flag; a word that is none counts as the default."""
        word = self.text(key).lower()
        return True if word in ("true", "yes", "1") else False if word in ("false", "no", "0") else default

    def inner(self, key: str) -> Section:
        """A mapping below."""
        return Section(self.place(key), self.take(key))

    def place(self, key: str) -> str:
        """How people name a key of this section."""
        return f"{self.path}.{key}" if self.path else key

    @property
    def empty(self) -> bool:
        """Whether nothing in it has a value."""
        return not any(True for _ in _leaves(self._data, ()))

    def left(self) -> Iterator[str]:
        """The keys that have a value and were not taken, as people name them."""
        for key, value in self._data.items():
            if key not in self._taken:
                for path in _leaves(value, (key,)):
                    yield self.place(".".join(path))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of everything that says something: null, false, empty text and empty lists do not."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif value not in (None, "", False, [], ()):
        yield path

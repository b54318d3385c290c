"""Which preset a record fits, one pass over the record. The last winner is tried first, and can never change the answer.

A guess for preset P decodes P's fields and, typed as null, the markers of all presets that come before P: a record that has one
fails to decode as a guess and is decided in order. So the guess is the answer of the full search or no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from forwarder.source.presets.base import Body, Preset


def everything(presets: Sequence[Preset]) -> type[msgspec.Struct]:
    """A struct with the fields of all presets. Raises TypeError where two presets read one key as different types."""
    return _struct("Everything", [field for preset in presets for field in msgspec.structs.fields(preset.fields)])


def guesses(presets: Sequence[Preset]) -> dict[str, Callable[[bytes], Any]]:
    """By name how to parse a record that likely fits; `presets` is in order of precedence.

    Another preset may be the right one where it raises msgspec.ValidationError, and where `preset.detect` then says no.
    """
    found: dict[str, Callable[[bytes], Any]] = {}
    vetoes: list[str] = []
    for preset in presets:
        shape = _struct("Guess", msgspec.structs.fields(preset.fields), vetoes)
        found[preset.name] = msgspec.json.Decoder(shape).decode
        vetoes += preset.markers
    return found


def choose(presets: Sequence[Preset], fields: Any) -> Preset:
    """The first preset that takes `fields` (of `everything`) for its own; the last one takes all."""
    return next(preset for preset in presets if preset.detect(fields))


def _struct(name: str, fields: Sequence[msgspec.structs.FieldInfo], vetoes: Sequence[str] = ()) -> type[msgspec.Struct]:
    """One field per JSON key, under the attribute that the presets use."""
    members: dict[str, tuple[str, Any, Any]] = {}
    for field in fields:
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        member = (field.name, field.type, default)
        known = members.setdefault(field.encode_name, member)
        if known[:2] != member[:2]:
            raise TypeError(f"presets read {field.encode_name!r} as {known[:2]} and as {member[:2]}")
    for index, key in enumerate(vetoes):
        if key in members:
            raise TypeError(f"{key!r} is a marker of one preset and a field of a later one")
        members[key] = (f"veto_{index}", None, None)
    rename = {member[0]: key for key, member in members.items()}
    if len(rename) < len(members):
        raise TypeError("presets use one attribute for two keys")
    return msgspec.defstruct(name, list(members.values()), bases=(Body,), rename=rename, frozen=True, gc=False)

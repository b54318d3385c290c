"""What a preset is, and the shapes that several presets share. Knows no preset by name.

A preset file declares `Fields` (a struct of only what it reads), `detect` (are these fields mine?) and `read` (the envelope).
A field absent from a record keeps its default, so neither function ever asks whether an object is there.
The same JSON key has the same type in all presets, because `auto` decodes the fields of all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from forwarder.model.event import Headers
from forwarder.model.severity import NAMES
from forwarder.source.paths import Scalar
from forwarder.source.severity import OCSF, Scale

Reading = tuple[Scalar, Scalar, Scalar, Scalar, Scalar]
"""`(id, type, time, severity word, tenant)` as the producer wrote them."""

NOTHING: Reading = (None, None, None, None, None)

ABSENT = Raw(b"")
"""Default of a field of which only the presence matters."""


class Body(msgspec.Struct, frozen=True, gc=False):
    """Base of every `Fields`. Unknown keys are skipped (and their syntax is checked)."""


class CloudAccount(Body, frozen=True):
    id: Scalar = None
    uid: Scalar = None


class Cloud(Body, frozen=True, rename={"account_id": "account.id"}):
    """`cloud` of ECS (`account.id`, nested or dotted) and of OCSF (`account.uid`)."""

    account: CloudAccount = CloudAccount()
    account_id: Scalar = None


@dataclass(frozen=True, slots=True)
class Preset:
    """`markers` are JSON keys of which each record that `detect` accepts has at least one."""

    name: str
    fields: type[msgspec.Struct]
    markers: tuple[str, ...]
    detect: Callable[[Any], bool]
    read: Callable[[Any, Headers], Reading]
    scale: Scale = OCSF
    words: Mapping[str, int] | None = None

    @property
    def level_words(self) -> Mapping[str, int]:
        """The common names of levels, unless the preset has no words of severity at all."""
        return NAMES if self.words is None else self.words

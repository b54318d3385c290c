"""What the doubles of alerting and log services share: asking for a header, counting answers down, and reading strict JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said, said


class Refused(Exception):
    """A request that the vendor refuses, with its answer."""

    def __init__(self, answer: Said) -> None:
        super().__init__(answer)
        self.answer = answer


def need(condition: bool, status: int, text: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(said(status, {"message": text}))


def read(body: bytes) -> Any:
    """The JSON of a body; names that are there twice, NaN and what is no UTF-8 are refused."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_never)
    except ValueError as error:
        raise Refused(said(400, {"message": f"not JSON: {error}"})) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


def _never(word: str) -> Any:
    raise ValueError(word)


@dataclass
class Strict:
    """Answers `script` first (statuses), then what `take` says. `identities` are those of the events taken, in order."""

    script: list[int] = field(default_factory=list)
    hates: str = ""
    identities: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        if self.script:
            return said(self.script.pop(0), {"message": "scripted"})
        try:
            need(asked.method == "POST", 405, "method")
            need(not self.hates or self.hates.encode() not in asked.body, 400, "one of these is bad")
            return self.take(asked)
        except Refused as refused:
            return refused.answer

    def take(self, asked: Asked) -> Said:
        raise NotImplementedError


def text(value: Any, most: int, name: str, status: int = 400, least: int = 1) -> str:
    """A text of a bounded number of characters."""
    need(isinstance(value, str) and least <= len(value) <= most, status, f"{name}: {least}..{most} characters")
    assert isinstance(value, str)
    return value


def only(value: Any, known: set[str], required: set[str], status: int = 400) -> dict[str, Any]:
    """An object with no other names than these."""
    need(isinstance(value, dict), status, "an object is expected")
    need(set(value) <= known and required <= set(value), status, f"names {sorted(set(value) ^ required)}")
    return dict(value)

"""A strict double of Splunk's HTTP Event Collector, from "Getting Data In": "Format events for HTTP Event Collector", "About HTTP
Event Collector Indexer Acknowledgment" and the codes of "Troubleshoot HTTP Event Collector".

Events before an invalid one are kept, as a streaming reader would.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said, said

TEXTS = {
    0: (200, "Success"), 1: (403, "Token disabled"), 2: (401, "Token is required"), 3: (401, "Invalid authorization"),
    4: (403, "Invalid token"), 5: (400, "No data"), 6: (400, "Invalid data format"), 7: (400, "Incorrect index"),
    8: (500, "Internal server error"), 9: (503, "Server is busy"), 10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"), 12: (400, "Event field is required"), 13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"), 15: (400, "Error in handling indexed fields"),
}  # fmt: skip
KEYS = {"time", "host", "source", "sourcetype", "index", "event", "fields"}


class Invalid(Exception):
    """An event that is refused: code and number."""

    def __init__(self, code: int, number: int) -> None:
        super().__init__(code, number)
        self.code, self.number = code, number


@dataclass
class SplunkDouble:
    """`ack`: the token has indexer acknowledgement. `loses`: so many requests are taken and never indexed. `slow`: polls before an
    acknowledgement. `busy`: so many requests are turned away first. `hates`: an event with this in it is no valid data."""

    token: str = "secret-hec-token"
    disabled: bool = False
    ack: bool = False
    loses: int = 0
    slow: int = 0
    busy: int = 0
    hates: str = "\0never"
    indexes: tuple[str, ...] = ("main",)
    most_bytes: int = 1_000_000
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    polls: int = 0
    bodies: list[bytes] = field(default_factory=list)
    _pending: dict[tuple[str, int], int] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        refusal = self._refusal(asked)
        if refusal is not None:
            return code(refusal)
        if asked.path == "/services/collector/ack":
            return self._acknowledge(asked)
        if len(asked.body) > self.most_bytes:
            return Said(413)
        if self.busy:
            self.busy -= 1
            return code(9)
        self.bodies.append(asked.body)
        return self._take(asked)

    def _take(self, asked: Asked) -> Said:
        if not asked.body:
            return code(5)
        try:
            if asked.path.endswith("/raw"):
                self.raw += asked.body.decode().splitlines()
            else:
                for one in self._parsed(asked.body.decode()):
                    self.events.append(one)
        except Invalid as error:
            return code(error.code, **{"invalid-event-number": error.number})
        if not self.ack:
            return code(0)
        number = len(self._pending)
        polls = -1 if self.loses else self.slow
        self.loses = max(0, self.loses - 1)
        self._pending[asked.headers["X-Splunk-Request-Channel"], number] = polls
        return code(0, ackId=number)

    def _refusal(self, asked: Asked) -> int | None:
        given = asked.headers.get("Authorization")
        channel = asked.headers.get("X-Splunk-Request-Channel") or asked.query.get("channel")
        raw = asked.path == "/services/collector/raw"
        assert asked.path in {f"/services/collector/{each}" for each in ("event", "raw", "ack")}, asked.path
        assert asked.method == "POST"
        if given is None:
            return 2
        if not given.startswith("Splunk "):
            return 3
        if given != f"Splunk {self.token}":
            return 4
        if self.disabled:
            return 1
        if asked.path.endswith("/ack") and not self.ack:
            return 14
        if channel is None:
            return 10 if self.ack or raw else None
        return None if _is_uuid(channel) else 11

    def _parsed(self, text: str) -> Iterator[dict[str, Any]]:
        decoder, at, number = json.JSONDecoder(), 0, 0
        while at < len(text):
            try:
                one, end = decoder.raw_decode(text, at)
            except ValueError:
                raise Invalid(6, number) from None
            if not isinstance(one, dict) or self.hates in text[at:end]:
                raise Invalid(6, number)
            self._check(one, number)
            yield one
            at, number = end, number + 1
            while at < len(text) and text[at].isspace():
                at += 1

    def _check(self, one: dict[str, Any], number: int) -> None:
        assert set(one) <= KEYS, one
        assert isinstance(one.get("time", 0), int | float)
        event = one.get("event")
        if event is None:
            raise Invalid(12, number)
        if isinstance(event, str) and not event.strip():
            raise Invalid(13, number)
        assert isinstance(event, str | dict), event
        if not all(isinstance(value, str | int | float | list) for value in one.get("fields", {}).values()):
            raise Invalid(15, number)
        if one.get("index", self.indexes[0]) not in self.indexes:
            raise Invalid(7, number + 1)  # as seen: the count, not the index

    def _acknowledge(self, asked: Asked) -> Said:
        self.polls += 1
        states = {}
        for number in json.loads(asked.body)["acks"]:
            left = self._pending.get((asked.query["channel"], number), -1)
            states[str(number)] = left == 0
            if left > 0:
                self._pending[asked.query["channel"], number] = left - 1
        return said(200, {"acks": states})


def code(number: int, **more: int) -> Said:
    """HEC's answer with a code."""
    status, text = TEXTS[number]
    return said(status, {"text": text, "code": number, **more})


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False

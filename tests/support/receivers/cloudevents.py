"""A strict double of a CloudEvents webhook, from github.com/cloudevents/spec 1.0.2: HTTP protocol binding, JSON event format, HTTP 1.1
Web Hooks for Event Delivery. What it takes is what the binding lets it read, nothing of our own code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.support.receivers.double import Asked, Said

_NAME = re.compile("[a-z0-9]+")
_REQUIRED = ("id", "source", "specversion", "type")


@dataclass
class CloudEventsDouble:
    """`origin`: whom it allows, None for nobody, "" for a receiver that knows no handshake and wants none. `formats`: the modes
    that it understands. `gone`: the target was retired."""

    origin: str | None = ""
    rate: str = "*"
    formats: tuple[str, ...] = ("structured", "binary", "batch")
    gone: bool = False
    asked: list[Asked] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        if self.gone:
            return Said(410)
        if asked.method == "OPTIONS":
            return self._permission(asked)
        if self.origin != "" and asked.headers.get("WebHook-Request-Origin") != self.origin:
            return Said(403)
        kind = asked.headers["Content-Type"].partition(";")[0].lower()
        try:
            return self._take(asked, kind)
        except (ValueError, KeyError, AssertionError) as error:
            return Said(400, repr(error).encode())

    def _permission(self, asked: Asked) -> Said:
        wanted = asked.headers["WebHook-Request-Origin"]
        if self.origin == "":
            return Said(405)
        if self.origin is None or self.origin not in ("*", wanted):
            return Said(200, b"", {"Allow": "POST"})
        granted = {"WebHook-Allowed-Origin": self.origin, "WebHook-Allowed-Rate": self.rate, "Allow": "POST"}
        return Said(200, b"", granted)

    def _take(self, asked: Asked, kind: str) -> Said:
        if kind == "application/cloudevents-batch+json":
            mode, found = "batch", [checked(each) for each in json.loads(asked.body)]
        elif kind == "application/cloudevents+json":
            mode, found = "structured", [checked(json.loads(asked.body))]
        elif kind.startswith("application/cloudevents"):
            return Said(415)
        else:
            mode, found = "binary", [checked(binary(asked))]
        if mode not in self.formats:
            return Said(415)
        self.events += found
        return Said(204)


def binary(asked: Asked) -> dict[str, Any]:
    """HTTP binding 3.1: attributes in `ce-` headers, percent-decoded once."""
    found: dict[str, Any] = {}
    for name, value in asked.headers.items():
        if name.lower().startswith("ce-"):
            assert re.fullmatch("[!-~]*", value) and '"' not in value, value
            found[name.lower()[3:]] = unquote(value, errors="strict")
    assert "datacontenttype" not in found
    found["datacontenttype"] = asked.headers["Content-Type"]
    if asked.body:
        found["data"] = json.loads(asked.body) if "json" in found["datacontenttype"] else asked.body.decode()
    return found


def checked(found: dict[str, Any]) -> dict[str, Any]:
    for name in _REQUIRED:
        assert isinstance(found[name], str) and found[name], name
    assert found["specversion"] == "1.0"
    assert not ("data" in found and "data_base64" in found)
    for name, value in found.items():
        if name not in ("data", "data_base64"):
            assert _NAME.fullmatch(name), name
            assert isinstance(value, str | int | bool | None), name
    return found

"""Reads requests as people save them: raw HTTP, headers as lines or JSON, a body beside them. Pure text and bytes; opens no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from forwarder.cli.captures import Captured

_REQUEST_LINE = re.compile(r"(?P<method>[A-Za-z]+) (?P<target>\S+) HTTP/\d(?:\.\d)?")
_HEADER = re.compile(r"(?:> ?)?(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>.*?)[ \t]*")


class Unreadable(ValueError):
    """Not written as any form that is known here. The text names the line, and quotes nothing."""


def read_request(raw: bytes) -> Captured:
    """A request line (or none), header lines, an empty line and the body, byte for byte. Raises Unreadable."""
    ends = [(at, len(end)) for end in (b"\r\n\r\n", b"\n\n") if (at := raw.find(end)) >= 0]
    at, size = min(ends, default=(len(raw), 0))
    return assembled(raw[:at].decode("utf-8", "replace"), raw[at + size :])


def assembled(head: str, body: bytes) -> Captured:
    """Headers as JSON (an object, or a list of pairs) or as lines, maybe with the request line first. Raises Unreadable."""
    if head.lstrip().startswith(("{", "[")):
        return Captured("POST", "", _from_json(head), body)
    lines = [line for line in head.splitlines() if line.strip() and line.strip() != ">"]
    first = _REQUEST_LINE.fullmatch(lines[0].strip().removeprefix("> ")) if lines else None
    headers = _joined(_pairs(lines[1:] if first else lines, 2 if first else 1))
    if first is None:
        return Captured("POST", "", headers, body)
    return Captured(first["method"].upper(), _url(first["target"], headers), headers, body)


def _pairs(lines: Iterable[str], number: int) -> Iterable[tuple[str, str]]:
    for offset, line in enumerate(lines):
        match = _HEADER.fullmatch(line)
        if match is None:
            raise Unreadable(f"line {number + offset} of the headers is not written as `Name: value`")
        yield match["name"], match["value"]


def _from_json(text: str) -> Mapping[str, str]:
    try:
        found = msgspec.json.decode(text.encode(), type=dict[str, str | list[str]] | list[tuple[str, str]])
    except msgspec.DecodeError:
        raise Unreadable("the headers are no JSON object of names to values, nor a list of pairs") from None
    if isinstance(found, list):
        return _joined(found)
    return _joined(
        (name, value) for name, values in found.items() for value in ([values] if isinstance(values, str) else values)
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower-case names; repeated headers become one (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found


def _url(target: str, headers: Mapping[str, str]) -> str:
    """A captured request does not tell whether TLS was used; https is what Forwarder uses."""
    return target if "://" in target else f"https://{headers.get('host', 'localhost')}{target}"

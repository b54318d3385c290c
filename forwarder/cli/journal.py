"""A receiver's journal: one JSON line per accepted request, in the file before the request is answered. Reads nothing back."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from forwarder.cli.arrivals import Arrival


class Journal:
    """Appends to `path` with one write per line, unbuffered: a kill -9 loses no line and leaves none half written."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._encode = msgspec.json.Encoder().encode

    def write(self, arrival: Arrival) -> None:
        """`ids` are the events' own, in the body's order; `offsets` is the header's text."""
        line = {
            "at": arrival.at,
            "batch": arrival.batch_id,
            "attempt": arrival.attempt,
            "cluster": arrival.headers.get("forwarder-cluster", ""),
            "offsets": arrival.headers.get("forwarder-offsets", ""),
            "ids": arrival.ids,
            "repeated": arrival.repeated,
        }
        os.write(self._file, self._encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)

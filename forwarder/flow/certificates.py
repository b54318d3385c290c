"""Watches when client certificates end, so that somebody is told while there is time. Changes nothing."""

from __future__ import annotations

import os

from forwarder.clock import Clock
from forwarder.flow.roster import UNREADABLE, Roster
from forwarder.lane.lane import Lane
from forwarder.observe.events import CertificateEnds
from forwarder.observe.observer import Observer
from forwarder.settings.certificates import ENDS_SOON_SECONDS, ending, not_after

_EVERY_SECONDS = 60.0


class Certificates:
    """Looks at the files at most once a minute; a file is only read again when it was changed."""

    def __init__(self, roster: Roster, observer: Observer, clock: Clock) -> None:
        self._roster = roster
        self._observer = observer
        self._clock = clock
        self._next = 0.0
        self._ends: dict[tuple[str, int, int], float | None] = {}

    def look(self) -> None:
        """Set the metric, and tell of certificates that end soon."""
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_SECONDS
        before, self._ends = self._ends, {}
        for lane in self._roster:
            if lane.name != UNREADABLE:
                self._lane(lane, before)

    def _lane(self, lane: Lane, before: dict[tuple[str, int, int], float | None]) -> None:
        identity = lane.webhook.tls.client_certificate
        end = self._end(identity.certificate_file, before) if identity else None
        self._observer.metrics.webhook(lane.name).set_client_certificate_end(end)
        wall = self._clock.wall()
        if identity is not None and end is not None and end - wall < ENDS_SOON_SECONDS:
            why = ending(end, wall)
            self._observer.emit(CertificateEnds(webhook=lane.name, file=identity.certificate_file, ends=end, why=why))

    def _end(self, path: str, before: dict[tuple[str, int, int], float | None]) -> float | None:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return None
        key = (path, found.st_mtime_ns, found.st_ino)
        if key not in self._ends:
            self._ends[key] = before[key] if key in before else not_after(path)
        return self._ends[key]

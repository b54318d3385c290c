"""What ought to move and does not: duties with marks, and how long each mark has stayed. Pure: time is passed in; looks at nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from forwarder.model.event import TP
from forwarder.observe.declared import Stuck


@dataclass(frozen=True, slots=True)
class Subject:
    """What should move. `name` is a webhook or `topic/partition`; `part` tells several duties of one name apart."""

    what: Stuck
    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """Progress is expected. `mark` is another one whenever there was some. `grace` are seconds that it may rightly take
    beyond the bound. `asks` is the offset of a partition from which on Kafka must hold something readable, or the duty is none.
    `restart`: whether a restart could help."""

    subject: Subject
    mark: Hashable
    why: str
    grace: float = 0.0
    asks: tuple[TP, int] | None = None
    restart: bool = True


@dataclass(frozen=True, slots=True)
class Still:
    """A duty whose mark has stayed since `since` (monotonic seconds)."""

    duty: Duty
    since: float


class Standstill:
    """`after` is the bound in seconds. `stuck` are the findings that hold now."""

    def __init__(self, after: float) -> None:
        self.stuck: dict[Subject, Still] = {}
        self._after = after
        self._seen: dict[Subject, Still] = {}
        self._looked: float | None = None

    def look(self, duties: Iterable[Duty], now: float) -> list[Still]:
        """Note every mark; returns the findings that are over: what moved, or need not move any more.

        After a pause that nobody looked in (the process was stopped) everything gets its full time again.
        """
        asleep = self._looked is not None and now - self._looked > self._after
        before, self._looked = self._seen, now
        self._seen = {}
        for duty in duties:
            known = before.get(duty.subject)
            stays = known is not None and known.duty.mark == duty.mark and not asleep
            self._seen[duty.subject] = Still(duty, known.since if stays and known else now)
        over = [s for subject, s in self.stuck.items() if not self._stays(subject, s)]
        for still in over:
            del self.stuck[still.duty.subject]
        return over

    def suspects(self, now: float) -> list[Still]:
        """What has stood still for longer than it may and is not among the findings."""
        return [
            still
            for subject, still in self._seen.items()
            if subject not in self.stuck and now - still.since >= self._after + still.duty.grace
        ]

    def accuse(self, still: Still) -> None:
        """It is a finding."""
        self.stuck[still.duty.subject] = still

    def excuse(self, still: Still, now: float) -> None:
        """There is a reason: the time counts from now on."""
        self._seen[still.duty.subject] = Still(still.duty, now)

    def _stays(self, subject: Subject, finding: Still) -> bool:
        now = self._seen.get(subject)
        return now is not None and now.duty.mark == finding.duty.mark


def lasting(stuck: Iterable[Still], bound: float, now: float, answering_since: float | None) -> list[Still]:
    """Findings that only a restart may mend: older than `bound` seconds, all of which Kafka has answered.

    While Kafka is away none is: a process that was started again would stand at its door.
    """
    if answering_since is None:
        return []
    return [s for s in stuck if s.duty.restart and now - max(s.since, answering_since) >= bound]

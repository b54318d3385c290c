"""What must hold when all is mended: nothing is missing, and every dead letter is whole. Shares no code with Forwarder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.facts import place_of, short, wants
from tests.simulation.log import TOPIC
from tests.simulation.network import Place

if TYPE_CHECKING:
    from tests.simulation.judge import Judge
    from tests.simulation.world import World


class Ending:
    """Looks at what the judge has noted, and at Kafka."""

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge

    def complete(self) -> bool:
        return not any(self._missing(name) for name in self._world.configured) and not self._unlettered()

    def quiet(self) -> bool:
        """Whether every sender has heard of its last request: what is in doubt will be sent once more."""
        judge = self._judge
        for name, have in judge.have.items():
            for place in have:
                last = judge.calls(name, place)[-1]
                again = last.told is None or place[0] in last.forgotten
                if again and place not in judge.letters[name]:
                    return False
        return True

    def check_complete(self) -> None:
        for name in self._world.configured:
            if missing := self._missing(name):
                self._judge.violation("lost", f"{name}: {short(missing)} neither delivered nor accounted for")
        if missing := self._unlettered():
            self._judge.violation("lost", f"unreadable {short(missing)} not in the dead-letter topic")

    def check_end(self) -> None:
        """After the last stop and one more start."""
        self._check_letters()

    def _missing(self, name: str) -> list[Place]:
        """Events that this webhook should have, and that nothing accounts for."""
        history = self._judge.history[name]
        if history[-1][1].get("lossy"):
            return []
        have = self._judge.have[name]
        letters = self._judge.letters[name]
        missing = []
        for place, fact in self._judge.facts.items():
            if place in have or place in letters or not fact.readable or self._deleted(place):
                continue
            if all(wants(hook, fact) for _, hook in history):
                missing.append(place)
        return missing

    def _deleted(self, place: Place) -> bool:
        log = next(log for tp, log in self._world.cluster.logs.items() if tp.partition == place[0])
        return place[1] < log.first or place[1] >= log.stable

    def _unlettered(self) -> list[Place]:
        have = self._judge.letters[""]
        return [
            place
            for place, fact in self._judge.facts.items()
            if not fact.readable and place not in have and not self._deleted(place)
        ]

    def _check_letters(self) -> None:
        """Each dead letter holds the whole record."""
        for letter in self._world.cluster.letters:
            if not letter.topic.endswith(".dead-letters"):
                continue
            place = place_of(letter.headers)
            fact = self._judge.facts.get(place)
            whole = (
                fact is not None
                and letter.value == fact.value
                and letter.key == b"k%d" % place[1]
                and letter.headers.get("h") == b"%d" % place[1]
                and letter.topic == f"{TOPIC}.dead-letters"
                and letter.headers.get("forwarder-reason")
            )
            if not whole:
                self._judge.violation("letter", f"the dead letter of {place} is not whole")

"""The laws, from what was produced, asked, accepted and written alone. Shares no code with Forwarder and never looks inside it.

Deliveries are judged as they happen, the rest when all is mended. See docs/architecture.md, "Invariants", for where the laws are from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.simulation.facts import Fact, Violation, keeps_order, place_of, short, wants
from tests.simulation.log import Log, Reign
from tests.simulation.network import Call, Place

if TYPE_CHECKING:
    from tests.simulation.cluster import Letter
    from tests.simulation.member import Member
    from tests.simulation.process import Process
    from tests.simulation.world import World

BOUND_SECONDS = 2.5
"""What may come again after a kill: delivered since the last checkpoint, which is at most its interval and a few messages ago."""

ANSWER_SECONDS = 6.0

LARGEST_EVENT, SLACK_EVENTS = 3600, 80


class Judge:
    """`violations` in the order in which they were seen."""

    def __init__(self, world: World) -> None:
        self.violations: list[Violation] = []
        self.facts: dict[Place, Fact] = {}
        self._world = world
        self._calls: dict[str, dict[Place, list[Call]]] = defaultdict(lambda: defaultdict(list))
        self.have: dict[str, dict[Place, float]] = defaultdict(dict)
        self._told: dict[int, list[Call]] = defaultdict(list)
        self._reign: dict[tuple[Call, int], Reign | None] = {}
        self._first: dict[str, float] = {}
        self._bytes: dict[str, bytes] = {}
        self.letters: dict[str, set[Place]] = defaultdict(set)
        self._ordered: dict[str, set[Place]] = defaultdict(set)
        self._highest: dict[tuple[str, int], int] = {}
        self._unsure: dict[tuple[str, int], Call] = {}
        self.history: dict[str, list[tuple[float, dict[str, Any]]]] = {
            name: [(-1.0, hook)] for name, hook in world.configured.items()
        }
        self._died: dict[int, list[float]] = defaultdict(list)
        self._compacted = False

    def calls(self, hook: str, place: Place) -> list[Call]:
        """All requests that held the event."""
        return self._calls[hook][place]

    def violation(self, kind: str, text: str, error: BaseException | None = None) -> None:
        self.violations.append(Violation(kind, text, self._world.agenda.now, error))
        self._world.note(f"!! {kind}: {text}")

    # --- what happens ---

    def produced(self, log: Log, kind: str) -> None:
        """Append one event to the log."""
        offset, partition = log.end, log.tp.partition
        word = "abc"[offset % 3]
        readable = not (kind == "unreadable" and offset % 4 == 1)
        body = b'{"specversion":"1.0","id":"%d-%d","source":"s","type":"%s","pad":"%s"}' % (
            partition, offset, word.encode(), b"x" * (3000 if kind == "big" else 8),
        )  # fmt: skip
        value = body if readable else b"no json %d-%d" % (partition, offset)
        self.facts[partition, offset] = Fact(word, self._world.agenda.now, readable, value)
        log.append(self._world.agenda.now, value, (("h", b"%d" % offset),))

    def configured(self) -> None:
        """The webhooks have just changed."""
        for name, hook in self._world.configured.items():
            self.history.setdefault(name, []).append((self._world.agenda.now, hook))

    def died(self, process: Process) -> None:
        """A kill, or a stop that the process may not notice: from here on its deliveries may come again."""
        self._died[process.number].append(self._world.agenda.now)

    def compacting(self) -> None:
        """From here on a stale record that landed last may be all that is left."""
        self._compacted = True

    def ended(self, member: Member, began: float) -> None:
        """A member has handed its partitions over, having started at `began`."""
        now, world = self._world.agenda.now, self._world
        disturbed = any(start <= now and began - ANSWER_SECONDS <= end for start, end in world.cluster.outages)
        for tp, reign in member.reigns.items():
            reign.ended = now
            rightful = world.cluster.coordinator.owns(member.number, reign.generation, tp)
            reign.graceful = rightful and not disturbed and not self._was_frozen(member, reign)

    def _was_frozen(self, member: Member, reign: Reign) -> bool:
        return any(moment >= reign.since for moment in self._died[member.number])

    def recovered(self, reign: Reign) -> None:
        """A process has loaded its checkpoint: what that does not know of will come again."""
        partition = reign.tp.partition
        for call in self._told[partition]:
            before = self._reign[call, partition]
            if partition in call.forgotten or call.told is None:
                continue
            if before is not None and reign.loaded is not None and reign.loaded.covers(before, call.told):
                continue
            call.forgotten.add(partition)
            if before is not None and not self._compacted:
                self._excuse(call, before)

    def _excuse(self, call: Call, before: Reign) -> None:
        """Nothing may be forgotten by a planned move, and no more than the bound by a kill."""
        world = self._world
        died = next((moment for moment in self._died[call.process] if moment >= (call.told or 0.0)), None)
        if before.graceful:
            self.violation(
                "forgotten", f"{call.hook}: a planned move forgot {call.places[:3]}, told at {call.told:.3f}"
            )
        elif died is not None and call.told is not None and died - call.told > BOUND_SECONDS:
            near = any(start <= died and call.told - ANSWER_SECONDS <= end for start, end in world.cluster.outages)
            if not near:
                text = f"{call.hook}: a kill at {died:.3f} forgot {call.places[:3]}, told at {call.told:.3f}"
                self.violation("bound", text)

    # --- requests ---

    def asked(self, call: Call, process: Process) -> None:
        """A request leaves a process."""
        self._world.note(f"[{call.process}] {call.hook} <- {call.batch[:8]} {short(call.places)}")
        call.rightful = self._rightful(call, process)
        self._first.setdefault(call.batch, call.at)
        if self._bytes.setdefault(call.batch, call.content) != call.content:
            self.violation("bytes", f"{call.hook}: other bytes under the id {call.batch}")
        if len(set(call.places)) != len(call.places):
            self.violation("twice", f"{call.hook}: an event twice in one request: {call.places}")
        for place in call.places:
            earlier = self._calls[call.hook][place]
            for before in earlier:
                self._compare(call, before, place)
            if earlier and call.rightful:
                self._whole(call, earlier[-1])
            earlier.append(call)
        self._check_budget(process)

    def _compare(self, call: Call, before: Call, place: Place) -> None:
        if before.process == call.process and before.open:
            self.violation("overlap", f"{call.hook}: {place} in two requests at once")
        elif not call.rightful:
            return
        elif before.told is not None and place[0] not in before.forgotten:
            self.violation("twice", f"{call.hook}: {place} again at {call.at:.3f}, told at {before.told:.3f}")

    def _whole(self, call: Call, before: Call) -> None:
        """What may have been taken without a word must be repeated as it was, under its id; also by whoever comes next, unless the
        webhook wants other events since the batch was made."""
        doubtful = before.doubtful or (before.open and before.process != call.process)
        gives_up = self.history[call.hook][-1][1]["discardAfter"] != "never"  # then those events leave the batch
        if (
            call.batch == before.batch
            or not doubtful
            or gives_up
            or self._changed_since(call.hook, self._first[before.batch])
        ):
            return
        if call.process == before.process:
            same = all(self._reigned(before, p) is self._reigned(call, p) for p in before.partitions)
        else:
            same = self._inherited(call, before)
        if same:
            self.violation(
                "frozen", f"{call.hook}: {before.batch} came apart: {short(before.places)} {short(call.places)}"
            )

    def _inherited(self, call: Call, before: Call) -> bool:
        """Whether one process took over all of the request's partitions, from checkpoints that knew of it, with all events."""
        if any(self._deleted(place) for place in before.places):
            return False
        if any(hook.get("concurrency", 1) > 1 for _, hook in self.history[call.hook]):
            return False  # of several batches under way a checkpoint keeps the oldest
        if any(reign.loaded and reign.loaded.reign.process != before.process for reign in call.reigns.values()):
            return False  # of the batches of several workers the heir keeps one
        for partition in before.partitions:
            old, new = self._reigned(before, partition), self._reigned(call, partition)
            if old is None or new is None or new.loaded is None or new.loaded.reign is not old:
                return False
            if new.loaded.snapshot <= before.at:
                return False
        return True

    def _deleted(self, place: Place) -> bool:
        return any(tp.partition == place[0] and log.first > place[1] for tp, log in self._world.cluster.logs.items())

    def _changed_since(self, hook: str, moment: float) -> bool:
        return any(at >= moment - 1.0 for at, _ in self.history[hook])

    def _reigned(self, call: Call, partition: int) -> Reign | None:
        return call.reigns.get(partition)

    def _rightful(self, call: Call, process: Process) -> bool:
        reigns = {tp.partition: reign for tp, reign in process.member.reigns.items()}
        call.reigns = reigns
        owns = self._world.cluster.coordinator.owns
        for partition in {place[0] for place in call.places}:
            reign = reigns.get(partition)
            if reign is None or not owns(call.process, reign.generation, reign.tp):
                return False
        return True

    def accepted(self, call: Call, process: Process) -> None:
        """A receiver takes a request."""
        call.accepted = now = self._world.agenda.now
        self._world.note(f"    {call.hook} has {call.batch[:8]}")
        mine, history = self.have[call.hook], self.history[call.hook]
        for place in call.places:
            fact = self.facts.get(place)
            if fact is None or not fact.readable:
                self.violation("stranger", f"{call.hook}: {place} is no event")
            elif not any(wants(hook, fact) for _, hook in history):
                self.violation("filter", f"{call.hook}: {place} is not wanted")
            mine.setdefault(place, now)
        resheds = history[-1][1].get("lossy") and any(self._died.values())  # what a restart sheds is another choice
        if call.rightful and not resheds and keeps_order([hook for _, hook in history]):
            self._in_order(call)

    def _in_order(self, call: Call) -> None:
        """What a rightful owner delivers for the first time. A zombie may still deliver what it held, beside its successor."""
        done, highest = self._ordered[call.hook], self._highest
        for place in call.places:
            if place in done or place in self.letters[call.hook]:
                continue
            done.add(place)
            key = (call.hook, place[0])
            if place[1] < highest.get(key, -1):
                self.violation("order", f"{call.hook}: {place} after {highest[key]}")
            highest[key] = max(place[1], highest.get(key, -1))

    def written(self, letter: Letter) -> None:
        """A dead letter or a ledger entry is in Kafka."""
        if letter.topic.endswith("-ledger"):
            entry = json.loads(letter.value or b"")
            for first, last in entry["runs"]:
                self.letters[entry["webhook"]] |= {(entry["partition"], offset) for offset in range(first, last + 1)}
        else:
            self.letters[letter.headers.get("forwarder-webhook", b"").decode()].add(place_of(letter.headers))

    def told(self, call: Call, process: Process) -> None:
        """The sender has learnt that its request was taken."""
        call.told = self._world.agenda.now
        reigns = {tp.partition: reign for tp, reign in process.member.reigns.items()}
        for partition in {place[0] for place in call.places}:
            reign = reigns.get(partition)
            self._reign[call, partition] = reign
            self._told[partition].append(call)
            rightful = reign is not None and self._world.cluster.coordinator.owns(
                call.process, reign.generation, reign.tp
            )
            if not rightful:
                call.forgotten.add(partition)

    def _check_budget(self, process: Process) -> None:
        pipeline: Any = process.pipeline
        lanes = len(pipeline.roster.lanes)
        if pipeline._budget.used > pipeline._budget.limit + lanes * LARGEST_EVENT * SLACK_EVENTS:
            self.violation("budget", f"{pipeline._budget.used} bytes of {pipeline._budget.limit}")
        for lane in pipeline.roster:
            if lane.books.imbalance:
                self.violation("books", f"{lane.name}: {lane.books}")

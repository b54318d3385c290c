"""Runs one plan: Kafka, receivers and processes in virtual time, then mends everything and waits until all is settled."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from functools import lru_cache

from forwarder.model.event import TP
from forwarder.observe.events.base import Occurrence
from forwarder.settings.process import Settings
from tests.simulation.agenda import Agenda
from tests.simulation.books import Auditor
from tests.simulation.cluster import REBALANCE, SESSION, Cluster
from tests.simulation.ending import Ending
from tests.simulation.judge import Judge
from tests.simulation.log import TOPIC, Log
from tests.simulation.loop import Spinning
from tests.simulation.network import Network
from tests.simulation.plan import SPAN, Plan, Step, configure
from tests.simulation.process import Process, scripted

SETTLE_SECONDS = 240.0
"""After the mending everything has to be settled within so much virtual time."""

DOUBT_SECONDS = 12.0
"""And what is in doubt by then, a time-out and a back-off later."""

DRAIN = 4.0


@lru_cache(maxsize=4096)
def settings_of(hooks: str, budget: int) -> Settings:
    """Validated once per text."""
    return Settings.model_validate(
        {
            "kafka": {"sessionTimeout": SESSION, "rebalanceTimeout": REBALANCE},
            "sources": [{"topic": TOPIC, "preset": "cloudevents", "startAt": "earliest"}],
            "memory": {"budget": budget},
            "shutdown": {"drain": DRAIN},
            "webhooks": json.loads(hooks),
        }
    )


class World:
    """`processes` are all that ever lived, by number; `configured` the webhooks as they are now."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seed = plan.seed
        self.agenda = Agenda()
        self.cluster = Cluster(self.agenda, plan.partitions)
        self.network = Network(self)
        self.counts: Counter[str] = Counter()
        self.configured = {name: configure(name) for name in plan.hooks}
        self.judge = Judge(self)
        self.ending = Ending(self, self.judge)
        self.auditor = Auditor(self, self.judge)
        self.lost_checkpoints = 0
        self.processes: list[Process] = []
        self.trace: list[str] | None = None
        self._numbers = itertools.count(1)

    # --- the run ---

    def run(self) -> Judge:
        """To the end. What is wrong is in `judge.violations`."""
        with scripted():
            try:
                for _ in range(self.plan.workers):
                    self.start()
                for step in self.plan.steps:
                    self.agenda.at(step.at, self.perform, step)
                self.agenda.run(SPAN)
                self._mend()
                self._settle()
            except Spinning as error:
                self.judge.violation("spinning", str(error))
            finally:
                for process in self.processes:
                    process.kill()
        return self.judge

    def _mend(self) -> None:
        self.network.moods.clear()
        self.cluster.refusing = ""
        self.cluster.linger = self.cluster.coordinator.unanswered = 0.0
        for process in self.living:
            process.thaw()
        for log in self.cluster.logs.values():
            log.commit()
        self.agenda.run(self.agenda.now + 0.2)  # the last bad answers arrive
        self.configured = {name: {**hook, "enable": True} for name, hook in self.configured.items()}
        if self.counts["endpoint gone"]:
            self.configured = {name: {**hook, "connectTimeout": 9} for name, hook in self.configured.items()}
        self._reload()
        if all(process.ending for process in self.living):
            self.start()
        for process in self.living:
            process.hear(process.feed_soon)

    def _settle(self) -> None:
        """Wait, stop everybody in order, and start once more: nothing may come again."""
        limit = self.agenda.now + SETTLE_SECONDS
        while self.agenda.now < limit and not (self.ending.complete() and not self.cluster.away):
            self.agenda.run(self.agenda.now + 1.0)
        self.ending.check_complete()
        self._until_quiet()
        self._stop_all()
        self.start()
        self.agenda.run(self.agenda.now + 3.5)
        self._until_quiet()
        self._stop_all()
        self.ending.check_end()
        self.auditor.check_end()

    def _until_quiet(self) -> None:
        limit = self.agenda.now + DOUBT_SECONDS
        while self.agenda.now < limit and not self.ending.quiet():
            self.agenda.run(self.agenda.now + 1.0)

    def _stop_all(self) -> None:
        for _ in range(2 * int(DRAIN)):
            for process in self.living:
                process.stop()
            self.agenda.run(self.agenda.now + 1.0)
            if not self.living:
                return
        for process in self.living:
            self.judge.violation("stuck", f"process {process.number} does not stop")

    @property
    def living(self) -> list[Process]:
        return [process for process in self.processes if process.alive]

    def told(self, process: Process, occurrence: Occurrence) -> None:
        """Something that Forwarder says."""
        self.lost_checkpoints += type(occurrence).__name__ == "CheckpointLost"
        if self.trace is not None:
            self.note(f"[{process.number}] {occurrence}")

    def note(self, text: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.agenda.now:9.3f} {text}")

    # --- steps ---

    def perform(self, step: Step) -> None:
        """One step of the plan; one that makes no sense now does nothing."""
        self.note(f"== {step!r}")
        action = getattr(self, "_do_" + step.kind.replace(" ", "_"))
        if action(step) is not False:
            self.counts[step.kind] += 1

    def start(self) -> Process:
        appeared = frozenset(tp for tp in self.cluster.logs if tp.partition >= self.plan.partitions)
        process = Process(self, next(self._numbers), self.settings, appeared)
        self.processes.append(process)
        return process

    def _start_again(self) -> None:
        self.start()

    @property
    def settings(self) -> Settings:
        return settings_of(json.dumps(list(self.configured.values())), self.plan.budget)

    def _chosen(self, step: Step) -> Process | None:
        living = self.living
        return living[int(step.what) % len(living)] if living else None

    def _log(self, step: Step) -> Log:
        return self.cluster.logs[TP(TOPIC, int(step.what) % len(self.cluster.logs))]

    def _do_produce(self, step: Step) -> None:
        kind, count = step.value
        log = self._log(step)
        for n in range(count):
            if kind == "aborted" or (kind == "holed" and n % 3 == 1):
                log.hole()
            else:
                self.judge.produced(log, kind)
        if kind in ("aborted", "marked", "open"):
            log.hole()
        if kind != "open":
            log.commit()
        for process in self.living:
            process.hear(process.feed_soon)

    def _do_mood(self, step: Step) -> None:
        self.network.moods[str(step.what)] = step.value

    def _do_kill(self, step: Step) -> bool | None:
        process = self._chosen(step)
        if process is None:
            return False
        self.judge.died(process)
        process.kill()
        self._expel_later(process)
        return None

    def _expel_later(self, process: Process) -> None:
        self.agenda.after(SESSION, self.cluster.when_back, self._expel, process)

    def _expel(self, process: Process) -> None:
        if not process.alive or process.frozen:
            self.cluster.coordinator.leave(process.number)

    def _do_freeze(self, step: Step) -> bool | None:
        process = self._chosen(step)
        if process is None or process.frozen:
            return False
        self.judge.died(process)
        process.freeze()
        self.agenda.after(step.value, process.thaw)
        if step.value >= SESSION:
            self._expel_later(process)
        return None

    def _do_stop(self, step: Step) -> bool | None:
        process = self._chosen(step)
        if process is None:
            return False
        process.stop()
        return None

    def _do_start(self, step: Step) -> bool | None:
        if len(self.living) >= 3:
            return False
        self.start()
        return None

    def _do_rebalance(self, step: Step) -> None:
        self.cluster.coordinator.rebalance()

    def _do_broker_away(self, step: Step) -> None:
        self.cluster.go_away(step.value)

    def _do_lose_answers(self, step: Step) -> None:
        self.cluster.coordinator.unanswered = self.agenda.now + step.value
        self.cluster.outages.append((self.agenda.now, self.agenda.now + step.value + 8.0))

    def _do_linger(self, step: Step) -> None:
        self.cluster.linger = float(step.what)
        self.cluster.outages.append((self.agenda.now, self.agenda.now + step.value + float(step.what)))
        self.agenda.after(step.value, setattr, self.cluster, "linger", 0.0)

    def _do_skip(self, step: Step) -> bool:
        tp = self._log(step).tp
        return any(
            process.booted and process.member.skip(tp, step.value) for process in self.living if not process.frozen
        )

    def _do_retain(self, step: Step) -> None:
        log = self._log(step)
        log.first = max(log.first, int(log.stable * step.value))

    def _do_compact(self, step: Step) -> None:
        self.judge.compacting()
        self.cluster.checkpoints.compact()

    def _do_letters_refused(self, step: Step) -> None:
        self.cluster.refusing = str(step.what) or "l"
        self.agenda.after(step.value, setattr, self.cluster, "refusing", "")

    def _do_reload(self, step: Step) -> None:
        name = str(step.what)
        self.configured[name] = configure(name, step.value)
        self._reload()

    def _reload(self) -> None:
        self.judge.configured()
        for process in self.living:
            process.reload(self.settings)

    def _do_grow(self, step: Step) -> bool | None:
        """The topic grows: workers notice it after a while and start again."""
        if len(self.cluster.logs) > self.plan.partitions:
            return False
        tp = TP(TOPIC, len(self.cluster.logs))
        self.cluster.logs[tp] = Log(tp)
        for process in self.living:
            process.stop()
            self.agenda.after(DRAIN, self._start_again)
        return None


def run(plan: Plan, trace: bool = False) -> tuple[Judge, World]:
    """The plan's judge, and the world as it is in the end."""
    world = World(plan)
    world.trace = [] if trace else None
    judge = world.run()
    return judge, world

"""Composition root: settings to collaborators to a running worker. Holds no step of the path and no policy."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from forwarder import __version__
from forwarder.allocator import return_large_blocks
from forwarder.clock import Clock, SystemClock, steady
from forwarder.configuration import load_checked
from forwarder.deliver.sign.jwks import document
from forwarder.errors import ConfigurationError, ForwarderError, StartAgain
from forwarder.kafka.group import Group
from forwarder.kafka.preflight import Preflight, wait_ready
from forwarder.kafka.shutdown import Shutdown
from forwarder.kafka.worker import run_worker
from forwarder.model.event import TP
from forwarder.observe.events import (
    ConfigRefused,
    ConfigReloaded,
    KafkaBack,
    KafkaUnreachable,
    Started,
    Stopped,
    Stopping,
    TlsVerificationDisabled,
    WorkerFailed,
)
from forwarder.observe.health import Health, HealthServer
from forwarder.observe.looplag import LoopLag
from forwarder.observe.metrics import Metrics
from forwarder.observe.observer import Logger, Observer
from forwarder.pipeline import Pipeline, Surroundings
from forwarder.progress.checkpoint import order_of
from forwarder.settings.load import Loaded
from forwarder.settings.reload import Watcher
from forwarder.signals import early_reload, hold_back

STOP_MARGIN_SECONDS = 15.0
"""What a stop may take beyond `shutdown.drain`: checkpoints, leaving the group, closing connections."""

CONDITIONS = ("kafka", "assignment", "checkpoints", "topics")


@dataclass
class Service:
    """One running Forwarder. `loaded` comes from `configuration.load_checked`, as every reload does."""

    config: Path
    loaded: Loaded
    logger: Logger
    clock: Clock = field(default_factory=SystemClock)
    pipeline: Pipeline | None = None
    failure: BaseException | None = None
    _appeared: frozenset[TP] = frozenset()
    _partitions: int = 0
    _rethink: asyncio.Event = field(default_factory=asyncio.Event)
    _shutdown: Shutdown = field(init=False)

    def __post_init__(self) -> None:
        self._shutdown = Shutdown(self.loaded.settings.shutdown.drain + STOP_MARGIN_SECONDS)

    async def run(self) -> int:
        """Until a signal (0) or a failure (1). Raises StartupError for what waiting cannot mend."""
        settings = self.loaded.settings
        metrics = Metrics()
        self._observer = Observer(metrics, self.logger, self.clock)
        self._health = Health(self.clock, CONDITIONS)
        self._health.set("topics", True)
        self._health.jwks = lambda: document(self.loaded.settings.webhooks, self.clock.wall())
        self._shutdown.install()
        lag = LoopLag(self._observer, self.clock, (self._health.beat, self._observer.flush))
        server = HealthServer(settings.http.listen, metrics, self._health)
        host, port = await server.start()
        lag.start()
        started = self.clock.monotonic()
        self._tell_start(f"{host}:{port}")
        code = 1
        try:
            code = await self._serve()
        except StartAgain:
            code = 0
            hold_back()
            raise
        finally:
            uptime = round(self.clock.monotonic() - started, 3)
            self._observer.emit(Stopped(exit_code=code, uptime_s=uptime))
            self._observer.flush(everything=True)
            lag.stop()
            await server.stop()
            self._shutdown.finished()
        return code

    async def _serve(self) -> int:
        reloads = asyncio.create_task(self._reload_on_change())
        stopping = asyncio.create_task(self._tell_stop())
        try:
            sources = await self._reach_kafka()
            if sources is None:
                return 0
            self._appeared = frozenset(TP(s.topic, number) for s in sources.sources for number in s.appeared)
            self._partitions = sum(source.partitions for source in sources.sources)
            self._health.set("kafka", True)
            self._observer.emit(KafkaBack(brokers=self.loaded.settings.kafka.brokers))
            code = await run_worker(
                self.loaded.settings, sources.sources, self._make_pipeline, order_of=order_of, shutdown=self._shutdown
            )
            if self.failure is not None:
                self._observer.emit(WorkerFailed(error=f"{type(self.failure).__name__}: {self.failure}"))
                code = 1
            return code
        finally:
            for task in (reloads, stopping):
                task.cancel()
            await asyncio.wait({reloads, stopping})

    async def _reach_kafka(self) -> Preflight | None:
        """None when a stop comes first. A reload counts at once: a wrong broker or topic is mended without a restart."""
        while not self._shutdown.requested.is_set():
            self._rethink.clear()
            settings = self.loaded.settings
            found = await wait_ready(settings, self._waiting, self._rethink)
            if found is not None and settings is self.loaded.settings:
                return found
        return None

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._shutdown.requested.is_set()

    def _make_pipeline(self, group: Group) -> Pipeline:
        around = Surroundings(
            self._observer,
            self._health,
            self.clock,
            random.random,
            self._crash,
            self._appeared,
            steady,
            self._partitions,
        )
        self.pipeline = Pipeline(self.loaded.settings, group, around)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        return self.pipeline

    def _crash(self, error: BaseException) -> None:
        """An error that nobody expected: end the worker; the checkpoint makes a restart safe."""
        if self.failure is None:
            self.failure = error
            self._shutdown.request()

    def _waiting(self, text: str) -> None:
        self._health.set("kafka", False, text)
        self._observer.emit(KafkaUnreachable(brokers=self.loaded.settings.kafka.brokers, error=text))

    def _tell_start(self, address: str) -> None:
        settings = self.loaded.settings
        topics = tuple(source.topic for source in settings.sources)
        self._observer.emit(
            Started(
                version=__version__, config=str(self.config), http=address, topics=topics,
                webhooks=len(settings.webhooks),
            )
        )  # fmt: skip
        for webhook in settings.webhooks:
            if webhook.allow_invalid_certs:
                self._observer.emit(TlsVerificationDisabled(webhook=webhook.name))

    async def _tell_stop(self) -> None:
        await self._shutdown.requested.wait()
        self._rethink.set()
        why = "failure" if self.failure else "signal"
        self._observer.emit(Stopping(why=why, drain_s=self.loaded.settings.shutdown.drain))

    # --- configuration ---

    async def _reload_on_change(self) -> None:
        changed = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, changed.set)
        if early_reload():
            changed.set()
        watching = asyncio.create_task(self._watch(changed))
        try:
            while True:
                await changed.wait()
                changed.clear()
                watched = self.loaded.watched
                await self.reload()
                if self.loaded.watched != watched:
                    watching.cancel()
                    watching = asyncio.create_task(self._watch(changed))
        except Exception as error:
            self._crash(error)
        finally:
            watching.cancel()

    async def _watch(self, changed: asyncio.Event) -> None:
        try:
            async for _ in Watcher([path for path in self.loaded.watched if path.exists()]).changes():
                changed.set()
        except Exception as error:  # such as the system's limit on watches: the events still flow
            self.logger.log(
                logging.ERROR, "the configuration is not watched; SIGHUP still reloads it", error=str(error)
            )

    async def reload(self) -> None:
        """Load again; a refused configuration changes nothing. One that says the same as before is told all the same:
        after a mistake was undone, nobody should look for it any more."""
        try:
            loaded = await asyncio.to_thread(load_checked, self.config)
        except ConfigurationError as error:
            self._observer.emit(ConfigRefused(config=str(self.config), problems=tuple(error.problems)))
            return
        changes: tuple[str, ...] = ()
        if self.pipeline is not None and loaded.settings != self.loaded.settings:
            changes = await self.pipeline.reload(loaded.settings)
        before, self.loaded = self.loaded, loaded
        if loaded.settings != before.settings:
            self._rethink.set()
        self._observer.emit(ConfigReloaded(config=str(self.config), changes=changes))
        self._tell_warnings(before)

    def _tell_warnings(self, before: Loaded) -> None:
        """Those that the last reload brought."""
        for warning in self.loaded.warnings:
            if warning not in before.warnings:
                self.logger.log(logging.WARNING, "configuration warning", problem=warning)
        known = {webhook.name for webhook in before.settings.webhooks if webhook.allow_invalid_certs}
        for webhook in self.loaded.settings.webhooks:
            if webhook.allow_invalid_certs and webhook.name not in known:
                self._observer.emit(TlsVerificationDisabled(webhook=webhook.name))


def run_service(make: Callable[[], Service]) -> int:
    """Run a service in an event loop of its own; returns the exit code. On StartAgain the process begins anew in place."""
    import uvloop

    _raise_file_limit()
    return_large_blocks(os.environ)
    service = make()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(service.run())
    except StartAgain as reason:
        if service.stopping:
            return 0
        service.logger.log(logging.WARNING, "starting again", reason=str(reason))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except ForwarderError as error:
        service.logger.log(logging.CRITICAL, "forwarder cannot go on", error=str(error))
        return error.exit_code


def _raise_file_limit() -> None:
    """A thousand webhooks need a thousand sockets; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else 65_536, hard))

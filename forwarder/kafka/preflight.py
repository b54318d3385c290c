"""What must be true of Kafka before Faust starts: Faust idles without a word where a topic or the group is missing or denied.

Makes and mends the topics that Forwarder owns; only looks at source topics and the group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.conn import create_conn
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from forwarder.errors import StartupError
from forwarder.kafka import topics
from forwarder.kafka.appeared import awaited, beyond, since_the_commit
from forwarder.kafka.connection import broker_address, security_options
from forwarder.kafka.diagnosis import connection_problem, request_problem
from forwarder.kafka.topics import ResolvedSource
from forwarder.settings.kafka import Kafka
from forwarder.settings.process import Settings

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
APPEAR_SECONDS = 15.0
APPEAR_PAUSE_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

_REFUSALS = (KafkaError, OSError, TimeoutError)
_STARTING = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError)


class TopicMissing(StartupError):
    """A source topic does not exist (yet)."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist (sources): create it or mend the name", retryable=True)
        self.topic = topic


@dataclass(frozen=True, slots=True)
class Preflight:
    """Kafka can be used. `unchecked` says what could not be found out (brokers that speak only a part of the protocol)."""

    sources: tuple[ResolvedSource, ...]
    unchecked: tuple[str, ...] = ()


async def wait_ready(settings: Settings, report: Callable[[str], None], stop: asyncio.Event) -> Preflight | None:
    """Preflight until it succeeds; None when `stop` is set first. `report` gets the reason before each wait.

    A topic that was waited for counts as appeared: whatever it holds was written while we were there.

    Raises StartupError where waiting cannot help (a refused login, a wrong certificate, a missing permission).
    """
    stopping = asyncio.ensure_future(stop.wait())
    pause = FIRST_PAUSE_SECONDS
    missing: set[str] = set()
    try:
        while not stop.is_set():
            trying = asyncio.ensure_future(preflight(settings))
            await asyncio.wait({trying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            problem = await _problem_of(trying)
            if problem is None:
                if trying.cancelled():
                    return None
                found = trying.result()
                return replace(found, sources=tuple(awaited(source, missing) for source in found.sources))
            if not problem.retryable:
                raise problem
            if isinstance(problem, TopicMissing):
                missing.add(problem.topic)
            report(f"{problem}; trying again in {pause:.0f} s")
            await asyncio.wait({stopping}, timeout=pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        return None
    finally:
        stopping.cancel()


async def _problem_of(trying: asyncio.Task[Preflight]) -> StartupError | None:
    """What an attempt ended with; one that has not ended is given up. Anything but a StartupError is raised."""
    if not trying.done():
        trying.cancel()
        await asyncio.wait({trying})
    error = None if trying.cancelled() else trying.exception()
    if error is not None and not isinstance(error, StartupError):
        raise error
    return error


async def preflight(settings: Settings) -> Preflight:
    """Check everything once, and make the topics that are ours. Raises StartupError with the reason and the fix."""
    kafka = settings.kafka
    await check_connections(kafka)
    async with _admin(kafka) as admin:
        sources = await _resolve(admin, [source.topic for source in settings.sources])
        names = {source.topic: topics.checkpoint_topic(kafka.group, source.topic) for source in sources}
        had = await _describe_ours(admin, list(names.values()))
        unchecked = [await _checkpoint_topic(admin, kafka, source) for source in sources]
        dead_letters = {source.dead_letters: found for source, found in zip(settings.sources, sources, strict=True)}
        dead_letters[topics.ledger_topic(kafka.group)] = ResolvedSource("", 1)
        await _dead_letter_topics(admin, kafka, dead_letters)
    sources, problem = await _check_group(kafka, sources)
    sources = tuple(beyond(source, had[names[source.topic]]) for source in sources)
    return Preflight(sources, tuple(text for text in (*unchecked, problem) if text))


async def check_connections(kafka: Kafka) -> None:
    """Connect and log in to every broker named; one that works is enough. Raises StartupError with the real reason."""
    options = security_options(kafka.security)
    problems = []
    for broker in kafka.brokers:
        host, port = broker_address(broker)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await create_conn(host, port, request_timeout_ms=int(CONNECT_SECONDS * 1000), **options)
            connection.close()
        except (StartupError, *_REFUSALS) as error:
            problems.append(connection_problem(f"{host}:{port}", kafka.security, error))
    if len(problems) == len(kafka.brokers):
        raise next((problem for problem in problems if not problem.retryable), problems[0])
    for problem in problems:
        _log.warning("%s", problem)


@asynccontextmanager
async def _admin(kafka: Kafka) -> AsyncIterator[Any]:
    """An admin client; what goes wrong before anything is asked is put down to the listener."""
    started = False
    try:
        async with topics.admin_client(kafka, request_timeout=CONNECT_SECONDS) as admin:
            started = True
            yield admin
    except _REFUSALS as error:
        if started:
            raise request_problem("talk to Kafka", error) from error
        raise connection_problem(", ".join(kafka.brokers), kafka.security, error) from error


async def _resolve(admin: Any, names: list[str]) -> tuple[ResolvedSource, ...]:
    found = await _describe(admin, names)
    sources = []
    for name in names:
        code, partitions = found[name]
        error = for_code(code)
        if error is UnknownTopicOrPartitionError:
            raise TopicMissing(name)
        if error is TopicAuthorizationFailedError:
            raise StartupError(f"this login may not read topic {name}: grant Describe and Read", retryable=False)
        if code or not partitions:
            raise StartupError(f"topic {name} cannot be used now: {error.__name__}", retryable=True)
        sources.append(ResolvedSource(name, partitions))
    return tuple(sources)


async def mend_checkpoint_topics(kafka: Kafka, sources: Sequence[ResolvedSource]) -> list[str]:
    """Make those again that are missing; the names of those made (a broker that just started lists none). Raises StartupError."""
    wanted = {topics.checkpoint_topic(kafka.group, source.topic): source for source in sources}
    async with _admin(kafka) as admin:
        found = await _describe_ours(admin, list(wanted))
        missing = [name for name, partitions in found.items() if partitions == 0]
        config = topics.CHECKPOINT_CONFIG
        made = [await _create(admin, kafka, name, wanted[name].partitions, config) for name in missing]
    return [name for name, ours in zip(missing, made, strict=True) if ours]


async def _checkpoint_topic(admin: Any, kafka: Kafka, source: ResolvedSource) -> str:
    """Make, grow or set up one checkpoint topic; returns what could not be checked, or nothing."""
    name = topics.checkpoint_topic(kafka.group, source.topic)
    if len(name) > topics.NAME_LIMIT:
        raise StartupError(f"the checkpoint topic's name {name} is too long: shorten kafka.group", retryable=False)
    partitions = (await _describe_ours(admin, [name]))[name]
    if partitions == 0:
        await _create(admin, kafka, name, source.partitions, topics.CHECKPOINT_CONFIG)
        return ""
    if partitions > source.partitions:
        raise StartupError(
            f"checkpoint topic {name} has {partitions} partitions, topic {source.topic} only {source.partitions}: "
            "the topic was deleted and made anew. To read the new one from its first record: stop all workers of the group, "
            f"delete {name}, start them again",
            retryable=False,
        )
    if partitions < source.partitions:
        await _grow(admin, name, source.partitions)
    return await _set_up(admin, name)


async def _grow(admin: Any, name: str, partitions: int) -> None:
    _log.info("growing checkpoint topic %s to %d partitions", name, partitions)
    try:
        await topics.grow_topic(admin, name, partitions)
    except _REFUSALS as error:
        raise request_problem(f"grow topic {name} to {partitions} partitions", error) from error
    await _appeared(admin, name, partitions)


async def _set_up(admin: Any, name: str) -> str:
    """Recovery is slow and records may be refused with other settings, so they are mended where that is allowed."""
    try:
        config = await topics.read_config(admin, name)
    except _REFUSALS as error:
        return f"settings of topic {name}: {error}"
    if not config.lacks(topics.CHECKPOINT_CONFIG):
        return ""
    try:
        await topics.alter_config(admin, name, {**config.own, **topics.CHECKPOINT_CONFIG})
    except _REFUSALS as error:
        if config.in_force.get("cleanup.policy") == "delete":
            raise request_problem(f"set cleanup.policy=compact on topic {name}", error) from error
        return f"settings of topic {name} cannot be changed: {error}"
    return ""


async def _dead_letter_topics(admin: Any, kafka: Kafka, wanted: Mapping[str, ResolvedSource]) -> None:
    found = await _describe_ours(admin, list(wanted))
    for name, source in wanted.items():
        if found[name] == 0:
            await _create(admin, kafka, name, source.partitions, await topics.letter_config(admin, source.topic))
        elif warning := await topics.too_small_for_letters(admin, name, source.topic):
            _log.warning("%s", warning)


async def _create(admin: Any, kafka: Kafka, name: str, partitions: int, config: Mapping[str, str]) -> bool:
    """Whether it was made; False where somebody else did."""
    _log.info("creating topic %s with %d partitions", name, partitions)
    try:
        made = await topics.create_topic(admin, name, partitions, config, kafka.replication_factor)
    except _REFUSALS as error:
        raise request_problem(f"create topic {name} with {partitions} partitions", error) from error
    await _appeared(admin, name, partitions)
    return made


async def _appeared(admin: Any, name: str, partitions: int) -> None:
    """A new topic is in the metadata a moment later; Faust would leave it out until the next refresh."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + APPEAR_SECONDS
    while (await _describe(admin, [name]))[name][1] < partitions:
        if loop.time() > deadline:
            raise StartupError(f"topic {name} was made and does not appear", retryable=True)
        await asyncio.sleep(APPEAR_PAUSE_SECONDS)


async def _describe_ours(admin: Any, names: list[str]) -> dict[str, int]:
    """Per topic its number of partitions. Some brokers make a topic of any name that is asked for, so only listed ones are."""
    listed = set(await admin.list_topics())
    known = [name for name in names if name in listed]
    found = await _describe(admin, known) if known else {}
    return {name: found[name][1] if name in found else 0 for name in names}


async def _describe(admin: Any, names: list[str]) -> dict[str, tuple[int, int]]:
    """Per topic its error code and its number of partitions that have a leader (0 unless all of them have)."""
    found = dict.fromkeys(names, (UnknownTopicOrPartitionError.errno, 0))
    for topic in await admin.describe_topics(names):
        led = [partition for partition in topic["partitions"] if partition["leader"] >= 0]
        complete = len(led) if len(led) == len(topic["partitions"]) else 0
        found[topic["topic"]] = (topic["error_code"], 0 if topic["error_code"] else complete)
    return found


async def _check_group(kafka: Kafka, sources: tuple[ResolvedSource, ...]) -> tuple[tuple[ResolvedSource, ...], str]:
    """The sources with the partitions that are new to the group, and what could not be found out.

    Faust says nothing at all when the group is denied. Asked on a connection of its own: some brokers drop it.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + APPEAR_SECONDS
    places = [TopicPartition(source.topic, number) for source in sources for number in range(source.partitions)]
    while True:
        try:
            async with topics.admin_client(kafka, request_timeout=CONNECT_SECONDS) as admin:
                answer = await admin.list_consumer_group_offsets(kafka.group, partitions=places)
            return tuple(since_the_commit(source, answer) for source in sources), ""
        except GroupAuthorizationFailedError:
            raise StartupError(
                f"this login may not use group {kafka.group}: grant Read on it", retryable=False
            ) from None
        except _STARTING as error:
            if loop.time() > deadline:
                raise StartupError(f"group {kafka.group} has no coordinator yet: {error}", retryable=True) from error
        except _REFUSALS as error:
            return sources, f"permission for group {kafka.group}: {error}"
        await asyncio.sleep(APPEAR_PAUSE_SECONDS)

"""The loads of bench/memory.py: which webhooks there are, how their endpoints behave, and what is produced. Measures nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.rig import event
from bench.service import Receivers
from tests.support.kafka import RealKafka

Webhooks = Callable[[Receivers], list[dict[str, Any]]]
Feed = Callable[[RealKafka, str], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Load:
    """`feed` writes to the topic until it is done or cancelled."""

    name: str
    webhooks: Webhooks
    feed: Feed
    partitions: int = 4
    preset: str = "standard-webhooks"


def hook(name: str, url: str, **more: Any) -> dict[str, Any]:
    patient = {"discardAfter": "never", "retry": {"base": "200ms", "cap": "5s"}, "throttle": "50ms"}
    return {"name": name, "url": url, **patient, **more}


def one_dead(at: Receivers) -> list[dict[str, Any]]:
    return [*(hook(f"good-{n}", at.url(f"ok/good-{n}")) for n in range(9)), hook("dead", at.url("status/503"))]


def thousand(at: Receivers) -> list[dict[str, Any]]:
    """Seven of ten are down, each in its way; an event concerns one in ten."""
    down = [at.refused, at.url("status/500"), at.url("hang"), at.url("deaf"), at.blackhole, at.url("status/429")]
    urls = [down[n % len(down)] if n % 10 < 7 else at.url(f"ok/{n}") for n in range(1000)]
    return [
        hook(f"w{n}", url, events=[f"auth.kind{k}" for k in range(n // 100, 1000, 10)], timeout="5s")
        for n, url in enumerate(urls)
    ]


def large(at: Receivers) -> list[dict[str, Any]]:
    return [
        hook("json", at.url("ok/json")),
        hook("zipped", at.url("ok/zipped"), compression="gzip"),
        hook("big", at.url("ok/big"), maxBytes="16MiB", compression="gzip", concurrency=4),
        hook("failing", at.url("status/503")),
        hook("hanging", at.url("hang"), timeout="5s", concurrency=4),
        hook("deaf", at.url("deaf"), timeout="5s"),
        hook("behind", at.url("paced")),
    ]


def slow(at: Receivers) -> list[dict[str, Any]]:
    ways = ["dribble", "hang", "deaf", "paced"]
    slow = [hook(f"{way}-{n}", at.url(way), timeout="5s") for way in ways for n in range(2)]
    return [*slow, hook("good-0", at.url("ok/good-0")), hook("good-1", at.url("ok/good-1"))]


def crowd(at: Receivers) -> list[dict[str, Any]]:
    """More endpoints that take events of 1 MB and do not answer than the budget holds bodies for."""
    ways = ["hang", "deaf", "paced", "ok/crowd"]
    return [hook(f"w{n}", at.url(ways[n % 4]), timeout="5s") for n in range(200)]


def broken(at: Receivers) -> list[dict[str, Any]]:
    """Everything ends in the dead-letter topic."""
    return [hook(f"refusing-{n}", at.url("status/400")) for n in range(3)]


def bulk(count: int, make: Callable[[int], bytes], partitions: int = 4, **producer: Any) -> Feed:
    """`count` events, as fast as it goes, the partitions in turn by slices."""

    async def feed(kafka: RealKafka, topic: str) -> None:
        slice_ = max(10, min(50_000, count // (2 * partitions)))
        numbers = iter(range(count))
        for partition in itertools.cycle(range(partitions)):
            some = [make(n) for n in itertools.islice(numbers, slice_)]
            if not some:
                return
            await _write(kafka, topic, partition, some, producer)

    return feed


async def _write(
    kafka: RealKafka, topic: str, partition: int, values: Iterable[bytes], options: dict[str, Any]
) -> None:
    if not options:
        await kafka.topics.produce_bulk(topic, partition, values)
        return
    async with kafka.topics.producer(max_request_size=16 * 2**20, **options) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=partition)


def tiny(number: int) -> bytes:
    return b'{"type":"auth.kind%d","timestamp":"2026-11-22T10:00:00Z","id":"e%d","data":{"n":%d}}' % (
        number % 1000, number, number,
    )  # fmt: skip


def _padding() -> Iterator[str]:
    """Text that compresses about as logs do."""
    rng = random.Random(7)
    words = [f"{rng.randrange(16**6):06x}" for _ in range(2000)]
    while True:
        yield " ".join(rng.choices(words, k=140_000))


_TEXTS = [next(_padding()) for _ in range(3)]


def mega(number: int) -> bytes:
    data = {"n": number, "note": _TEXTS[number % len(_TEXTS)]}
    body = {"type": "auth.big", "timestamp": "2026-11-22T10:00:00Z", "id": f"e{number}", "data": data}
    return json.dumps(body).encode()[: 10**6 + 2**16]


def bomb(number: int) -> bytes:
    """1 MB that compresses to about nothing: a thousand of them fit into one fetch."""
    return json.dumps({"type": "auth.big", "id": f"e{number}", "data": {"n": number, "note": "x" * 10**6}}).encode()


def text(number: int) -> bytes:
    """No JSON: it becomes a string, in which each of these bytes takes six."""
    return (b"%d" % number).ljust(10**6, b"\x01")


def garbage(number: int) -> bytes:
    return mega(number)[:-1]


async def quiet(kafka: RealKafka, topic: str) -> None:
    """No events at all."""
    await asyncio.Event().wait()


LOADS = {
    load.name: load
    for load in (
        Load("idle", one_dead, quiet),
        Load("dead", one_dead, bulk(2_000_000, event)),
        Load("thousand", thousand, bulk(500_000, event)),
        Load("large", large, bulk(1500, mega, acks=1)),
        Load("zipped", large, bulk(3000, bomb, acks=1, compression_type="zstd")),
        Load("text", large, bulk(600, text, acks=1, compression_type="zstd"), preset="raw"),
        Load("crowd", crowd, bulk(300, mega, acks=1)),
        Load("letters", broken, bulk(1000, lambda n: mega(n) if n % 2 else garbage(n), acks=1)),
        Load("wide", one_dead, bulk(1000, mega, partitions=64, acks=1), partitions=64),
        Load("slow", slow, bulk(10_000_000, tiny)),
    )
}

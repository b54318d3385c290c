"""Real receivers, one of each for the tests of a module, and a way to deliver to them as a lane would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender
from forwarder.model.event import Event
from forwarder.model.verdict import Verdict
from tests.support.receivers.real import OpenSearch, OtelSink, ReceiverMissing, VictoriaLogs
from tests.support.receivers.settle import settle
from tests.unit.deliver.make import event, webhook

CLUSTER = "prod"
SECOND = 1_000_000_000
NEW_YEAR_NS = 1_767_225_600 * SECOND

Delivering = Callable[..., Awaitable[list[Verdict]]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop is enough here: what differs between loops is tried elsewhere."""
    return {"asyncio": asyncio.new_event_loop}


def _running(receiver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    try:
        made = receiver(tmp_path_factory.mktemp(receiver.__name__.lower()))
    except ReceiverMissing as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"NOT TESTED AGAINST A REAL RECEIVER: {error}")
    made.start()
    yield made
    made.process.kill()


@pytest.fixture(scope="module")
def otel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtelSink]:
    yield from _running(OtelSink, tmp_path_factory)


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearch]:
    yield from _running(OpenSearch, tmp_path_factory)


@pytest.fixture(scope="module")
def victorialogs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaLogs]:
    yield from _running(VictoriaLogs, tmp_path_factory)


@pytest.fixture
def deliver(client: Client) -> Delivering:
    """Sends events to a URL, and once more what a verdict asks to be sent again; returns the verdicts."""

    async def send(url: str, events: list[Event], **settings: Any) -> list[Verdict]:
        hook = webhook(url=url, allowPlainHttp=True, timeout=10, **settings)
        return (await settle(Sender(hook, client, CLUSTER, SystemClock()), events, most=5)).verdicts

    return send


def made_events(topic: str, count: int = 60) -> list[Event]:
    """Events of one topic, a millisecond and a nanosecond apart, with values that are awkward to quote."""
    texts = ['"quoted" \\ back', "line\nbreak\ttab", "Grüße 😀 \u202e", "\u0000 \u001f", "</script>", "x" * 2000]
    return [
        event(
            b'{"n":%d,"text":%b}' % (number, msgspec.json.encode(texts[number % len(texts)])),
            number,
            topic=topic,
            when=NEW_YEAR_NS + number * 1_000_001,
            severity=number % 7,
            tenant=f"tenant-{number % 3}",
            id=f"id-{number}" if number % 2 else "",
        )
        for number in range(count)
    ]

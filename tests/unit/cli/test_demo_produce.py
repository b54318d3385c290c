"""The demo's factory: a steady rate, every number once and noted with its place, a broker that fails is said."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.cli.demo import produce
from forwarder.cli.demo.record import Ledger
from forwarder.cli.demo.vendors import Place
from forwarder.clock import ManualClock
from forwarder.errors import ForwarderError
from forwarder.kafka.producer import Produced, ProduceFailed
from forwarder.settings.kafka import Kafka


class Broker:
    """Takes records in turn; stands for the producer."""

    def __init__(self, _kafka: Kafka) -> None:
        self.values: list[bytes] = []
        self.closed = False
        self.failing = False

    async def produce(
        self, topic: str, key: bytes, value: bytes, headers: object, stamp: int
    ) -> Produced | ProduceFailed:
        await asyncio.sleep(0)
        self.values.append(value)
        return ProduceFailed("disk full") if self.failing else Produced(topic, 0, len(self.values) - 1)

    async def close(self) -> None:
        self.closed = True


class Until(ManualClock):
    """Sets `stop` when its time has come."""

    def __init__(self, seconds: float, stop: asyncio.Event) -> None:
        super().__init__(start=1_790_000_000.0)
        self._end = self.monotonic() + seconds
        self._stop = stop

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.monotonic() >= self._end:
            self._stop.set()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    one = Broker(Kafka())
    monkeypatch.setattr(produce, "RecordProducer", lambda _kafka: one)
    return one


@pytest.mark.parametrize(("rate", "seconds", "events"), [(200.0, 5.0, 1000), (7.0, 10.0, 70), (1000.0, 1.0, 1000)])
async def test_the_rate_is_kept_and_every_number_is_made_once(
    broker: Broker, rate: float, seconds: float, events: int
) -> None:
    stop, ledger = asyncio.Event(), Ledger()
    await produce.Factory(Kafka(), rate, ledger, Until(seconds, stop)).run(stop)
    assert abs(len(broker.values) - events) <= rate * 0.05 + 1
    assert sorted(ledger.places) == list(range(len(broker.values)))
    assert len(set(broker.values)) == len(broker.values)


async def test_the_ledger_knows_where_the_broker_put_it_and_who_wants_it(broker: Broker) -> None:
    stop, ledger = asyncio.Event(), Ledger()
    await produce.Factory(Kafka(), 100.0, ledger, Until(2.0, stop)).run(stop)
    assert ledger.places[0] == Place("demo-falco", 0, 0)
    assert ledger.expected("siem") == ledger.places
    assert 0 < len(ledger.expected("slack")) < len(ledger.places) / 5


async def test_a_broker_that_takes_nothing_ends_the_demo(broker: Broker) -> None:
    broker.failing = True
    factory = produce.Factory(Kafka(), 100.0, Ledger(), ManualClock())
    with pytest.raises(ForwarderError, match="took no event: disk full"):
        await factory.run(asyncio.Event())
    await factory.close()
    assert broker.closed

"""Alive while it beats, ready while every condition holds, and served before anything else works."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from forwarder.clock import ManualClock
from forwarder.errors import StartupError
from forwarder.observe import declared as d
from forwarder.observe.health import Condition, Health, HealthServer, parse_listen
from forwarder.observe.metrics import Metrics
from forwarder.observe.redact import register_secret


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(clock, ("kafka", "checkpoints"), stalled_after=15)


@pytest.fixture
async def base(metrics: Metrics, health: Health) -> AsyncIterator[str]:
    server = HealthServer("127.0.0.1:0", metrics, health)
    host, port = await server.start()
    yield f"http://{host}:{port}"
    await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize(
    ("listen", "parsed"),
    [
        ("127.0.0.1:9090", ("127.0.0.1", 9090)),
        ("[::1]:0", ("::1", 0)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
        ("localhost:65535", ("localhost", 65535)),
        (":9090", ("", 9090)),
    ],
)
def test_addresses_are_read(listen: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(listen) == parsed


@pytest.mark.parametrize("listen", ["", "9090", "host", "host:", "host:http", "::1:9090", "h:65536", "h:-1", "[::1]"])
def test_other_texts_are_refused_naming_the_setting(listen: str) -> None:
    with pytest.raises(StartupError, match=r"http\.listen") as refused:
        parse_listen(listen)
    assert not refused.value.retryable


def test_it_is_alive_until_nobody_beats_any_more(health: Health, clock: ManualClock) -> None:
    clock.advance(1000)
    assert health.alive
    health.beat()
    clock.advance(14.9)
    assert health.alive
    clock.advance(0.2)
    assert not health.alive
    assert health.stalled_for == pytest.approx(15.1)
    health.beat()
    assert health.alive
    assert health.beats == 2


def test_it_is_ready_when_all_conditions_hold_and_only_then(health: Health) -> None:
    assert not health.ready
    health.set("kafka", True)
    assert not health.ready
    health.set("checkpoints", True)
    assert health.ready
    health.set("reload", False, "configuration refused")
    assert not health.ready
    assert health.conditions["reload"] == Condition(False, "configuration refused")


def test_a_reason_holds_no_secret(health: Health) -> None:
    register_secret("correct-horse-battery")
    health.set("kafka", False, "login with correct-horse-battery refused by kafka://u:p@k:9092")
    assert health.conditions["kafka"].reason == "login with *** refused by kafka://***@k:9092"


async def test_readiness_is_served_with_reasons(base: str, health: Health, client: aiohttp.ClientSession) -> None:
    health.set("kafka", False, "connecting to k:9092")
    async with client.get(f"{base}/readyz") as response:
        assert response.status == 503
        assert await response.json() == {
            "ready": False,
            "conditions": {
                "kafka": {"ok": False, "reason": "connecting to k:9092"},
                "checkpoints": {"ok": False, "reason": "not yet"},
            },
        }
    health.set("kafka", True)
    health.set("checkpoints", True)
    async with client.get(f"{base}/readyz") as response:
        assert response.status == 200
        assert (await response.json())["ready"] is True


async def test_liveness_is_served(base: str, health: Health, clock: ManualClock, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/livez") as response:
        fine = {"alive": True, "stalledForSeconds": 0.0, "stuck": []}
        assert (response.status, await response.json()) == (200, fine)
    clock.advance(20)
    async with client.get(f"{base}/livez") as response:
        stalled = {"alive": False, "stalledForSeconds": 20.0, "stuck": []}
        assert (response.status, await response.json()) == (503, stalled)


async def test_what_is_stuck_for_good_is_named_where_liveness_is_served(
    base: str, health: Health, client: aiohttp.ClientSession
) -> None:
    health.stuck = ("lane siem: an attempt has not ended (for 400 s)",)
    async with client.get(f"{base}/livez") as response:
        assert response.status == 503
        assert (await response.json())["stuck"] == ["lane siem: an attempt has not ended (for 400 s)"]
    health.stuck = ()
    async with client.get(f"{base}/livez") as response:
        assert response.status == 200


async def test_metrics_are_served_fresh_in_the_format_asked_for(
    base: str, metrics: Metrics, client: aiohttp.ClientSession
) -> None:
    metrics.on_scrape(lambda: metrics.gauge(d.MEMORY_USED).set(77))
    async with client.get(f"{base}/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "\nforwarder_memory_used_bytes 77.0\n" in await response.text()
    headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with client.get(f"{base}/metrics", headers=headers) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await response.text()).endswith("# EOF\n")


async def test_scrapes_at_the_same_time_are_all_answered(
    base: str, metrics: Metrics, client: aiohttp.ClientSession
) -> None:
    metrics.add_webhook("siem")

    async def scrape() -> int:
        async with client.get(f"{base}/metrics") as response:
            return len(await response.read())

    assert all(size > 1000 for size in await asyncio.gather(*(scrape() for _ in range(8))))


async def test_other_paths_and_methods_are_refused(base: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/") as response:
        assert response.status == 404
    async with client.post(f"{base}/metrics") as response:
        assert response.status == 405


async def test_garbage_on_the_port_leaves_no_noise_in_the_log(
    base: str, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Port scanners are everywhere."""
    caplog.set_level("INFO")
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 not http at all\r\n\r\n")
    await writer.drain()
    await reader.read()
    writer.close()
    async with client.get(f"{base}/livez") as response:
        assert response.status == 200
    assert caplog.records == []


async def test_a_port_in_use_names_the_setting(metrics: Metrics, health: Health) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartupError, match=rf"http\.listen: cannot serve on {listen}: .*in use") as refused:
            await HealthServer(listen, metrics, health).start()
    assert not refused.value.retryable


async def test_a_host_that_is_not_ours_names_the_setting(metrics: Metrics, health: Health) -> None:
    with pytest.raises(StartupError, match=r"http\.listen: cannot serve on 203\.0\.113\.1:0"):
        await HealthServer("203.0.113.1:0", metrics, health).start()


async def test_an_ipv6_address_can_be_served(metrics: Metrics, health: Health, client: aiohttp.ClientSession) -> None:
    server = HealthServer("[::1]:0", metrics, health)
    _, port = await server.start()
    async with client.get(f"http://[::1]:{port}/livez") as response:
        assert response.status == 200
    await server.stop()


async def test_the_port_is_free_again_after_a_stop(metrics: Metrics, health: Health) -> None:
    first = HealthServer("127.0.0.1:0", metrics, health)
    host, port = await first.start()
    await first.stop()
    second = HealthServer(f"{host}:{port}", metrics, health)
    assert await second.start() == (host, port)
    await second.stop()


async def test_the_books_are_shown_as_they_are_when_asked(
    base: str, client: aiohttp.ClientSession, health: Health
) -> None:
    async with client.get(f"{base}/books") as answer:
        assert (answer.status, await answer.json()) == (200, {"webhooks": {}})
    health.books = lambda: {"siem": {"logs/0": {"read": 5, "delivered": 5}}}
    async with client.get(f"{base}/books") as answer:
        assert await answer.json() == {"webhooks": {"siem": {"logs/0": {"read": 5, "delivered": 5}}}}


async def test_the_event_types_are_a_snapshot_of_the_loop_put_into_words_in_another_thread(
    base: str, client: aiohttp.ClientSession, health: Health
) -> None:
    async with client.get(f"{base}/events") as answer:
        assert await answer.json() == {"webhooks": [], "types": []}
    threads: list[str] = []

    def snapshot() -> Callable[[], dict[str, object]]:
        threads.append(threading.current_thread().name)

        def document() -> dict[str, object]:
            threads.append(threading.current_thread().name)
            return {"webhooks": ["siem"], "types": [{"type": "login", "count": 5}]}

        return document

    health.events = snapshot
    async with client.get(f"{base}/events") as answer:
        assert (await answer.json())["types"] == [{"type": "login", "count": 5}]
    assert threads[0] == "MainThread" and threads[1].startswith("metrics")


async def test_public_keys_are_served_where_receivers_look_for_them(
    base: str, client: aiohttp.ClientSession, health: Health
) -> None:
    async with client.get(f"{base}/.well-known/jwks.json") as answer:
        assert await answer.json(content_type="application/jwk-set+json") == {"keys": []}
    health.jwks = lambda: {"keys": [{"kid": "a"}]}
    async with client.get(f"{base}/.well-known/jwks.json") as answer:
        assert (await answer.json(content_type=None), answer.headers["Cache-Control"]) == (
            {"keys": [{"kid": "a"}]},
            "public, max-age=300",
        )

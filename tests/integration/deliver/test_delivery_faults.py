"""Receivers that cannot be reached, or answer badly or not at all: each has its class, and nothing is raised."""

from __future__ import annotations

import asyncio
import socket

import pytest

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.settings.process import Egress
from forwarder.settings.providers.spec import Caps
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.servers import Received, Script, answer, raw, receiver, reset
from tests.unit.deliver.make import batch, event, webhook

MAX_ANSWER_BYTES = Caps().answer_bytes
MAX_ANSWER_BYTES = Caps().answer_bytes
BATCH = batch(event(b'{"a":1}', 5))
OK = b"HTTP/1.1 200 OK\r\n"


async def attempted(sending: Sender) -> Attempt:
    return await sending.attempt(sending.prepare(BATCH), 1, {})


def fault(attempt: Attempt) -> Fault:
    assert isinstance(attempt.result, Failure), attempt.result
    assert attempt.result.text
    assert "k=v" not in attempt.result.text  # the query may hold a token
    return attempt.result.fault


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_a_closed_port_refuses(sender: Making) -> None:
    attempt = await attempted(sender(closed_port()))
    assert fault(attempt) is Fault.REFUSED
    assert attempt.sent_bytes == 0


async def test_a_closed_port_refuses_on_every_address_of_a_name(sender: Making) -> None:
    assert fault(await attempted(sender(url=f"http://localhost:{closed_port()}/?k=v"))) is Fault.REFUSED


async def test_a_name_that_does_not_exist_is_a_dns_fault(sender: Making) -> None:
    """`.invalid` never resolves (RFC 6761)."""
    attempt = await attempted(sender(url="https://nowhere.invalid/?k=v", timeout=30))
    assert fault(attempt) is Fault.DNS


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (raw(then="close"), Fault.RESET),
        (raw(then="reset"), Fault.RESET),
        (raw(OK + b"Content-Le", then="close"), Fault.RESET),
        (raw(OK + b"Content-Length: 10\r\n\r\n12345", then="close"), Fault.RESET),
        (raw(OK + b"Content-Length: 10\r\n\r\n12345", then="reset"), Fault.RESET),
        (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", then="close"), Fault.RESET),
        (raw(b"\x00\xff\x13garbage\r\n\r\n"), Fault.PROTOCOL),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Fault.PROTOCOL),
        (raw(b"HTTP/1.1 two hundred\r\n\r\n"), Fault.PROTOCOL),
        (raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), Fault.PROTOCOL),
        (raw(OK + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n"), Fault.PROTOCOL),
        (raw(OK + b"X-Many: y\r\n" * 20_000 + b"\r\n"), Fault.PROTOCOL),
    ],
    ids=[
        "closes without an answer",
        "resets without an answer",
        "closes within the headers",
        "closes within the body",
        "resets within the body",
        "closes between chunks",
        "garbage",
        "another protocol",
        "no status",
        "broken chunks",
        "one header of 1 MB",
        "20,000 headers",
    ],
)
async def test_a_broken_answer_has_its_class(sender: Making, script: Script, expected: Fault) -> None:
    async with receiver(script) as server:
        assert fault(await attempted(sender(server.port))) is expected
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        raw(),
        raw(*(bytes([byte]) for byte in OK), pause=0.05),
        raw(OK + b"Content-Length: 100\r\n\r\n", *[b"."] * 100, pause=0.05),
        raw(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 100, pause=0.05),
    ],
    ids=["never answers", "dribbles its headers", "dribbles its body", "continues for ever"],
)
async def test_an_answer_that_does_not_come_in_time_is_a_timeout(sender: Making, script: Script) -> None:
    async with receiver(script) as server:
        attempt = await attempted(sender(server.port, timeout=0.3))
    assert fault(attempt) is Fault.TIMEOUT


async def test_an_answer_that_never_ends_is_cut(sender: Making) -> None:
    stopped = asyncio.Event()

    async def flood(_: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        stopped.set()

    async with receiver(flood) as server:
        sending = sender(server.port)
        attempt = await attempted(sending)
        await asyncio.wait_for(stopped.wait(), 5)
    assert isinstance(attempt.result, Response)
    assert (attempt.result.status, len(attempt.result.body)) == (200, MAX_ANSWER_BYTES)


async def test_an_answer_of_just_the_bound_keeps_its_connection(sender: Making) -> None:
    async with receiver(answer(200, b"x" * MAX_ANSWER_BYTES)) as server:
        sending = sender(server.port)
        for _ in range(2):
            await attempted(sending)
    assert server.connections == 1


async def test_a_connection_that_is_not_accepted_in_time_is_told_apart(sender: Making) -> None:
    """A full backlog: the kernel drops further SYNs, as a dropping firewall does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        await asyncio.sleep(0.05)
        sending = sender(address[1], connectTimeout=0.3)
        try:
            assert fault(await attempted(sending)) is Fault.CONNECT_TIMEOUT
        finally:
            for filler in fillers:
                filler.close()


async def test_cancellation_passes_through(sender: Making) -> None:
    async with receiver(raw()) as server:
        task = asyncio.ensure_future(attempted(sender(server.port)))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class TestDeadKeptAliveConnection:
    """The server ends an idle connection in the very moment in which it is used again."""

    async def test_is_retried_at_once_on_a_new_one(self, sender: Making) -> None:
        def dying_second_time() -> Script:
            async def script(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                if len(server.requests) == 2:
                    reset(writer)
                else:
                    await answer()(request, reader, writer)

            return script

        async with receiver(dying_second_time()) as server:
            sending = sender(server.port)
            attempts = [await attempted(sending) for _ in range(3)]
        assert [attempt.outcome_class for attempt in attempts] == ["http_2xx"] * 3
        assert [request.headers["Forwarder-Attempt"] for request in server.requests] == ["1"] * 4
        assert len({request.body for request in server.requests}) == 1

    @pytest.mark.parametrize("then", ["close", "reset"])
    async def test_is_retried_once_only(self, sender: Making, then: str) -> None:
        async def dying(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await (answer() if len(server.requests) == 1 else raw(then=then))(request, reader, writer)

        async with receiver(dying) as server:
            sending = sender(server.port)
            await attempted(sending)
            assert fault(await attempted(sending)) is Fault.RESET
        assert len(server.requests) == 3

    async def test_is_not_assumed_once_an_answer_began(self, sender: Making) -> None:
        async def half(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            begun = raw(OK + b"Content-Length: 9\r\n\r\nhalf", then="close")
            await (answer() if len(server.requests) == 1 else begun)(request, reader, writer)

        async with receiver(half) as server:
            sending = sender(server.port)
            await attempted(sending)
            assert fault(await attempted(sending)) is Fault.RESET
        assert len(server.requests) == 2

    async def test_is_not_assumed_on_a_new_connection(self, sender: Making) -> None:
        async with receiver(raw(then="close")) as server:
            assert fault(await attempted(sender(server.port))) is Fault.RESET
        assert len(server.requests) == 1


class TestEgressGuard:
    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "127.1", "[::1]",
                 "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "127.0.0.1.", "169.254.169.254", "①②⑦.⓪.⓪.①"]
    )  # fmt: skip
    async def test_no_spelling_of_a_special_address_is_connected_to(self, host: str) -> None:
        client = Client(Egress(), SystemClock())
        async with receiver(answer()) as server:
            hook = webhook(url=f"http://{host}:{server.port}/", timeout=3, allowPlainHttp=True)
            attempt = await attempted(Sender(hook, client, "prod", SystemClock()))
        await client.close()
        assert server.connections == 0
        assert fault(attempt) is Fault.EGRESS

    async def test_a_proxy_gets_the_request_and_may_itself_be_inside(self) -> None:
        async with receiver(answer()) as proxy:
            client = Client(Egress(proxy=f"http://127.0.0.1:{proxy.port}"), SystemClock())
            hook = webhook(url="http://siem.example/hook", timeout=3, allowPlainHttp=True)
            attempt = await attempted(Sender(hook, client, "prod", SystemClock()))
            await client.close()
        assert attempt.outcome_class == "http_2xx"
        assert proxy.requests[0].line == "POST http://siem.example/hook HTTP/1.1"

    async def test_a_special_address_is_refused_before_the_proxy_is_asked(self) -> None:
        async with receiver(answer()) as proxy:
            client = Client(Egress(proxy=f"http://127.0.0.1:{proxy.port}"), SystemClock())
            hook = webhook(url="http://169.254.169.254/hook", timeout=3, allowPlainHttp=True)
            assert fault(await attempted(Sender(hook, client, "prod", SystemClock()))) is Fault.EGRESS
            await client.close()
        assert proxy.requests == []

    async def test_a_proxy_that_refuses_the_tunnel_is_no_fault_of_the_receiver(self) -> None:
        async with receiver(answer(403, b"")) as proxy:
            client = Client(Egress(proxy=f"http://127.0.0.1:{proxy.port}"), SystemClock())
            hook = webhook(url="https://siem.example/hook", timeout=3)
            assert fault(await attempted(Sender(hook, client, "prod", SystemClock()))) is Fault.WAY_OUT
            await client.close()

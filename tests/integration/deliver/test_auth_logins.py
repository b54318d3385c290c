"""Logins over real sockets: one for many attempts, again on a 401, never a storm, behind the same guard as the deliveries."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Prepared, Sender
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.settings.process import Egress
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.login_server import Doors, attempted, doors, status
from tests.integration.deliver.servers import answer, raw, receiver
from tests.unit.deliver.make import batch, event, webhook

LOOPBACK = "127.0.0.0/8"


def failure(attempt: Attempt) -> Failure:
    assert isinstance(attempt.result, Failure), attempt.result
    assert "hunter2" not in attempt.result.text
    return attempt.result


def to(door: Doors, sender: Making, **settings: Any) -> Sender:
    return sender(door.events.port, **{"httpAuth": door.login(), **settings})


async def test_two_hundred_attempts_at_once_log_in_once(sender: Making) -> None:
    async with doors() as door:
        senders = [to(door, sender, name=f"hook-{number}") for number in range(200)]
        attempts = await asyncio.gather(*(attempted(sending) for sending in senders))
        assert {status(attempt) for attempt in attempts} == {200}
    assert len(door.logins.requests) == 1
    assert len(door.events.requests) == 200


async def test_a_token_that_the_receiver_has_forgotten_is_renewed_within_the_attempt(sender: Making) -> None:
    async with doors() as door:
        sending = to(door, sender)
        assert status(await attempted(sending)) == 200
        for _ in range(3):
            door.valid.clear()
            assert status(await attempted(sending)) == 200
        assert [len(door.logins.requests), len(door.events.requests)] == [4, 7]


async def test_a_hundred_lanes_whose_token_is_forgotten_log_in_once_more(sender: Making) -> None:
    async with doors() as door:
        senders = [to(door, sender) for _ in range(100)]
        await attempted(senders[0])
        door.valid.clear()
        attempts = await asyncio.gather(*(attempted(sending) for sending in senders))
        assert {status(attempt) for attempt in attempts} == {200}
    assert len(door.logins.requests) == 2


async def test_a_receiver_that_takes_no_token_is_asked_twice_and_its_answer_counts(sender: Making) -> None:
    async with doors(refuse=True) as door:
        sending = to(door, sender)
        assert status(await attempted(sending)) == 401
        assert [len(door.logins.requests), len(door.events.requests)] == [2, 2]
        for _ in range(20):
            assert status(await attempted(sending)) == 401
        assert len(door.logins.requests) == 2


async def test_tokens_that_end_at_once_still_deliver(sender: Making) -> None:
    async with doors(lifetime=0) as door:
        sending = to(door, sender)
        assert [status(await attempted(sending)) for _ in range(20)] == [200] * 20
        assert len(door.logins.requests) < 10


async def test_a_failing_login_reaches_a_hundred_lanes_and_its_server_once(sender: Making) -> None:
    async with doors(instead=answer(401)) as door:
        senders = [to(door, sender) for _ in range(100)]
        for _ in range(3):
            attempts = await asyncio.gather(*(attempted(sending) for sending in senders))
            told = {failure(attempt) for attempt in attempts}
            assert told == {Failure(Fault.CREDENTIALS, "login at 127.0.0.1: answered 401")}
        assert len(door.logins.requests) <= 3
        assert door.events.requests == []


@pytest.mark.parametrize(
    ("script", "fault", "text"),
    [
        (answer(200, b"<html>hunter2</html>"), Fault.CREDENTIALS, "not JSON"),
        (answer(200, b'{"token": "' + b"x" * 2_000_000 + b'"}'), Fault.CREDENTIALS, "too long"),
        (answer(200, b'{"user": "hunter2"}'), Fault.CREDENTIALS, "without a token"),
        (answer(500, b"hunter2"), Fault.UNREACHABLE, "answered 500"),
        (
            answer(302, Location="http://10.0.0.1/"),
            Fault.CREDENTIALS,
            "answered 302, a redirect, which is not followed",
        ),
        (raw(b"garbage hunter2\r\n\r\n", then="close"), Fault.UNREACHABLE, "is not HTTP"),
        (raw(b"", then="close"), Fault.UNREACHABLE, "closed without an answer"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", then="reset"), Fault.UNREACHABLE, "127.0.0.1"),
    ],
    ids=["html", "huge", "no token", "500", "redirect", "garbage", "closed", "reset"],
)
async def test_a_bad_login_server_is_named_to_the_lane(sender: Making, script: Any, fault: Fault, text: str) -> None:
    async with doors(instead=script) as door:
        told = failure(await attempted(to(door, sender)))
        assert told.fault is fault
        assert told.text.startswith("login at 127.0.0.1: ")
        assert text in told.text
        assert door.events.requests == []


async def test_a_login_server_that_says_nothing_costs_the_attempt_its_time_and_no_more(sender: Making) -> None:
    async with doors(instead=raw(b"")) as door:
        attempts = await asyncio.gather(*(attempted(to(door, sender, timeout=0.3)) for _ in range(20)))
        assert {failure(attempt).fault for attempt in attempts} == {Fault.UNREACHABLE}
        assert len(door.logins.requests) == 1


async def test_a_login_redirected_to_a_private_address_is_not_followed(sender: Making) -> None:
    async with receiver(answer(200, b'{"token":"stolen"}')) as private:
        moved = answer(307, Location=f"http://127.0.0.1:{private.port}/")
        async with doors(instead=moved) as door:
            assert failure(await attempted(to(door, sender))).fault is Fault.CREDENTIALS
    assert private.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_login_url_at_a_guarded_address_is_refused_before_anything_is_sent(host: str) -> None:
    async with doors() as door:
        url = f"http://{host}:{door.logins.port}/session"
        hook = webhook(url="https://203.0.114.7/", allowPlainHttp=True, httpAuth=door.login(url=url))
        client = Client(Egress(), SystemClock())
        told = failure(await attempted(Sender(hook, client, "prod", SystemClock())))
        await client.close()
        assert told.fault is Fault.EGRESS
        assert "login at " in told.text
    assert door.logins.connections == 0


async def test_the_login_goes_through_the_proxy_too() -> None:
    async with doors() as door, forwarding_proxy() as proxy:
        client = Client(Egress(allow=(LOOPBACK,), proxy=f"http://127.0.0.1:{proxy.port}"), SystemClock())
        url = f"http://127.0.0.1:{door.events.port}/"
        hook = webhook(url=url, allowPlainHttp=True, httpAuth=door.login())
        await attempted(Sender(hook, client, "prod", SystemClock()))
        await client.close()
    assert door.login_url in proxy.requests[0].line


def forwarding_proxy() -> Any:
    """Notes what it is asked for, and answers as a login server would."""
    return receiver(answer(200, b'{"token":"t"}'))


async def test_oauth2_over_a_socket(sender: Making) -> None:
    async with doors() as door:
        auth = {
            "@type": "OAuth2",
            "tokenUrl": door.login_url,
            "clientId": "forwarder",
            "clientSecret": {"@type": "Value", "secret": "hunter2-client"},
            "scopes": ["a", "b"],
        }
        assert status(await attempted(to(door, sender, httpAuth=auth))) == 200
        [asked] = door.logins.requests
        assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["a b"]}
        assert base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")) == b"forwarder:hunter2-client"


async def test_a_rotated_password_logs_in_anew(sender: Making, tmp_path: Path) -> None:
    held = tmp_path / "password"
    held.write_text("first")
    async with doors() as door:
        sending = to(door, sender, httpAuth=door.login(secret={"@type": "File", "filePath": str(held)}))
        await attempted(sending)
        held.write_text("second")
        await attempted(sending)
        assert [b"first" in door.logins.requests[0].body, b"second" in door.logins.requests[1].body] == [True, True]
        assert len(door.logins.requests) == 2


async def test_a_login_that_works_again_is_used_again(sender: Making) -> None:
    async with doors(instead=answer(503)) as door:
        sending = to(door, sender)
        failure(await attempted(sending))
        door.instead = None
        for _ in range(100):
            attempt = await attempted(sending)
            if isinstance(attempt.result, Response):
                break
            await asyncio.sleep(0.05)
        assert status(attempt) == 200


async def test_an_echoed_token_is_blotted_out(sender: Making) -> None:
    async with doors(refuse=True) as door:
        attempt = await attempted(to(door, sender))
        assert isinstance(attempt.result, Response)
        assert attempt.result.body == b"you sent Bearer ***"


async def test_a_preview_logs_nobody_in_and_shows_no_secret(sender: Making) -> None:
    async with doors() as door:
        sending = to(door, sender)
        prepared = sending.prepare(batch(event()))
        assert isinstance(prepared, Prepared)
        shown = await sending.preview(prepared)
        assert "Authorization: ***" in shown.splitlines()
        assert "hunter2" not in shown
        assert door.logins.requests == []


async def test_no_log_line_and_no_repr_holds_a_secret(sender: Making, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with doors() as door:
        sending = to(door, sender)
        first = await attempted(sending)
        door.valid.clear()
        door.instead = answer(403, b"hunter2-token-1 hunter2-password")
        second = await attempted(sending)
    assert "hunter2" not in f"{first!r}{second!r}{sending!r}{vars(sending)!r}{caplog.text}"


async def test_closing_the_client_ends_a_login_under_way() -> None:
    async with doors(instead=raw(b"")) as door:
        client = Client(Egress(allow=(LOOPBACK,)), SystemClock())
        hook = webhook(url=f"http://127.0.0.1:{door.events.port}/", allowPlainHttp=True, httpAuth=door.login())
        waiting = asyncio.create_task(attempted(Sender(hook, client, "prod", SystemClock())))
        while not door.logins.requests:
            await asyncio.sleep(0.01)
        await client.close()
        assert failure(await waiting) == Failure(Fault.UNREACHABLE, "login at 127.0.0.1: it was cut off")


async def test_a_cancelled_attempt_raises_nothing_else_while_it_logs_in(sender: Making) -> None:
    async with doors(instead=raw(b"")) as door:
        waiting = asyncio.create_task(attempted(to(door, sender)))
        while not door.logins.requests:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert waiting.cancelled()


async def test_a_login_name_that_does_not_resolve_is_out_of_reach(
    sender: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with doors() as door:
        told = failure(await attempted(to(door, sender, httpAuth=door.login(url="http://login.example/"))))
        assert told.fault is Fault.UNREACHABLE
        assert told.text.startswith("login at login.example: the name does not resolve")

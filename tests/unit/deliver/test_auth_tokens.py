"""The token store: one login for all, refreshed in time, renewed once on a 401, and left alone where it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.auth import tokens as module
from forwarder.deliver.auth.account import account_of
from forwarder.deliver.auth.token import pause, token
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.observe.redact import SECRETS
from tests.unit.deliver.auth_rig import LOGIN, Rig, Server, account, granted, settle
from tests.unit.deliver.make import secret, webhook


async def test_two_hundred_lanes_that_wait_at_once_share_one_login() -> None:
    rig = Rig()
    rig.server.open.clear()
    waiting = [asyncio.create_task(rig.value()) for _ in range(200)]
    await settle()
    rig.server.open.set()
    assert set(await asyncio.gather(*waiting)) == {"token-1"}
    assert rig.server.asked == 1


async def test_a_token_is_kept_while_it_holds() -> None:
    rig = Rig()
    assert [await rig.value() for _ in range(5)] == ["token-1"] * 5
    assert rig.server.asked == 1


async def test_a_token_is_refreshed_before_its_end_and_nobody_waits_for_that() -> None:
    rig = Rig(Server(lifetime=3600))
    await rig.value()
    rig.clock.advance(3600 - 60)
    rig.server.open.clear()
    assert await rig.value() == "token-1"
    await settle()
    assert rig.server.asked == 2
    rig.server.open.set()
    await settle()
    assert await rig.value() == "token-2"
    assert rig.server.asked == 2


async def test_a_token_that_has_ended_is_not_used() -> None:
    rig = Rig(Server(lifetime=10))
    await rig.value()
    rig.clock.advance(10)
    assert await rig.value() == "token-2"


async def test_a_refresh_that_fails_leaves_the_old_token_in_use_and_waits_before_it_tries_again() -> None:
    rig = Rig(Server(lifetime=3600))
    await rig.value()
    rig.server.answer = lambda _: Response(500)
    rig.clock.advance(3600 - 50)
    for _ in range(20):
        assert await rig.value() == "token-1"
        await settle()
    assert rig.server.asked == 2
    rig.clock.advance(50)
    rig.server.answer = None
    assert await rig.value() == "token-3"


async def test_tokens_that_end_at_once_do_not_mean_a_login_for_each_request() -> None:
    rig = Rig(Server(lifetime=0))
    for _ in range(100):
        await rig.value()
        await settle()
    assert rig.server.asked <= 2
    rig.clock.advance(1)
    await rig.value()
    assert rig.server.asked <= 4


class TestAnswered401:
    async def test_the_token_that_was_used_is_replaced(self) -> None:
        rig = Rig()
        used = await rig.tokens.get(account(), 30)
        assert not isinstance(used, Failure)
        renewed = await rig.tokens.renew(account(), used, 30)
        assert not isinstance(renewed, Failure)
        assert renewed.value == "token-2"

    async def test_a_token_that_somebody_else_has_replaced_already_is_not_replaced_again(self) -> None:
        rig = Rig()
        used = await rig.tokens.get(account(), 30)
        assert not isinstance(used, Failure)
        renewed = await asyncio.gather(*(rig.tokens.renew(account(), used, 30) for _ in range(100)))
        assert {found.value for found in renewed if not isinstance(found, Failure)} == {"token-2"}
        assert rig.server.asked == 2

    async def test_a_receiver_that_refuses_every_token_does_not_make_a_storm_of_logins(self) -> None:
        rig = Rig()
        for _ in range(600):
            used = await rig.tokens.get(account(), 30)
            assert not isinstance(used, Failure)
            await rig.tokens.renew(account(), used, 30)
            rig.clock.advance(1)
        assert rig.server.asked <= 14  # 1, 2, 4 ... 300 seconds apart, and never all in step

    async def test_a_token_that_was_taken_can_be_renewed_at_once(self) -> None:
        rig = Rig()
        for number in range(1, 6):
            used = await rig.tokens.get(account(), 30)
            assert not isinstance(used, Failure)
            assert used.value == f"token-{number}"
            rig.tokens.accepted(account(), used)
            await rig.tokens.renew(account(), used, 30)
        assert rig.server.asked == 6


class TestAFailingLogin:
    @pytest.mark.parametrize(
        ("answer", "fault", "text"),
        [
            (Response(401), Fault.CREDENTIALS, "login at login.example: answered 401"),
            (Response(302, {"location": "http://10.0.0.1/"}), Fault.CREDENTIALS, "answered 302, a redirect"),
            (Response(200, {}, b"<html>"), Fault.CREDENTIALS, "is not JSON"),
            (Response(503), Fault.UNREACHABLE, "login at login.example: answered 503"),
            (Failure(Fault.TIMEOUT, "no complete answer in time"), Fault.UNREACHABLE, "login.example: no complete"),
            (Failure(Fault.EGRESS, "h is a private address"), Fault.EGRESS, "login.example: h is a private"),
            (Failure(Fault.TLS, "TLS failed"), Fault.TLS, "login at login.example: TLS failed"),
        ],
    )
    async def test_is_told_to_the_lane_with_its_host_and_without_a_secret(
        self, answer: Response | Failure, fault: Fault, text: str
    ) -> None:
        failure = await Rig(Server(answer=lambda _: answer)).failure()
        assert failure.fault is fault
        assert text in failure.text
        assert "hunter2" not in failure.text

    async def test_a_hundred_lanes_that_try_every_second_ask_a_dozen_times_in_ten_minutes(self) -> None:
        rig = Rig(Server(answer=lambda _: Response(403)))
        for _ in range(600):
            await asyncio.gather(*(rig.failure() for _ in range(100)))
            rig.clock.advance(1)
        assert rig.server.asked <= 14

    async def test_one_that_passes_is_tried_again_within_a_minute(self) -> None:
        rig = Rig(Server(answer=lambda _: Response(500)), random=0.999)
        for _ in range(600):
            await rig.failure()
            rig.clock.advance(1)
        rig.server.answer = None
        rig.clock.advance(60)
        await rig.value()

    async def test_the_servers_own_wish_is_kept(self) -> None:
        rig = Rig(Server(answer=lambda _: Response(429, {"retry-after": "120"})))
        await rig.failure()
        rig.clock.advance(119)
        await rig.failure()
        assert rig.server.asked == 1
        rig.clock.advance(1)
        await rig.failure()
        assert rig.server.asked == 2

    async def test_a_changed_password_is_tried_at_once(self, tmp_path: Path) -> None:
        held = tmp_path / "password"
        held.write_text("wrong")
        login = {"secret": {"@type": "File", "filePath": str(held)}}
        rig = Rig(Server(answer=lambda number: Response(401) if number == 1 else granted("good")))
        await rig.failure(account(**login))
        held.write_text("right")
        assert await rig.value(account(**login)) == "good"
        assert b"right" in rig.server.requests[1].content

    async def test_a_missing_secret_is_no_request(self) -> None:
        rig = Rig()
        failure = await rig.failure(account(secret={"@type": "None"}))
        assert (failure.fault, rig.server.asked) == (Fault.CREDENTIALS, 0)

    async def test_a_lane_waits_no_longer_than_its_own_time(self) -> None:
        rig = Rig()
        rig.server.open.clear()
        found = await rig.tokens.get(account(), 0.01)
        assert isinstance(found, Failure)
        assert found.fault is Fault.UNREACHABLE
        rig.server.open.set()
        assert await rig.value() == "token-1"
        assert rig.server.asked == 1

    async def test_a_webhook_of_little_patience_does_not_fail_the_login_of_others(self) -> None:
        hasty = account_of(webhook(httpAuth=LOGIN, timeout=0.01, connectTimeout=0.01))
        assert hasty is not None
        rig = Rig()
        await rig.value(hasty)
        assert (rig.server.requests[0].timeout, rig.server.requests[0].connect_timeout) == (30, 10)
        assert await rig.value() == "token-1"

    async def test_a_lane_that_is_cancelled_does_not_end_the_login_of_the_others(self) -> None:
        rig = Rig()
        rig.server.open.clear()
        first, second = asyncio.create_task(rig.value()), asyncio.create_task(rig.value())
        await settle()
        first.cancel()
        await settle()
        rig.server.open.set()
        assert await second == "token-1"

    async def test_a_kept_connection_that_was_dead_is_no_failure(self) -> None:
        rig = Rig(Server(stale_first=True))
        assert await rig.value() == "token-2"


async def test_closing_ends_what_is_under_way() -> None:
    rig = Rig()
    rig.server.open.clear()
    waiting = asyncio.create_task(rig.failure())
    await settle()
    await rig.tokens.close()
    assert (await waiting).fault is Fault.UNREACHABLE


@pytest.mark.parametrize(
    "other",
    [{"username": "bert"}, {"secret": secret("other")}, {"fields": {"tenant": "b"}}, {"as": "form"}, {"prefix": ""}],
)
async def test_different_logins_have_different_tokens(other: dict[str, Any]) -> None:
    rig = Rig()
    assert await rig.value() == "token-1"
    assert await rig.value(account(**other)) == "token-2"
    assert await rig.value(account(**{**LOGIN, **other})) == "token-2"


class TestSecrecy:
    async def test_tokens_in_use_are_known_to_the_redactor_and_old_ones_are_forgotten(self) -> None:
        rig = Rig(Server(answer=lambda number: granted(f"tok-of-secrecy-{number}", expires_in=10)))
        for _ in range(50):
            value = await rig.value()
            assert SECRETS.text(f"the receiver said {value}") == "the receiver said ***"
            rig.clock.advance(10)
        assert SECRETS.knows("tok-of-secrecy-49")
        assert not any(SECRETS.knows(f"tok-of-secrecy-{number}") for number in range(1, 49))

    async def test_logins_that_are_not_used_any_more_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_MOST_LOGINS", 3)
        rig = Rig(Server(answer=lambda number: granted(f"tok-of-many-{number}")))
        for number in range(10):
            await rig.value(account(username=f"user-{number}"))
        assert [number for number in range(1, 11) if SECRETS.knows(f"tok-of-many-{number}")] == [8, 9, 10]

    async def test_nothing_shows_a_token_or_password(self) -> None:
        rig = Rig(Server(answer=lambda _: granted("hunter2-token")))
        found = await rig.tokens.get(account(), 30)
        shown = f"{found!r} {account()!r} {account().asking(0.0)!r} {rig.server.requests!r} {rig.tokens!r}"
        assert "hunter2" not in shown


@given(lifetime=st.floats(-1e9, 1e12), now=st.floats(0, 1e9), random=st.floats(0, 1, exclude_max=True))
def test_a_token_is_refreshed_within_its_life_and_never_in_its_first_half(
    lifetime: float, now: float, random: float
) -> None:
    made = token("t", lifetime, now, random)
    life = made.expires - now
    assert life >= 0.99
    assert made.expires > made.refresh >= now + life * 0.5


@given(failures=st.integers(1, 10**6), random=st.floats(0, 1, exclude_max=True), passing=st.booleans())
def test_pauses_grow_up_to_their_cap(failures: int, random: float, passing: bool) -> None:
    seconds = pause(failures, passing=passing, random=random)
    assert 0.5 <= seconds <= (60 if passing else 300)
    assert seconds <= pause(failures + 2, passing=passing, random=random)

"""The OPTIONS handshake of CloudEvents' webhook specification: asked once, believed for a while, refused slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from forwarder.deliver.payload.cloudevents import CloudEvents
from forwarder.deliver.payload.registry import provider_of
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.verdict import Pace, Retry
from forwarder.settings.payload import payload_of
from tests.unit.deliver.make import event


def cloudevents(mode: str = "structured", **options: Any) -> CloudEvents:
    made = provider_of(payload_of({"format": "cloudevents", "mode": mode, **options}), "c")
    assert isinstance(made, CloudEvents)
    return made


class Talking:
    """A conversation with a scripted receiver; time passes by pauses alone."""

    def __init__(self, *answers: Response | Failure, left: float = 30.0) -> None:
        self.url = "https://receiver.example/in?k=v"
        self.now = 1000.0
        self.left = left
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    async def send(
        self, method: str, url: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Response | Failure:
        self.asked.append((method, url, headers))
        await asyncio.sleep(0)
        return self.answers.pop(0)

    async def pause(self, seconds: float) -> bool:
        if seconds >= self.left:
            return False
        self.now += seconds
        return True


def asking(**options: Any) -> CloudEvents:
    return cloudevents(handshake=True, origin="forwarder.example", **options)


def allowed(origin: str = "forwarder.example", **more: str) -> Response:
    return Response(200, {"webhook-allowed-origin": origin, **{name.replace("_", "-"): v for name, v in more.items()}})


class TestHandshake:
    async def test_without_it_nothing_is_asked(self) -> None:
        talk = Talking()
        assert await cloudevents().before(talk) is None and talk.asked == []

    async def test_permission_is_asked_for_once_and_again_when_it_is_old(self) -> None:
        talk, provider = Talking(allowed(), allowed("*")), asking(requestRate=120, handshakeEvery="10m")
        for _ in range(3):
            assert await provider.before(talk) is None
        headers = {"WebHook-Request-Origin": "forwarder.example", "WebHook-Request-Rate": "120"}
        assert talk.asked == [("OPTIONS", talk.url, headers)]
        talk.now += 600
        assert await provider.before(talk) is None
        assert len(talk.asked) == 2

    async def test_every_delivery_carries_the_origin(self) -> None:
        for mode in ("structured", "binary", "batch"):
            provider = cloudevents(mode, handshake=True, origin="forwarder.example")
            headers = dict(provider.render([event(b"{}")]).headers)
            assert headers["WebHook-Request-Origin"] == "forwarder.example"
        assert "WebHook-Request-Origin" not in dict(cloudevents("binary").render([event(b"{}")]).headers)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Response(200, {}), "without WebHook-Allowed-Origin"),
            (Response(405, {}), "status 405"),
            (Response(404, {"webhook-allowed-origin": ""}), "status 404"),
            (allowed("other.example"), "allows 'other.example'"),
            (allowed(webhook_allowed_rate="0"), "WebHook-Allowed-Rate '0'"),
            (allowed(webhook_allowed_rate="-1"), "neither"),
            (allowed(webhook_allowed_rate="9" * 5000), "neither"),
            (allowed(webhook_allowed_rate="many"), "neither"),
            (allowed(webhook_allowed_rate="0" * 5000 + "1"), "neither"),
        ],
    )
    async def test_a_refusal_is_told_and_asked_about_again_slowly(self, answer: Response, words: str) -> None:
        provider, talk = asking(), Talking(answer, answer)
        refused = await provider.before(talk)
        assert isinstance(refused, Response) and not 200 <= refused.status <= 299
        verdict = provider.read(refused, [event(b"{}")])
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW and words in verdict.reason
        assert await provider.before(talk) is not None and len(talk.asked) == 2

    @pytest.mark.parametrize("status", [408, 410, 425, 429, 500, 503])
    async def test_an_answer_that_is_about_the_moment_means_what_it_always_means(self, status: int) -> None:
        provider, answer = asking(), Response(status, {"retry-after": "7"})
        assert await provider.before(Talking(answer)) is answer
        assert provider.read(answer, [event(b"{}")]) is None

    async def test_a_connection_that_fails_is_the_attempts_result(self) -> None:
        failed = Failure(Fault.REFUSED, "nobody there")
        assert await asking().before(Talking(failed)) is failed

    async def test_the_origin_is_a_name_whose_case_does_not_matter(self) -> None:
        assert await asking().before(Talking(allowed("Forwarder.EXAMPLE"))) is None

    @pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
    async def test_a_delivery_that_is_refused_asks_again(self, status: int) -> None:
        talk, provider = Talking(allowed(), allowed()), asking()
        await provider.before(talk)
        response = Response(status)
        assert await provider.after(talk, response) is response
        await provider.before(talk)
        assert len(talk.asked) == 2

    async def test_the_permitted_rate_is_kept(self) -> None:
        talk, provider = Talking(allowed(webhook_allowed_rate="120")), asking()
        starts = []
        for _ in range(4):
            assert await provider.before(talk) is None
            starts.append(talk.now)
        assert starts == [1000.0, 1000.5, 1001.0, 1001.5]

    async def test_a_turn_that_is_too_far_off_comes_back_then(self) -> None:
        talk, provider = Talking(allowed(webhook_allowed_rate="1")), asking()
        assert await provider.before(talk) is None
        talk.now += 10
        later = await provider.before(talk)
        assert later == Response(429, {"retry-after": "50"})
        talk.now += 50
        assert await provider.before(talk) is None

    async def test_requests_that_start_together_ask_once(self) -> None:
        talk, provider = Talking(allowed()), asking()
        assert await asyncio.gather(*(provider.before(talk) for _ in range(5))) == [None] * 5
        assert len(talk.asked) == 1


def test_a_mode_that_is_not_understood_waits_for_a_person() -> None:
    verdict = cloudevents("binary").read(Response(415), [event(b"{}")])
    assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW and "mode binary" in verdict.reason
    assert cloudevents().read(Response(204), [event(b"{}")]) is None

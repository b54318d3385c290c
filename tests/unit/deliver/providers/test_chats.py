"""The chats' formats: what their doubles take, whatever an event holds; nobody is mentioned, and nothing is left out unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.deliver.payload import chat
from forwarder.deliver.payload.provider import Provider
from forwarder.deliver.payload.registry import provider_of
from forwarder.lane.policy import policy_of
from forwarder.lane.window import Window
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Halve, Pace, Retry, Verdict
from forwarder.settings.payload import payload_of
from tests.support.receivers.chat import DiscordDouble, GoogleChatDouble, MattermostDouble, paragraphs_of
from tests.support.receivers.double import Asked
from tests.support.receivers.slack import SlackDouble, texts_of
from tests.support.receivers.teams import TeamsDouble
from tests.support.receivers.teams import texts_of as card_texts
from tests.unit.deliver.make import event, webhook

DOUBLES: dict[str, Any] = {
    "slack": SlackDouble,
    "teams": TeamsDouble,
    "discord": DiscordDouble,
    "googlechat": GoogleChatDouble,
    "mattermost": MattermostDouble,
}
FORMATS = tuple(DOUBLES)
NASTY = [
    "<!channel> <@U1> <https://evil.example|ok>", "&lt;!here&gt;", "@all @channel @here @everyone", "```\n*x*\n```", "[x](https://evil.example)",
    "<users/all>", "<b>x</b>", "\x00\x1b[2J\u202e", "\ud800", "", " ", "\\" * 300, "&" * 4000, "<" * 20_000, "😀" * 9000,
    "`" * 9000, "é\n" * 9000,
]  # fmt: skip


def made(name: str, **options: Any) -> Provider:
    return provider_of(payload_of({"format": name, **options}), "c")


def taken(name: str, events: list[Event], **options: Any) -> Any:
    """What the receiver has of them. Fails where it refuses."""
    body = made(name, **options).render(events)
    double = DOUBLES[name]()
    answer = double.answer(Asked("POST", "/", {}, {"Content-Type": body.content_type}, body.content))
    assert answer.status in (200, 202, 204), (answer, body.content[:500])
    (message,) = double.cards if name == "teams" else double.messages
    return message


def shown(name: str, message: Any) -> str:
    """All that people read of it."""
    match name:
        case "slack":
            return "\n".join(texts_of(message))
        case "teams":
            return "\n".join(card_texts(message))
        case "googlechat":
            return "\n".join(["" + message["cardsV2"][0]["card"]["header"]["title"], *paragraphs_of(message)])
    (part,) = message.get("embeds") or message["attachments"]
    fields = [f"{each.get('name') or each.get('title')} {each['value']}" for each in part["fields"]]
    return "\n".join([part["title"], *fields, part.get("description", part.get("text", ""))])


def events_of(count: int, text: str = "m") -> list[Event]:
    return [event(json.dumps({"message": f"{text}{at};"}).encode(), at, severity=at % 7) for at in range(count)]


@pytest.mark.parametrize("name", FORMATS)
class TestEveryChat:
    def test_a_digest_tells_the_number_the_worst_the_types_and_the_first_lines(self, name: str) -> None:
        text = shown(name, taken(name, events_of(12), title="Prod", lines=3)).replace("\\", "")
        for part in ("Prod: 12 events, worst fatal", "auth.failed (12)", "m0;", "m1;", "m2;", "and 9 more"):
            assert part in text
        assert "m3;" not in text

    def test_a_single_event_is_shown_with_its_record(self, name: str) -> None:
        text = shown(name, taken(name, [event(b'{"message":"m","ip":"10.0.0.1"}', 7, tenant="acme")]))
        for part in ("10.0.0.1", "acme", "medium", "c/topic/0/7"):
            assert part in text

    @pytest.mark.parametrize("text", NASTY)
    @pytest.mark.parametrize("count", [1, 3, 60])
    def test_whatever_an_event_says_the_receiver_takes_the_message(self, name: str, text: str, count: int) -> None:
        record = json.dumps({"message": text, text[:50]: text}).encode()
        events = [
            event(record, at, type=text[:300] or "t", tenant=text[:100], id=text[:90], severity=6)
            for at in range(count)
        ]
        assert taken(name, events, title=text[:80], lines=60)

    def test_what_does_not_fit_is_marked_or_counted(self, name: str) -> None:
        long = shown(name, taken(name, [event(b'{"message":"' + b"<" * 30_000 + b'"}')]))
        assert "... [truncated]" in long.replace("\\", "")
        many = shown(name, taken(name, events_of(90, "&" * 280), lines=90))
        rest = int(many.rpartition("and ")[2].partition(" more")[0])
        assert 0 < rest < 90 and many.count("(unknown") + many.count("(low") > 0

    def test_a_window_for_it_closes_by_number_alone(self, name: str) -> None:
        """A digest does not grow with its events."""
        policy = policy_of(webhook(payload={"format": name}))
        window = Window()
        window.extend([event(b'"' + b"x" * 2_000_000 + b'"', at) for at in range(3)], 0.0, policy)
        assert not window.is_full(policy)
        assert len(window.take(policy, 1000)) == 3

    @settings(max_examples=40, deadline=None)
    @given(texts=st.lists(st.text(max_size=400), min_size=1, max_size=12), lines=st.integers(0, 20))
    def test_any_text_at_all(self, name: str, texts: list[str], lines: int) -> None:
        events = [event(text.encode("utf-8", "replace"), at, text=True, type=text) for at, text in enumerate(texts)]
        assert taken(name, events, lines=lines)

    @pytest.mark.parametrize("lines", [-1, 2.5, 101, float("nan"), float("inf")])
    def test_a_number_of_lines_that_makes_no_sense_is_refused_at_load(self, name: str, lines: float) -> None:
        assert [option for option, _ in chat.complaints(payload_of({"format": name, "lines": lines}))] == ["lines"]
        assert list(chat.complaints(payload_of({"format": name, "lines": 5}))) == []


@pytest.mark.parametrize(
    ("severity", "colour"),
    list(enumerate(["#8a8a8a", "#2f80ed", "#17a2b8", "#f2c744", "#f2994a", "#d7263d", "#8b0000"])),
)
def test_the_worst_severity_is_a_colour(severity: int, colour: str) -> None:
    events = [event(b"{}", 0, severity=0), event(b"{}", 1, severity=severity)]
    assert taken("slack", events)["attachments"][0]["color"] == colour
    assert taken("mattermost", events)["attachments"][0]["color"] == colour
    assert taken("discord", events)["embeds"][0]["color"] == int(colour[1:], 16)


def test_a_card_fits_what_teams_takes_and_says_what_is_missing() -> None:
    body = made("teams", lines=100).render(events_of(100, "é" * 280))
    assert len(body.content) <= 21_000
    assert "more" in body.content.decode()


def reading(name: str, status: int, body: bytes, **headers: str) -> Verdict | str | None:
    return made(name).read(Response(status, headers, body), events_of(1))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"ok", None),
        (b'{"ok":true}', None),
        (b"{", None),
        (b'{"ok":false,"error":"invalid_blocks"}', Bisect),
        (b'{"ok":false,"error":"ratelimited"}', Retry),
        (b'{"ok":false,"error":"account_inactive"}', Retry),
        (b'{"ok":false}', Retry),
    ],
)
def test_a_200_that_is_no_success_is_none_for_slack(body: bytes, expected: type | None) -> None:
    found = reading("slack", 200, body)
    assert found is None if expected is None else isinstance(found, expected)
    if isinstance(found, Retry):
        assert found.pace is (Pace.NORMAL if b"rate" in body else Pace.SLOW)


@pytest.mark.parametrize(
    ("status", "expected"), [(413, Halve), (429, Retry), (502, Retry), (400, Bisect), (404, Retry)]
)
def test_what_an_old_connector_wraps_in_a_200_is_read(status: int, expected: type) -> None:
    words = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with x"
    found = reading("teams", 200, words.encode())
    assert isinstance(found, expected)
    if isinstance(found, Retry):
        assert found.pace is (Pace.SLOW if status == 404 else Pace.NORMAL)
    assert reading("teams", 200, b"1") is None
    assert reading("teams", 202, b"") is None


@pytest.mark.parametrize(
    ("body", "after"),
    [(b'{"retry_after":0.25}', 0.25), (b'{"retry_after":-1}', 0.0), (b'{"retry_after":1e300}', 3600.0)],
)
def test_discord_says_in_the_body_how_long_to_wait(body: bytes, after: float) -> None:
    assert reading("discord", 429, body) == Retry(Pace.NORMAL, "status 429", after)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"retry_after":"soon"}', b'{"retry_after":null}'])
def test_a_429_without_a_wish_in_the_body_is_the_usual_one(body: bytes) -> None:
    assert reading("discord", 429, body) is None
    assert reading("discord", 200, b'{"retry_after":1}') is None


def test_a_header_is_measured_as_javascript_measures_it() -> None:
    short, long = (
        json.loads(made("slack", title="😀" * count).render([event(b"{}", type="t")]).content)["text"]
        for count in (50, 100)
    )
    assert short.startswith("😀" * 50 + ": ") and not short.endswith("[truncated]")
    assert long.endswith("[truncated]") and len(long.encode("utf-16-le")) // 2 <= 150

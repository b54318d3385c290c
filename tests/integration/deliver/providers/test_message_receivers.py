"""Chats, ConnectSecure, CloudEvents and Standard Webhooks against strict doubles over real sockets: each event ends in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from forwarder.cli.receiver import Receiver
from forwarder.model.event import Event
from forwarder.model.verdict import Delivered, Disable, Halve, Pace, Retry
from tests.integration.deliver.conftest import Making
from tests.support.receivers.chat import DiscordDouble, GoogleChatDouble, MattermostDouble
from tests.support.receivers.cloudevents import CloudEventsDouble
from tests.support.receivers.connectsecure import ConnectSecureDouble
from tests.support.receivers.double import Double, served
from tests.support.receivers.settle import Settled, settle
from tests.support.receivers.slack import SlackDouble, texts_of
from tests.support.receivers.standard_webhooks import StandardWebhooksDouble
from tests.support.receivers.teams import TeamsDouble
from tests.unit.deliver.make import event, secret

KEY = "whsec_" + "QUJD" * 8


def events_of(count: int) -> list[Event]:
    return [event(b'{"message":"m%d"}' % at, at, type=f"t{at % 3}") for at in range(count)]


def numbers(events: Sequence[Event]) -> list[int]:
    return sorted(each.offset for each in events)


async def sent(sender: Making, double: Double, events: list[Event], name: str, **more: Any) -> Settled:
    async with served(double) as url:
        payload = {"format": name, **more.pop("options", {})}
        return await settle(sender(url=url, payload=payload, timeout=3, **more), events)


@pytest.mark.parametrize(
    ("name", "double"),
    [
        ("slack", SlackDouble()),
        ("teams", TeamsDouble()),
        ("teams", TeamsDouble(connector=True)),
        ("discord", DiscordDouble()),
        ("googlechat", GoogleChatDouble()),
        ("mattermost", MattermostDouble()),
        ("connectsecure", ConnectSecureDouble()),
    ],
    ids=["slack", "teams", "teams connector", "discord", "googlechat", "mattermost", "connectsecure"],
)
async def test_a_batch_is_one_message(sender: Making, name: str, double: Double) -> None:
    done = await sent(sender, double, events_of(25), name)
    assert done.verdicts == [Delivered()]
    assert numbers(done.arrived) == list(range(25))


class TestSlack:
    async def test_a_message_that_slack_cannot_take_is_looked_for_and_never_repeated(self, sender: Making) -> None:
        double = SlackDouble(hates="m5")
        done = await sent(sender, double, events_of(8), "slack")
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 1, 2, 3, 4, 6, 7], [5])
        assert sum("m5" in text for message in double.messages for text in texts_of(message)) == 0

    async def test_it_waits_as_long_as_slack_says(self, sender: Making) -> None:
        done = await sent(sender, SlackDouble(busy=1), events_of(2), "slack")
        assert done.verdicts == [Retry(Pace.NORMAL, "status 429", 1.0), Delivered()]

    @pytest.mark.parametrize("trouble", [(403, "action_prohibited"), (404, "channel_not_found"), (404, "no_service")])
    async def test_what_a_person_has_to_mend_waits(self, sender: Making, trouble: tuple[int, str]) -> None:
        done = await sent(sender, SlackDouble(trouble=trouble), events_of(2), "slack")
        (verdict,) = done.verdicts
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW

    async def test_an_archived_channel_is_gone_for_good(self, sender: Making) -> None:
        done = await sent(sender, SlackDouble(trouble=(410, "channel_is_archived")), events_of(2), "slack")
        assert isinstance(done.verdicts[0], Disable) and len(done.verdicts) == 1


async def test_a_connector_of_teams_that_hides_a_413_in_a_200_has_delivered_nothing(sender: Making) -> None:
    double = TeamsDouble(connector=True, trouble=413)
    done = await sent(sender, double, events_of(2), "teams")
    assert [type(verdict) for verdict in done.verdicts] == [Halve] * 3
    assert (done.arrived, double.cards) == ([], [])


async def test_discords_wish_is_in_the_body(sender: Making) -> None:
    done = await sent(sender, DiscordDouble(busy=1), events_of(1), "discord")
    assert done.verdicts == [Retry(Pace.NORMAL, "status 429", 0.25), Delivered()]


async def test_a_wish_in_the_body_is_capped_as_one_in_a_header(sender: Making) -> None:
    done = await sent(sender, DiscordDouble(busy=1), events_of(1), "discord", retry={"retryAfterCap": "100ms"})
    assert done.verdicts[0] == Retry(Pace.NORMAL, "status 429", 0.1)


class TestCloudEvents:
    @pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
    async def test_events_arrive_as_the_binding_has_them(self, sender: Making, mode: str) -> None:
        double = CloudEventsDouble()
        events = events_of(3)
        for part in [events] if mode == "batch" else [[each] for each in events]:
            done = await sent(sender, double, part, "cloudevents", options={"mode": mode}, signatureKey=secret("k"))
            assert done.verdicts == [Delivered()]
        assert [(each["id"], each["data"]) for each in double.events] == [
            (f"prod/topic/0/{at}", {"message": f"m{at}"}) for at in range(3)
        ]

    async def test_nothing_is_delivered_before_permission_and_it_is_asked_for_once(self, sender: Making) -> None:
        double = CloudEventsDouble(origin="forwarder.example", rate="6000")
        options = {"handshake": True, "origin": "forwarder.example"}
        async with served(double, "/in?k=v") as url:
            made = sender(url=url, payload={"format": "cloudevents", **options}, timeout=3)
            for each in events_of(3):
                assert (await settle(made, [each])).verdicts == [Delivered()]
        assert [asked.method for asked in double.asked] == ["OPTIONS", "POST", "POST", "POST"]
        assert {(asked.path, asked.query["k"]) for asked in double.asked} == {("/in", "v")}
        assert len(double.events) == 3

    @pytest.mark.parametrize("origin", [None, "", "other.example"])
    async def test_without_permission_nothing_is_delivered(self, sender: Making, origin: str | None) -> None:
        double = CloudEventsDouble(origin=origin)
        options = {"handshake": True, "origin": "forwarder.example"}
        done = await sent(sender, double, events_of(1), "cloudevents", options=options)
        (verdict,) = done.verdicts
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
        assert [asked.method for asked in double.asked] == ["OPTIONS"]

    async def test_a_retired_target_is_gone_for_good(self, sender: Making) -> None:
        options = {"handshake": True, "origin": "forwarder.example"}
        done = await sent(sender, CloudEventsDouble(gone=True), events_of(1), "cloudevents", options=options)
        assert isinstance(done.verdicts[0], Disable)

    async def test_a_mode_that_is_not_understood_loses_no_event(self, sender: Making) -> None:
        double = CloudEventsDouble(formats=("structured",))
        done = await sent(sender, double, events_of(2), "cloudevents", options={"mode": "batch"})
        assert (numbers(done.waiting), done.refused) == ([0, 1], [])

    async def test_forwarders_own_receiver_grants_permission(self, sender: Making) -> None:
        async with Receiver() as receiver:
            options = {"handshake": True, "origin": "forwarder.example", "requestRate": 60}
            made = sender(url=receiver.url, payload={"format": "cloudevents", **options}, timeout=3)
            assert (await settle(made, events_of(1))).verdicts == [Delivered()]
        assert receiver.tally.requests == 1


async def test_standard_webhooks_are_what_the_reference_library_verifies(sender: Making) -> None:
    double = StandardWebhooksDouble(KEY)
    signed = {"signature": {"scheme": "standard-webhooks", "keys": [secret(KEY)]}}
    for each in [*events_of(3), events_of(1)[0]]:
        assert (await sent(sender, double, [each], "standard-webhooks", **signed)).verdicts == [Delivered()]
    assert [found["data"] for found in double.events.values()] == [{"message": f"m{at}"} for at in range(3)]

"""The formats that are data against strict doubles over real sockets: what the vendors' rules refuse is never sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from forwarder.model.event import Event, identity
from forwarder.model.verdict import Delivered, Pace, Retry
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.login_server import doors
from tests.support.receivers.data import KEY, PLACES, SENTINEL, Place
from tests.support.receivers.double import served
from tests.support.receivers.logging import Sentinel
from tests.support.receivers.settle import Settled, settle
from tests.support.receivers.strict import Strict
from tests.unit.deliver.make import event

SAMPLES = sorted((Path(__file__).resolve().parents[3] / "samples").glob("*/*.json"))
HOSTILE = [
    '"',
    "\\",
    "a\nb\r",
    "\x00",
    "\u202egnp.exe",
    "a\ud800b",
    '","severity":"x',
    "</script>",
    "${jndi:x}",
    "$(id)",
    "ä" * 400,
]


def samples() -> list[bytes]:
    return [path.read_bytes().strip() for path in SAMPLES if ".expected." not in path.name]


async def sent(making: Making, name: str, double: Strict, events: list[Event], **options: Any) -> Settled:
    place: Place = PLACES[name]
    most = 1 if name in ("pagerduty", "jsm", "opsgenie", "jira", "servicenow-incident") else 100
    done = Settled()
    async with served(double, place.url) as url:
        sender = making(url=url, payload={"format": name, **place.options, **options})
        for start in range(0, len(events), most):
            part = await settle(sender, events[start : start + most])
            done.arrived += part.arrived
            done.refused += part.refused
            done.waiting += part.waiting
            done.verdicts += part.verdicts
    return done


def taken(double: Strict, name: str) -> int:
    return len(double.lines) if PLACES[name].bare else len(double.identities)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PLACES)
class TestEveryReceiver:
    async def test_it_takes_every_sample_in_order_and_knows_each_event_again(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        events = [event(value, at, severity=at % 7, tenant="acme") for at, value in enumerate(samples())]
        done = await sent(sender, name, double, events)
        assert done.arrived == events
        assert taken(double, name) == len(events)
        if not PLACES[name].bare:
            assert [key.rpartition("/")[2] for key in double.identities] == [str(each.offset) for each in events]
            assert double.identities[0] == identity(events[0], "prod")

    async def test_it_takes_whatever_a_producer_may_write(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        odd = [
            event(b"null"),
            event(None),
            event(b"[]"),
            event(b'""', type=""),
            event(b"plain \xff", text=True),
            event(b"1e400"),
        ]
        bad = [
            event(b'{"message":1}', type=word, tenant=word, id=word, key=word.encode("utf-8", "replace"))
            for word in HOSTILE
        ]
        events = [
            Event(**{f: getattr(e, f) for f in e.__struct_fields__} | {"offset": n}) for n, e in enumerate(odd + bad)
        ]
        done = await sent(sender, name, double, events)
        assert (done.arrived, done.refused) == (events, [])
        assert taken(double, name) == len(events)

    async def test_what_is_too_large_for_it_is_cut_with_a_marker(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        huge = [
            event(b'{"message":"' + word * 700_000 + b'"}', at)
            for at, word in enumerate([b"x\\n", b"\xc3\xa4\xe2\x82\xac"])
        ]
        if name == "cortex":
            huge = [event(b'"' + b"z" * 6_000_000 + b'"', 0)]
        done = await sent(sender, name, double, huge)
        assert (done.arrived, done.refused) == (huge, [])
        assert all(b"... [truncated]" in asked.body for asked in double.asked)
        assert getattr(double, "cut", 0) == 0

    async def test_long_names_are_made_to_fit_and_stay_apart(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        long = {"topic": "t" * 249, "tenant": "n" * 3000, "type": "y" * 5000, "id": "i" * 20_000}
        events = [event(b'{"status":"s"}', 10**17 + at, **long) for at in range(2)]
        done = await sent(sender, name, double, events)
        assert (done.arrived, done.refused) == (events, [])
        assert taken(double, name) == 2
        assert PLACES[name].bare or len(set(double.identities)) == 2

    async def test_it_is_asked_again_after_what_passes(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        double.script = [429, 503, 500]
        done = await sent(sender, name, double, [event(b"{}")])
        assert [type(verdict) for verdict in done.verdicts] == [Retry, Retry, Retry, Delivered]
        assert len({asked.body for asked in double.asked}) == 1
        assert len({asked.headers["Forwarder-Batch-Id"] for asked in double.asked}) == 1

    async def test_one_bad_event_is_found_and_the_others_arrive(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        double.hates = "evil"
        events = [event(b'{"message":"evil"}' if at == 2 else b"{}", at) for at in range(5)]
        done = await sent(sender, name, double, events)
        assert [each.offset for each in done.refused] == [2]
        assert sorted(each.offset for each in done.arrived) == [0, 1, 3, 4]
        assert taken(double, name) == 4

    async def test_a_wrong_key_is_for_a_person_to_mend(self, sender: Making, name: str) -> None:
        double = PLACES[name].make()
        double.script = [401, 403]
        done = await sent(sender, name, double, [event(b"{}")])
        (verdict,) = done.verdicts
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
        assert done.refused == []


async def test_sentinel_gets_a_token_and_a_new_one_when_it_is_refused(sender: Making) -> None:
    double = Sentinel(token="hunter2-token-2", path="/dataCollectionRules/dcr-1/streams/Custom-Events_CL")
    scope = "https://monitor.azure.com/.default"
    async with doors() as door, served(double, SENTINEL) as url:
        auth = {"@type": "OAuth2", "tokenUrl": door.login_url, "clientId": "f", "clientSecret": KEY, "scopes": [scope]}
        done = await settle(sender(url=url, payload={"format": "sentinel"}, httpAuth=auth), [event(b"{}")])
        assert [parse_qs(asked.body.decode())["scope"] for asked in door.logins.requests] == [[scope], [scope]]
    assert done.verdicts == [Delivered()] and len(double.rows) == 1


OPEN, SEEN, OVER = (b'{"alert":{"id":"a/1"},"status":"%b"}' % word for word in (b"new", b"Acknowledged", b"Resolved"))


@pytest.mark.parametrize("name", ["jsm", "opsgenie"])
async def test_an_alert_is_opened_acknowledged_and_closed_under_one_alias(sender: Making, name: str) -> None:
    double = PLACES[name].make()
    events = [event(OPEN, 0), event(SEEN, 1), event(OVER, 2)]
    done = await sent(sender, name, double, events, alias="alert.id")
    assert done.arrived == events
    assert double.alerts == {"a/1": "close"}  # type: ignore[attr-defined]
    assert double.asked[-1].path.endswith(("/v2/alerts/a/1/close", "/v2/alerts/a%2F1/close"))


async def test_an_incident_of_pagerduty_is_triggered_acknowledged_and_resolved(sender: Making) -> None:
    double = PLACES["pagerduty"].make()
    events = [event(OPEN, 0), event(SEEN, 1), event(OVER, 2)]
    for at, state in enumerate(("trigger", "acknowledge", "resolve")):
        await sent(
            sender,
            "pagerduty",
            double,
            events[at : at + 1],
            dedupKey="alert.id",
            actions={"resolved": "resolve", "acknowledged": "acknowledge"},
        )
        assert double.alerts == {"a/1": state}  # type: ignore[attr-defined]


async def test_a_resolved_event_ends_its_alert_in_alertmanager_and_clears_it_in_servicenow(sender: Making) -> None:
    double = PLACES["alertmanager"].make()
    await sent(sender, "alertmanager", double, [event(OPEN), event(OVER)], key="alert.id")
    first, last = double.alerts  # type: ignore[attr-defined]
    assert first["labels"] == last["labels"] and first["labels"]["key"] == "a/1"
    assert "endsAt" not in first and last["endsAt"] == last["startsAt"]
    double = PLACES["servicenow"].make()
    await sent(sender, "servicenow", double, [event(OPEN), event(OVER)], messageKey="alert.id")
    assert [(row["message_key"], row["severity"]) for row in double.records] == [("a/1", "3"), ("a/1", "0")]  # type: ignore[attr-defined]

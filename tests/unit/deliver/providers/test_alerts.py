"""`jsm` and `opsgenie`: what is a request of its own, and where it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forwarder.clock import ManualClock
from forwarder.deliver.client import Client
from forwarder.deliver.payload.provider import Body
from forwarder.deliver.sender import Prepared, Sender
from forwarder.model.event import Event
from forwarder.settings.payload import payload_of
from forwarder.settings.process import Egress
from tests.unit.deliver.make import batch, event, rendered, secret, webhook

pytestmark = pytest.mark.parametrize("name", ["jsm", "opsgenie"])


def made(name: str, one: Event, **options: Any) -> Body:
    return rendered(batch(one), payload_of({"format": name, "apiKey": secret("k"), **options}))


def record(**fields: Any) -> Event:
    return event(json.dumps(fields).encode())


@pytest.mark.parametrize("word", ["new", "trigger", "", None, 7, {"a": 1}])
def test_a_word_that_ends_nothing_opens_an_alert(name: str, word: Any) -> None:
    body = made(name, record(status=word))
    assert body.path == "" and json.loads(body.content)["alias"] == "c/topic/0/0"


@pytest.mark.parametrize(
    ("word", "action"), [("Resolved", "close"), ("CLOSED", "close"), ("acknowledged", "acknowledge")]
)
def test_a_word_that_ends_or_sees_it_goes_below_its_alias(name: str, word: str, action: str) -> None:
    body = made(name, record(status=word, key="a/1?b#c d"), alias="key")
    assert body.path == f"/a%2F1%3Fb%23c%20d/{action}?identifierType=alias"
    assert set(json.loads(body.content)) == {"source", "note"}


def test_an_action_of_nobodys_opens_an_alert(name: str) -> None:
    assert made(name, record(status="resolved"), actions={"resolved": "delete"}).path == ""


@pytest.mark.parametrize(("options", "fields"), [({}, {}), ({"alias": "key"}, {}), ({"alias": "key"}, {"key": " "})])
def test_what_names_no_alert_is_not_swallowed_by_closing_one_that_nobody_opened(
    name: str, options: Any, fields: Any
) -> None:
    body = made(name, record(status="resolved", **fields), **options)
    assert body.path == "" and json.loads(body.content)["alias"] == "c/topic/0/0"


def test_long_aliases_stay_apart(name: str) -> None:
    first, second = (json.loads(made(name, record(key="k" * 600 + end), alias="key").content)["alias"] for end in "12")
    assert first != second and len(first) <= 512


async def test_the_action_is_put_after_the_webhooks_own_path_and_query(name: str) -> None:
    payload = {"format": name, "apiKey": secret("k" * 9), "alias": "key"}
    hook = webhook(url="https://api.example/mine/?a=b", payload=payload)
    sender = Sender(hook, Client(Egress(), ManualClock()), "c", ManualClock())
    prepared = sender.prepare(batch(record(status="resolved", key="a/1")))
    assert isinstance(prepared, Prepared)
    request, _ = await sender.draft(prepared, test=False)
    assert request.url == "https://api.example/mine/a%2F1/close?a=b&identifierType=alias"
    assert request.headers["Authorization"] == "GenieKey " + "k" * 9

"""Receivers that look like Slack, Splunk and PagerDuty: what they refuse, how they answer, and which events a request holds. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from forwarder.cli.arrivals import Arrival
from forwarder.cli.behaviour import Answer
from forwarder.cli.demo.events import number_of

_HEADER_CHARACTERS, _SECTION_CHARACTERS, _BLOCKS = 150, 3000, 50
_BLANK = re.compile(r"\s*")
_JSON = {"Content-Type": "application/json"}


class Place(NamedTuple):
    """Where Kafka has an event."""

    topic: str
    partition: int
    offset: int


Held = int | Place | None
"""An event in a request: its number, else its place in Kafka, else None for one that is not known."""


Reader = Callable[[Arrival], list[Held]]
"""Which events a request holds."""


def plain_read(arrival: Arrival) -> list[Held]:
    """A body in one of Forwarder's own formats."""
    return [number_of(event) for event in arrival.events]


def slack_reply(body: bytes) -> Answer:
    """As an incoming webhook (docs.slack.dev): `ok`, or 400 `invalid_payload` and `invalid_blocks`."""
    try:
        message = json.loads(body)
        blocks = [*message["blocks"], *(block for each in message.get("attachments", ()) for block in each["blocks"])]
        sound = bool(message["text"]) and 0 < len(blocks) <= _BLOCKS and all(map(_is_block, blocks))
    except (ValueError, KeyError, TypeError):
        return Answer(400, accepted=False, body=b"invalid_payload")
    return Answer(body=b"ok") if sound else Answer(400, accepted=False, body=b"invalid_blocks")


def _is_block(block: Any) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": str(text)}}:
            return 0 < len(text) <= _HEADER_CHARACTERS
        case {"type": "section", "text": {"type": "mrkdwn", "text": str(text)}}:
            return 0 < len(text) <= _SECTION_CHARACTERS
        case {"type": "section", "fields": [*fields]} | {"type": "context", "elements": [*fields]}:
            return 0 < len(fields) <= 10
    return False


def slack_read(arrival: Arrival) -> list[Held]:
    """A digest shows some of its events and counts all: which they are is in `Forwarder-Offsets`, and both have to agree."""
    places: list[Held] = [
        Place(topic, partition, offset)
        for (topic, partition), runs in arrival.offsets.runs.items()
        for first, last in runs
        for offset in range(first, last + 1)
    ]
    told = arrival.events[0]["text"]
    agrees = len(places) == arrival.count and (len(places) == 1 or f" {len(places)} events" in f" {told}")
    return places if agrees and arrival.offsets.exact else [None] * max(1, arrival.count)


def splunk_reply(body: bytes) -> Answer:
    """As the HTTP Event Collector: code 0, or code 6 for what is no event."""
    sound = all(isinstance(each.get("event"), dict) for each in _objects(body))
    if sound and body:
        return Answer(headers=_JSON, body=b'{"text":"Success","code":0}')
    return Answer(400, accepted=False, headers=_JSON, body=b'{"text":"Invalid data format","code":6}')


def splunk_read(arrival: Arrival) -> list[Held]:
    """Objects one after the other, each with the record under `event`."""
    return [number_of(each.get("event")) for each in _objects(arrival.body)]


def pagerduty_reply(body: bytes) -> Answer:
    """As Events API v2: 202, or 400 for what is no event."""
    match next(_objects(body), None):
        case {
            "routing_key": str(),
            "event_action": "trigger" | "acknowledge" | "resolve",
            "dedup_key": str(key),
            "payload": {
                "summary": str(summary),
                "source": str(),
                "severity": "critical" | "error" | "warning" | "info",
            },
        } if len(key) <= 255 and len(summary) <= 1024:
            return Answer(202, headers=_JSON, body=json.dumps({"status": "success", "dedup_key": key}).encode())
    return Answer(400, accepted=False, headers=_JSON, body=b'{"status":"invalid event"}')


def pagerduty_read(arrival: Arrival) -> list[Held]:
    """One event, with the record among its details."""
    return [number_of(each["payload"]["custom_details"]["record"]) for each in _objects(arrival.body)]


def _objects(body: bytes) -> Iterator[dict[str, Any]]:
    """JSON objects one after the other; what is none of that ends them with an empty one."""
    text, decoder, at = body.decode("utf-8", "replace"), json.JSONDecoder(), 0
    while at < len(text):
        try:
            found, end = decoder.raw_decode(text, at)
        except ValueError:
            found, end = {}, len(text)
        yield found if isinstance(found, dict) else {}
        at = _BLANK.match(text, end).end()  # type: ignore[union-attr]  # matches nothing, too

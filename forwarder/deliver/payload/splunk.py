"""`splunk`: the HTTP Event Collector (HEC), its codes, and its indexer acknowledgement. Never re-encodes a record.

Sources: Splunk "Getting Data In": "Format events for HTTP Event Collector", "About HTTP Event Collector Indexer Acknowledgment",
"Troubleshoot HTTP Event Collector" (codes). That `invalid-event-number` counts from 0, and what Splunk Cloud says to a large body, was
measured by the project logit ("splunk-interop") on Splunk Enterprise 10.4.3 and Splunk Cloud 10.5.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from forwarder.deliver.payload.body import json_string, json_value, on_one_line
from forwarder.deliver.payload.provider import Body, Provider, Reading, Talk
from forwarder.deliver.payload.records import (
    as_object,
    created_ns,
    is_object,
    message_of,
    says_something,
    severity_words,
    text_of,
)
from forwarder.deliver.payload.shape.cutting import fitted
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.event import Event, identity
from forwarder.model.verdict import Halve, Pace, Partial, Retry
from forwarder.settings.payload import Payload

CHANNEL_HEADER = "X-Splunk-Request-Channel"
_WORKER = uuid.uuid4()
"""This process, for as long as it lives: a channel is one sender's own."""
_COLLECTOR = "/services/collector"
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
_METADATA = ("host", "source", "sourcetype", "index")

_CLOUD_BYTES = 5 * 1024 * 1024
"""A larger body is to Splunk Cloud no 413 but an invalid event 0."""
_NAMES_ONE_EVENT = frozenset({6, 12, 13, 15})
"""Invalid data format, event field missing, event field blank, indexed fields wrong: the fault of the event with that number."""
_FOR_A_PERSON = frozenset({1, 2, 3, 4, 7, 10, 11, 14, 16, 17, 28})
"""Token disabled, missing, malformed or unknown; index not allowed; channel missing (28 on Splunk Cloud) or invalid; acknowledgement
off; token in the query not allowed; and a health check's answer, which only a wrong URL gets."""


class Answer(msgspec.Struct, rename={"invalid_event_number": "invalid-event-number", "ack_id": "ackId"}):
    """What HEC says in JSON beside the status."""

    code: int | None = None
    text: str = ""
    invalid_event_number: int | None = None
    ack_id: int | None = None


class Acks(msgspec.Struct):
    """The state of acknowledgements by their id, which is text here."""

    acks: dict[str, bool]


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Options that cannot be used, and why."""
    if payload.options["endpoint"] == "raw":
        for name in _METADATA:
            if payload.options[name]:
                yield name, f"needs `endpoint: event`; for raw records it goes into the url: ?{name}=..."
    if payload.options["channel"] and not _is_uuid(payload.options["channel"]):
        yield "channel", "a UUID is expected"


class Splunk(Provider):
    """`{"time","host","source","sourcetype","index","event","fields"}` one after the other, or the bare records."""

    talks = True

    def __init__(self, payload: Payload, cluster: str) -> None:
        super().__init__(payload, cluster)
        options = self.options
        self._raw = options["endpoint"] == "raw"
        self._words = severity_words(payload)
        self._acked, self._answered = bool(options["ack"]), False
        own = uuid.uuid5(_WORKER, "\0".join((cluster, *(str(options[name]) for name in _METADATA))))
        self._channel = str(options["channel"] or own) if self._raw or self._acked or options["channel"] else ""
        self._metadata = b"".join(
            b'"%b":%b,' % (name.encode(), json_string(options[name])) for name in _METADATA if options[name]
        )

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        headers = ((CHANNEL_HEADER, self._channel),) if self._channel else ()
        if self._raw:
            lines = b"".join([on_one_line(text_of(event).encode()) + b"\n" for event in events])
            return Body(lines, "text/plain; charset=utf-8", headers)
        return Body(b"\n".join(map(self._entry, events)), self.spec.content_type, headers)

    def _entry(self, event: Event) -> bytes:
        """One that is too large for any request becomes its text, cut with the visible marker."""
        milliseconds = created_ns(event) // 1_000_000
        time = b'"time":%d.%03d,' % divmod(milliseconds, 1000) if milliseconds else b""
        source = b"" if self.options["source"] else b'"source":%b,' % json_string(event.tp.topic)
        rest = b'{%b%b%b"fields":%b,"event":' % (time, self._metadata, source, self._fields(event))
        record, most = _event(event), self.spec.caps.max_bytes
        if most is not None and len(rest) + len(record) >= most:
            record = fitted(text_of(event), most - len(rest) - 1, self.spec.marker)
        return rest + record + b"}"

    def _fields(self, event: Event) -> bytes:
        """Flat, as HEC demands, and all of it text."""
        fields = {
            "event_identity": identity(event, self.cluster),
            "event_id": event.id,
            "event_type": event.type,
            "severity": self._words[event.severity],
            "tenant": event.tenant,
        }
        return b"{%b}" % b",".join([b'"%b":%b' % (k.encode(), json_string(v)) for k, v in fields.items() if v])

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """The code says more than the status. Events before an invalid one may have arrived: nobody promises it, so they are sent
        again, with the same `event_identity`."""
        answer = _answer(response)
        code = answer.code
        if code in _FOR_A_PERSON:
            return Retry(Pace.SLOW, f"status {response.status}, code {code}: {answer.text[:300]}")
        if code in _NAMES_ONE_EVENT and response.status == 400:
            return self._too_large(answer, events) or _without(answer, len(events))
        if self._acked and 200 <= response.status <= 299 and answer.ack_id is None:
            return Retry(Pace.SLOW, "no ackId came back: indexer acknowledgement is not enabled for this token")
        return None

    def _too_large(self, answer: Answer, events: Sequence[Event]) -> Halve | None:
        """Where "event 0 is invalid" may mean that the body is too large: the halves will tell."""
        doubtful = answer.code == 6 and answer.invalid_event_number == 0 and len(events) > 1
        large = doubtful and len(self.render(events).content) > _CLOUD_BYTES
        return Halve(f"code 6: {answer.text[:300]}, of a body above {_CLOUD_BYTES} bytes") if large else None

    async def before(self, talk: Talk) -> Response | Failure | None:
        """With `ack`, once: ask for one. A token without acknowledgements is told before it takes events that would go again."""
        if not self._acked or self._answered:
            return None
        said = await self._poll(talk, 0)
        self._answered = isinstance(said, Response) and 200 <= said.status <= 299
        return None if self._answered else said

    async def after(self, talk: Talk, response: Response) -> Response | Failure:
        """With `ack`: wait until the indexers have it. One that never comes makes the batch go again, byte for byte."""
        ack_id = _answer(response).ack_id
        if not self._acked or ack_id is None or not 200 <= response.status <= 299:
            return response
        waited, pause, most = 0.0, _FIRST_PAUSE_SECONDS, float(self.options["ackTimeout"])
        while waited < most and await talk.pause(min(pause, most - waited)):
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            said = await self._poll(talk, ack_id)
            if isinstance(said, Response):
                if 400 <= said.status <= 499 and said.status not in (408, 429):
                    return said
                if _acknowledged(said, ack_id):
                    return response
        return Failure(Fault.TIMEOUT, f"ackId {ack_id} was not acknowledged within {waited:g} s")

    async def _poll(self, talk: Talk, ack_id: int) -> Response | Failure:
        url, question = _ack_url(talk.url, self._channel), msgspec.json.encode({"acks": [ack_id]})
        return await talk.send("POST", url, question, "application/json", {CHANNEL_HEADER: self._channel})


def _event(event: Event) -> bytes:
    """HEC takes a text or an object here, and refuses null and a blank text (codes 12 and 13)."""
    if is_object(event):
        return json_value(event)
    message = message_of(event)
    return message if message[:1] == b'"' and says_something(message) else as_object(event)


def _without(answer: Answer, events: int) -> Partial | None:
    """The event that HEC names is refused, the others go again. None where the number names none: it is looked for by halves."""
    bad = answer.invalid_event_number
    if bad is None or not 0 <= bad < events:
        return None
    others = tuple(index for index in range(events) if index != bad)
    return Partial(f"code {answer.code}: {answer.text[:300]}, event {bad}", again=others, refused=(bad,))


def _answer(response: Response) -> Answer:
    try:
        return msgspec.json.decode(response.body, type=Answer)
    except msgspec.DecodeError:
        return Answer()  # something else stands in front of HEC: the status has to do


def _acknowledged(response: Response, ack_id: int) -> bool:
    try:
        return msgspec.json.decode(response.body, type=Acks).acks.get(str(ack_id), False)
    except msgspec.DecodeError:
        return False


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _ack_url(url: str, channel: str) -> str:
    """`/services/collector/ack` beside the endpoint that the events go to."""
    parts = urlsplit(url)
    before, found, _ = parts.path.partition(_COLLECTOR)
    path = f"{before}{_COLLECTOR}/ack" if found else f"{parts.path.rpartition('/')[0]}/ack"
    query = "&".join(filter(None, (parts.query, urlencode({"channel": channel}))))
    return urlunsplit(parts._replace(path=path, query=query))

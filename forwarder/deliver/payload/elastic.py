"""`elastic` and `opensearch`: the `_bulk` API, and what its answer says of each document. Never re-encodes a record.

Sources: Elasticsearch reference, "Bulk API" and "Data streams"; OpenSearch documentation, "Bulk".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from forwarder.deliver.payload.body import json_string, json_value, on_one_line
from forwarder.deliver.payload.provider import Body, Provider, Reading
from forwarder.deliver.payload.records import as_object, created_ns, is_object, message_of, severity_words
from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.attempt import Response
from forwarder.model.event import Event, event_id, identity
from forwarder.model.verdict import Halve, Pace, Partial, Retry
from forwarder.settings.payload import Payload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_NS = 3_600_000_000_000
_DATED = re.compile(r"\{([^{}]*)\}")
_LETTERS = re.compile("yyyy|MM|dd|HH")
_PREVIEW = re.compile(r"\.? ?Preview of field's value: '.*", re.DOTALL)
_REASON_CHARACTERS = 300
_REMEMBERED = 1000
_FOR_A_PERSON = frozenset({401, 403, 404})
"""Statuses of a document that say nothing about it: rights, or an index that is missing and may not be made."""
_OF_THE_INDEX = frozenset({"invalid_index_name_exception", "index_closed_exception", "cluster_block_exception"})


class Error(msgspec.Struct):
    """Why a document was not taken."""

    type: str = ""
    reason: str | None = ""


class Result(msgspec.Struct):
    """Of one document."""

    status: int
    error: Error | None = None


class Answer(msgspec.Struct):
    """The answer, of which `filter_path` leaves no more than this."""

    errors: bool
    items: list[dict[str, Result]] = []


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Options that cannot be used, and why."""
    pattern = payload.options["index"]
    for match in _DATED.finditer(pattern):
        if re.search("[A-Za-z]", _LETTERS.sub("", match[1])):
            yield "index", f"{match[0]} is no date; yyyy, MM, dd and HH are known, as in {{yyyy.MM.dd}}"
    rest = _DATED.sub("", pattern)
    if re.search("[{}]", rest):
        yield "index", "every { needs a }"
    if rest != rest.lower():
        yield "index", "names of indexes are lower case"


class Elastic(Provider):
    """Two lines per event: `create` with the event's identity as `_id`, so that a repeat is a conflict and no second document."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        super().__init__(payload, cluster)
        self._index = dated(self.options["index"])
        self._indexes: dict[int, bytes] = {}
        self._ecs = self.options["envelope"] == "ecs"
        self._words = severity_words(payload)

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        document = self._enveloped if self._ecs else as_object
        lines = [b"%b\n%b\n" % (self._action(event), document(event)) for event in events]
        return Body(b"".join(lines), self.spec.content_type)

    def _action(self, event: Event) -> bytes:
        hour = created_ns(event) // _HOUR_NS
        index = self._indexes.get(hour)
        if index is None:
            if len(self._indexes) >= _REMEMBERED:
                self._indexes.clear()
            index = self._indexes[hour] = json_string(self._index(hour))
        return b'{"create":{"_index":%b,"_id":%b}}' % (index, json_string(identity(event, self.cluster)))

    def _enveloped(self, event: Event) -> bytes:
        """A few fields of the Elastic Common Schema around the record; `@timestamp` is what a data stream cannot do without."""
        tenant = b'"organization":{"id":%b},' % json_string(event.tenant) if event.tenant else b""
        record = (
            b'"data":%b' % on_one_line(json_value(event)) if is_object(event) else b'"message":%b' % message_of(event)
        )
        return b'{"@timestamp":%b,"event":{"id":%b,"action":%b},"log":{"level":%b},%b%b}' % (
            timestamp(created_ns(event), "rfc3339"),
            json_string(event_id(event, self.cluster)),
            json_string(event.type),
            json_string(self._words[event.severity]),
            tenant,
            record,
        )

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """Inside a 200 each document has a status of its own. Everything may be sent again: what is there already says 409."""
        if not 200 <= response.status <= 299:
            return None
        try:
            answer = msgspec.json.decode(response.body, type=Answer)
        except msgspec.DecodeError:
            return self._unreadable(response, events)
        if not answer.errors:
            return None
        results = [result for item in answer.items for result in item.values()]
        return _sorted_out(results) if len(results) == len(events) else self._unreadable(response, events)

    def _unreadable(self, response: Response, events: Sequence[Event]) -> Reading:
        if len(events) > 1 and len(response.body) >= self.spec.caps.answer_bytes:
            return Halve("the answer about each document is too long to be read")
        return Retry(Pace.NORMAL, f"status {response.status}, and no results of _bulk in the answer")


def _sorted_out(results: Sequence[Result]) -> Reading:
    again, refused, waiting = [], [], 0
    for index, result in enumerate(results):
        if result.status in range(200, 300) or result.status == 409:
            continue
        if result.status in _FOR_A_PERSON or (result.error and result.error.type in _OF_THE_INDEX):
            again.append(index)
            waiting += 1
        elif result.status in (408, 429) or result.status >= 500:
            again.append(index)
        else:
            refused.append(index)
    if not again and not refused:
        return None
    reason = _reason(results[(refused or again)[0]])
    if waiting == len(results):
        return Retry(Pace.SLOW, reason)
    return Partial(reason, tuple(again), tuple(refused))


def _reason(result: Result) -> str:
    """In the receiver's words, without the part that shows what is in the event: reasons end up in logs."""
    error = result.error or Error()
    words = _PREVIEW.sub("", error.reason or "")[:_REASON_CHARACTERS]
    return f"status {result.status} of a document: {error.type}: {words}"


def dated(pattern: str) -> Callable[[int], str]:
    """An index name by the hour since the Unix epoch (UTC): `{yyyy.MM.dd}` and the like become the event's date.

    Letters are those of Elasticsearch's date math, of which yyyy, MM, dd and HH are known here.
    """

    def name(hour: int) -> str:
        moment = _EPOCH + timedelta(hours=hour)
        parts = {
            "yyyy": f"{moment.year:04}",
            "MM": f"{moment.month:02}",
            "dd": f"{moment.day:02}",
            "HH": f"{moment.hour:02}",
        }
        return _DATED.sub(lambda match: _LETTERS.sub(lambda found: parts[found[0]], match[1]), pattern)

    return name

"""`cloudevents`: binary, structured and batched mode, and the handshake of CloudEvents' webhooks.

Sources: github.com/cloudevents/spec 1.0.2: HTTP protocol binding, JSON event format, HTTP 1.1 Web Hooks for Event Delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.cloudevent import CloudEvent, Making, cloud_event, header, media_type
from forwarder.deliver.payload.handshake import ORIGIN_HEADER, REFUSED, Handshake
from forwarder.deliver.payload.provider import Body, Provider, Reading, Talk
from forwarder.deliver.payload.shape.names import at_option
from forwarder.model.attempt import Failure, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Pace, Retry
from forwarder.settings.payload import Payload
from forwarder.settings.providers.leaves import LeafError
from forwarder.settings.providers.modes import chosen

_ORIGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class CloudEvents(Provider):
    """A record that is a CloudEvent keeps all of its attributes, and in structured and batched mode its bytes."""

    talks = True

    def __init__(self, payload: Payload, cluster: str) -> None:
        """Raises LeafError (a ValueError) for a `subject` that is no path (refused at load)."""
        super().__init__(chosen(payload), cluster)
        options = self.options
        self._mode = options["mode"]
        subject = at_option(options["subject"]) if options["subject"] else None
        self._making = Making(cluster, bool(options["partitionKey"]), subject, self._mode == "binary")
        self._handshake: Handshake | None = None
        if options["handshake"]:
            every = float(options["handshakeEvery"])
            self._handshake = Handshake(str(options["origin"]), int(options["requestRate"] or 0), every)

    def render(self, events: Sequence[Event]) -> Body:
        """Raises ValueError for several events in a mode that has one per request."""
        made = [cloud_event(event, self._making) for event in events]
        origin = ((ORIGIN_HEADER, self._handshake.origin),) if self._handshake else ()
        if self._mode == "batch":
            listed = b"[" + b",".join(map(_structured, made)) + b"]"
            return Body(listed, "application/cloudevents-batch+json", origin)
        if len(made) != 1:
            raise ValueError(f"{len(made)} events for mode {self._mode}, which has one per request")
        if self._mode == "structured":
            return Body(_structured(made[0]), self.spec.content_type, origin)
        attributes = tuple((f"ce-{name}", header(value)) for name, value in made[0].attributes.items())
        return Body(made[0].data or b"", media_type(made[0].media), (*origin, *attributes))

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """A handshake that was refused; 415 is the format, which a person has to change, and no event's fault."""
        if reason := response.headers.get(REFUSED):
            return Retry(Pace.SLOW, reason)
        if response.status == 415:
            return Retry(Pace.SLOW, f"status 415: the receiver does not understand mode {self._mode}")
        return None

    async def before(self, talk: Talk) -> Response | Failure | None:
        """The handshake, where it is asked for."""
        return await self._handshake.before(talk) if self._handshake else None

    async def after(self, talk: Talk, response: Response) -> Response | Failure:
        """A refusal may mean that permission was withdrawn."""
        if self._handshake:
            self._handshake.after(response)
        return response


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Options that cannot be used."""
    options = payload.options
    if options["handshake"] and not _ORIGIN.fullmatch(options["origin"] or ""):
        yield "origin", "the handshake needs the DNS name of who sends, such as events.example.com"
    try:
        at_option(options["subject"] or "")
    except LeafError as error:
        yield "subject", str(error)
    rate = options["requestRate"]
    if rate is not None and not (rate >= 1 and rate == int(rate)):
        yield "requestRate", "a whole number of requests per minute is expected, 1 or more"


def _structured(made: CloudEvent) -> bytes:
    """The JSON format: the producer's own bytes, or the attributes and the data."""
    if made.whole is not None:
        return made.whole
    members = [b'"%b":%b' % (name.encode(), value) for name, value in made.attributes.items()]
    if made.media:
        members.append(b'"datacontenttype":' + json_string(made.media))
    if made.member:
        members.append(made.member)
    return b"{" + b",".join(members) + b"}"

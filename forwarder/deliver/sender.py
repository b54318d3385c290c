"""Sends one webhook's batches: body, headers, one attempt, and what its result means. Knows nothing of lanes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from forwarder.clock import Clock
from forwarder.deliver import headers as told
from forwarder.deliver import offsets
from forwarder.deliver.client import Client
from forwarder.deliver.compress import compressed
from forwarder.deliver.conversation import Conversation, Letter, below, sealed, target
from forwarder.deliver.credentials import Credentials
from forwarder.deliver.identity import digest_id
from forwarder.deliver.payload.provider import Body, Overfull, Provider, Unrenderable
from forwarder.deliver.payload.registry import provider_of
from forwarder.deliver.redact import blotted, describe, scrubbed
from forwarder.deliver.request import Request
from forwarder.deliver.sign.scheme import KeyUnusable, moment, rfc3339
from forwarder.deliver.verdict import judge
from forwarder.model.attempt import Attempt, DeadLetterReason, DiscardReason, Failure, Fault, Response
from forwarder.model.batch import Batch
from forwarder.model.verdict import Halve, Partial, Verdict
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.webhook import Webhook


@dataclass(slots=True)
class Prepared:
    """A frozen batch: which events, in which format, under which id. `content_length` counts bytes before compression, `sent_at` is
    the time of freezing (RFC 3339), as the body tells it where it does.

    The rendered bytes are kept for the first attempt only: they can be rendered again, and a batch that waits for its
    endpoint should not cost its size twice. They stay the same when the webhook's settings change in between.
    """

    batch: Batch
    batch_id: str
    content_length: int
    offsets: str
    provider: Provider
    sent_at: str
    _rendered: Body | None = field(default=None, repr=False)

    def body(self) -> Body:
        """The same bytes each time (but for a secret that the format writes into them). Raises SecretUnavailable."""
        rendered, self._rendered = self._rendered, None
        return rendered or self.provider.render(self.batch.events)


@dataclass(frozen=True, slots=True)
class Unsendable:
    """A batch for which no request can be made, and what that means for it. The endpoint has no part in it."""

    failure: Failure
    verdict: Verdict | None = None


class Sender:
    """One per webhook. Stateless but for its settings; secrets are read at each attempt."""

    def __init__(self, webhook: Webhook, client: Client, cluster: str, clock: Clock) -> None:
        self._webhook = webhook
        self._client = client
        self._cluster = cluster
        self._clock = clock
        self._credentials = Credentials(webhook)
        self._provider = provider_of(webhook.payload, cluster)
        self._url = target(webhook)

    def prepare(self, batch: Batch) -> Prepared | Unsendable:
        """Freeze the batch: its bytes and with them its id."""
        if too_many := self._too_many(len(batch.events)):
            return Unsendable(Failure(Fault.UNSENDABLE, too_many), Halve(too_many))
        try:
            body = self._provider.render(batch.events)
        except SecretUnavailable as error:
            return Unsendable(Failure(Fault.CREDENTIALS, str(error)))
        except Overfull as error:
            return Unsendable(Failure(Fault.UNSENDABLE, str(error)), Halve(str(error)))
        except Unrenderable as error:
            because = DeadLetterReason.UNRENDERABLE
            rest = tuple(index for index in range(len(batch.events)) if index not in error.events)
            verdict = Partial(str(error), again=rest, refused=error.events, because=because, after=0.0)
            return Unsendable(Failure(Fault.UNSENDABLE, str(error)), verdict)
        size = len(body.content)
        if too_large := self._too_large(size, len(batch.events)):
            return Unsendable(Failure(Fault.UNSENDABLE, too_large), Halve(too_large))
        exact = offsets.exact(batch.events)
        identity = digest_id(self._webhook.name, self._cluster, exact, body.content)
        # A body's own word comes from an event: what is no time must not end up in a header.
        sent_at = body.sent_at if moment(body.sent_at) is not None else rfc3339(self._clock.wall())
        return Prepared(batch, identity, size, offsets.bounded(batch.events, exact), self._provider, sent_at, body)

    def judge(self, prepared: Prepared | Unsendable, result: Response | Failure, events: int) -> Verdict:
        """What an attempt's result means for its batch of `events` events."""
        now = self._clock.wall()
        if isinstance(prepared, Unsendable):
            return prepared.verdict or judge(result, events=events, webhook=self._webhook, now_wall=now)
        reading = None
        if isinstance(result, Response):
            reading = prepared.provider.read(result, prepared.batch.events)
        return judge(result, events=events, webhook=self._webhook, now_wall=now, reading=reading)

    async def attempt(
        self,
        prepared: Prepared,
        number: int,
        discarded: Mapping[DiscardReason, int],
        test: bool = False,
    ) -> Attempt:
        """Send the batch once; `number` is 1 for the first attempt. Raises nothing but CancelledError."""
        started = self._clock.monotonic()
        talk = Conversation(self._webhook, self._client, self._credentials, self._clock, self._url, prepared.batch_id)
        try:
            letter = await self._write(prepared, prepared.body(), number, discarded, test)
        except SecretUnavailable as error:
            result: Response | Failure = Failure(Fault.CREDENTIALS, str(error))
        else:
            result = await _converse(prepared.provider, talk, letter)
        return Attempt(
            batch_id=prepared.batch_id,
            number=number,
            result=self._scrubbed(result),
            seconds=self._clock.monotonic() - started,
            sent_bytes=talk.sent_bytes,
            reused_connection=talk.reused,
        )

    async def preview(self, prepared: Prepared, test: bool = True) -> str:
        """The first attempt's request as people may see it, secrets blotted out; nothing is sent."""
        try:
            request, content = await self.draft(prepared, test)
        except (SecretUnavailable, KeyUnusable) as error:
            return f"The request cannot be made: {error}"
        return self.blotted(describe(request, content))

    async def draft(self, prepared: Prepared, test: bool) -> tuple[Request, bytes]:
        """The first attempt's request, secrets and all, and its body before compression; nothing is sent. Raises
        SecretUnavailable, KeyUnusable."""
        body = prepared.provider.render(prepared.batch.events)
        letter = await self._write(prepared, body, 1, {}, test)
        request = sealed(self._webhook, self._credentials, letter, self._clock.wall(), self._webhook.timeout)
        return request, body.content

    def blotted(self, text: str) -> str:
        """The text without this webhook's secrets, some of which a format writes into its bodies."""
        return blotted(text, self._credentials.values())

    def _too_many(self, events: int) -> str:
        """Why so many events are not sent together: a batch may have been frozen for another format."""
        most = self._provider.spec.caps.max_events
        over = most is not None and events > most
        return f"{events} events, and {self._provider.spec.title} takes {most} at a time" if over else ""

    def _too_large(self, size: int, events: int) -> str:
        """Why a body is not sent; empty when it may be. An event that alone is above `maxBytes` goes alone, but never beyond
        what the receiver takes."""
        most = self._provider.spec.caps.max_bytes
        if most is not None and size > most:
            return f"{size} bytes, and {self._provider.spec.title} takes {most}"
        if events > 1 and size > self._webhook.max_bytes:
            return f"{size} bytes, and maxBytes is {self._webhook.max_bytes}"
        return ""

    async def _write(
        self, prepared: Prepared, body: Body, number: int, discarded: Mapping[DiscardReason, int], test: bool
    ) -> Letter:
        layer = list(
            told.delivery(
                prepared.batch_id,
                number,
                len(prepared.batch.events),
                prepared.offsets,
                self._cluster,
                test=test,
            )
        )
        layer += told.discards(discarded)
        content, coding = body.content, self._webhook.compression
        if coding != "none":
            layer.append(("Content-Encoding", coding))
            content = await compressed(content, coding)
        under = (*_of_spec(prepared.provider), *body.headers)
        url = below(self._url, body.path) if body.path else self._url
        return Letter(
            prepared.batch_id, body.content_type, content, tuple(layer), under, url=url, sent_at=prepared.sent_at
        )

    def _scrubbed(self, result: Response | Failure) -> Response | Failure:
        return scrubbed(result, self._credentials.values()) if isinstance(result, Response) else result


async def _converse(provider: Provider, talk: Conversation, letter: Letter) -> Response | Failure:
    if not provider.talks:
        return await talk.post(letter)
    settled = await provider.before(talk)
    if settled is not None:
        return settled
    result = await talk.post(letter)
    return await provider.after(talk, result) if isinstance(result, Response) else result


def _of_spec(provider: Provider) -> Iterator[tuple[str, str]]:
    """The headers that the format's file names. Raises SecretUnavailable."""
    for name, value in provider.spec.headers.items():
        option = value.removeprefix("$option.")
        text = value if option == value else str(provider.options.get(option) or "")
        if text:
            yield name, text

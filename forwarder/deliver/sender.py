"""Sends one webhook's batches: body, headers, authentication, signature, one attempt. Knows nothing of lanes or verdicts."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

from forwarder.clock import Clock
from forwarder.deliver import headers as told
from forwarder.deliver import offsets
from forwarder.deliver.client import Client
from forwarder.deliver.credentials import Credentials
from forwarder.deliver.identity import digest_id
from forwarder.deliver.payload.body import Body
from forwarder.deliver.payload.registry import render
from forwarder.deliver.redact import describe, scrubbed
from forwarder.deliver.request import Exchange, Request
from forwarder.deliver.sign.scheme import KeyUnusable
from forwarder.model.attempt import Attempt, DiscardReason, Failure, Fault, Response
from forwarder.model.batch import Batch
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.webhook import Payload, Webhook

_GZIP_LEVEL = 1  # the cheapest: processor time is scarcer here than bandwidth
_GZIP_IN_THREAD_BYTES = 128 * 1024  # above it compressing would hold up the event loop for milliseconds


@dataclass(slots=True)
class Prepared:
    """A frozen batch: which events, in which format, under which id. `content_length` counts bytes before compression.

    The rendered bytes are kept for the first attempt only: they can be rendered again, and a batch that waits for its
    endpoint should not cost its size twice. They stay the same when the webhook's settings change in between.
    """

    batch: Batch
    batch_id: str
    content_length: int
    offsets: str
    payload: Payload
    cluster: str
    _rendered: Body | None = field(default=None, repr=False)

    def body(self) -> Body:
        """The same bytes each time."""
        rendered, self._rendered = self._rendered, None
        return rendered or render(self.batch, self.payload, self.cluster)


@dataclass(frozen=True, slots=True)
class _Letter:
    """What stays the same when one attempt has to be sent twice. `sent` goes over the wire, and is what is signed. The body
    as it was before compression is not kept: for as long as an endpoint hangs, one of the two is enough."""

    batch_id: str
    content_type: str
    headers: list[tuple[str, str]] = field(repr=False)
    sent: bytes = field(repr=False)


class Sender:
    """One per webhook. Stateless but for its settings; secrets are read at each attempt."""

    def __init__(self, webhook: Webhook, client: Client, cluster: str, clock: Clock) -> None:
        self._webhook = webhook
        self._client = client
        self._cluster = cluster
        self._clock = clock
        self._credentials = Credentials(webhook)

    def prepare(self, batch: Batch) -> Prepared:
        """Freeze the batch: its bytes and with them its id."""
        payload, cluster = self._webhook.payload, self._cluster
        body = render(batch, payload, cluster)
        exact = offsets.exact(batch.events)
        identity = digest_id(self._webhook.name, cluster, exact, body.content)
        told_offsets = offsets.bounded(batch.events, exact)
        return Prepared(batch, identity, len(body.content), told_offsets, payload, cluster, body)

    async def attempt(
        self,
        prepared: Prepared,
        number: int,
        discarded: Mapping[DiscardReason, int],
        test: bool = False,
    ) -> Attempt:
        """Send the batch once; `number` is 1 for the first attempt. Raises nothing but CancelledError.

        A dead kept-alive connection is retried at once, on a new connection and signed anew, and does not count.
        """
        started = self._clock.monotonic()
        letter = await self._write(prepared, number, discarded, test)
        exchange = await self._post(letter, self._webhook.timeout, fresh=False)
        left = self._webhook.timeout - (self._clock.monotonic() - started)
        if exchange.stale and left > 0:
            exchange = await self._post(letter, left, fresh=True)
        return Attempt(
            batch_id=prepared.batch_id,
            number=number,
            result=self._scrubbed(exchange.result),
            seconds=self._clock.monotonic() - started,
            sent_bytes=exchange.sent_bytes,
            reused_connection=exchange.reused,
        )

    async def preview(self, prepared: Prepared, test: bool = True) -> str:
        """The first attempt's request as people may see it, secrets blotted out; nothing is sent."""
        letter = await self._write(prepared, 1, {}, test)
        try:
            return describe(self._request(letter, self._webhook.timeout), prepared.body().content)
        except (SecretUnavailable, KeyUnusable) as error:
            return f"The request cannot be made: {error}"

    async def _write(
        self, prepared: Prepared, number: int, discarded: Mapping[DiscardReason, int], test: bool
    ) -> _Letter:
        body = prepared.body()
        layer = list(
            told.delivery(
                prepared.batch_id,
                number,
                len(prepared.batch.events),
                prepared.offsets,
                prepared.cluster,
                test=test,
            )
        )
        layer += told.discards(discarded)
        if self._webhook.compression == "none":
            return _Letter(prepared.batch_id, body.content_type, layer, body.content)
        layer.append(("Content-Encoding", "gzip"))
        return _Letter(prepared.batch_id, body.content_type, layer, await _gzipped(body.content))

    def _request(self, letter: _Letter, timeout: float) -> Request:
        """Sealed anew each time. Raises SecretUnavailable, KeyUnusable."""
        sealed = self._credentials.seal(letter.batch_id, self._clock.wall(), letter.sent)
        headers: told.Headers = {}
        told.overlay(headers, (("User-Agent", told.USER_AGENT), ("Content-Type", letter.content_type)))
        told.overlay(headers, sealed.pairs)
        told.overlay(headers, letter.headers)
        return Request(
            url=self._webhook.url,
            headers=dict(headers.values()),
            content=letter.sent,
            timeout=timeout,
            connect_timeout=self._webhook.connect_timeout,
            tls=self._webhook.tls,
            allow_invalid_certs=self._webhook.allow_invalid_certs,
            secret_headers=sealed.secret_names,
        )

    async def _post(self, letter: _Letter, timeout: float, *, fresh: bool) -> Exchange:
        try:
            request = self._request(letter, timeout)
        except (SecretUnavailable, KeyUnusable) as error:
            return Exchange(Failure(Fault.CREDENTIALS, str(error)))
        return await self._client.post(request, fresh=fresh)

    def _scrubbed(self, result: Response | Failure) -> Response | Failure:
        return scrubbed(result, self._credentials.values()) if isinstance(result, Response) else result


async def _gzipped(content: bytes) -> bytes:
    """RFC 1952, without a time stamp, so that the same content gives the same bytes."""
    if len(content) <= _GZIP_IN_THREAD_BYTES:
        return gzip.compress(content, _GZIP_LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, content, _GZIP_LEVEL, mtime=0)

"""Everything that one attempt says to its receiver: the POST, once more over a fresh connection where a kept one was dead, and
what a payload format asks beside it. Knows nothing of lanes, batches or verdicts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from forwarder.clock import Clock
from forwarder.deliver import headers as told
from forwarder.deliver.auth.authorized import authorized
from forwarder.deliver.client import Client
from forwarder.deliver.credentials import Credentials
from forwarder.deliver.request import Exchange, Request
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import KeyUnusable
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings import secreturls
from forwarder.settings.payload import Payload
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.webhook import Webhook

_OPTION = re.compile(r"\$option\.(\w+)")


@dataclass(frozen=True, slots=True)
class Letter:
    """One request before it is sealed, which is done anew each time it is sent. `content` goes over the wire, and is what is
    signed. `headers` lie over those of authentication, `under` below them. `sent_at` is when its batch was made (RFC 3339)."""

    batch_id: str
    content_type: str
    content: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    under: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    method: str = "POST"
    url: str = field(default="", repr=False)
    sent_at: str = ""


def target(webhook: Webhook) -> str:
    """The URL that is used: with the format's own path where the webhook's URL has none."""
    path = _path(webhook.payload)
    bare = urlsplit(webhook.url).path in ("", "/")
    return below(webhook.url, path) if path and bare else webhook.url


def _path(payload: Payload) -> str:
    """The format's own path, `$option.NAME` in it filled in."""
    path = payload.spec.path
    return _OPTION.sub(lambda found: quote(str(payload.options.get(found[1]) or "")), path) if "$" in path else path


def below(url: str, path: str) -> str:
    """The URL with a path, and perhaps a query, put after its own."""
    parts, (more, _, query) = urlsplit(url), path.partition("?")
    queries = "&".join(part for part in (parts.query, query) if part)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + more, query=queries))


class Conversation:
    """The exchanges of one attempt. They share its time (`webhook.timeout` seconds from the moment that this is made)."""

    def __init__(
        self, webhook: Webhook, client: Client, credentials: Credentials, clock: Clock, url: str, batch_id: str
    ) -> None:
        self.url = url
        self.reused = False
        self.sent_bytes = 0
        self._webhook = webhook
        self._client = client
        self._credentials = credentials
        self._clock = clock
        self._batch_id = batch_id
        self._until = clock.monotonic() + webhook.timeout

    async def post(self, letter: Letter) -> Response | Failure:
        """Send once; with a token, once more where it is refused. Raises nothing but CancelledError."""
        try:
            account = self._credentials.account()
        except SecretUnavailable as error:
            return Failure(Fault.CREDENTIALS, str(error))
        if account is None:
            return await self._deliver(letter, None)
        return await authorized(
            self._client.tokens, account, lambda: self._left, lambda token: self._deliver(letter, token.value)
        )

    async def send(
        self, method: str, url: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Response | Failure:
        """One more request with the webhook's authentication, TLS and guard. Raises nothing but CancelledError."""
        if self._left <= 0:
            return Failure(Fault.TIMEOUT, "no time was left for what this format has to ask")
        letter = Letter(self._batch_id, content_type, content, tuple(headers.items()), (), method, url)
        return await self.post(letter)

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the attempt's time is up before."""
        if seconds >= self._left:
            return False
        await self._clock.sleep(seconds)
        return True

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    @property
    def _left(self) -> float:
        return self._until - self._clock.monotonic()

    async def _deliver(self, letter: Letter, token: str | None) -> Response | Failure:
        """A dead kept-alive connection is retried at once, on a new connection and signed anew, and does not count."""
        exchange = await self._exchange(letter, token, fresh=False)
        if exchange.stale and self._left > 0:
            exchange = await self._exchange(letter, token, fresh=True)
        self.reused = exchange.reused
        self.sent_bytes += exchange.sent_bytes
        return exchange.result

    async def _exchange(self, letter: Letter, token: str | None, *, fresh: bool) -> Exchange:
        timeout = max(self._left, 0.001)
        try:
            request = sealed(self._webhook, self._credentials, letter, self._clock.wall(), timeout, token)
        except (SecretUnavailable, KeyUnusable) as error:
            return Exchange(Failure(Fault.CREDENTIALS, str(error)))
        return await self._client.post(request, fresh=fresh)


def sealed(
    webhook: Webhook, credentials: Credentials, letter: Letter, now: float, timeout: float, token: str | None = None
) -> Request:
    """The letter as a request, signed at `now` (Unix seconds). Raises SecretUnavailable, KeyUnusable."""
    proof = credentials.seal(token)
    headers: told.Headers = {}
    told.overlay(headers, (("User-Agent", told.USER_AGENT), ("Content-Type", letter.content_type)))
    told.overlay(headers, letter.under)
    told.overlay(headers, proof.pairs)
    told.overlay(headers, letter.headers)
    seen = {name: value for name, (_, value) in headers.items()}
    message = Message(letter.batch_id, "", letter.content, letter.sent_at, letter.method, letter.url, seen)
    told.overlay(headers, credentials.sign(message, now))
    return Request(
        url=letter.url,
        headers=dict(headers.values()),
        content=letter.content,
        timeout=timeout,
        connect_timeout=webhook.connect_timeout,
        tls=webhook.tls,
        allow_invalid_certs=webhook.allow_invalid_certs,
        secret_headers=proof.secret_names,
        secret_url=secreturls.is_secret(webhook),
        method=letter.method,
        answer_bytes=webhook.payload.spec.caps.answer_bytes,
    )

"""Which connection a request got, and whether it may still be ended. Opens none."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import aiohttp


class Wire:
    """The connection that one request got, for as long as it is that request's: once the answer is complete, aiohttp hands
    it on, and it must not be ended any more by the one who had it before."""

    _users: ClassVar[WeakKeyDictionary[Any, object]] = WeakKeyDictionary()  # holds tokens: a wire would hold its key

    def __init__(self) -> None:
        self.connected = False
        self.reused = False
        self.answered = False
        self.at_proxy = False
        self._token = object()
        self._protocol: Any = None
        self._transport: asyncio.Transport | None = None

    def take(self, protocol: Any, transport: asyncio.Transport | None) -> None:
        """The request goes over this connection now; `protocol` stands for it from its beginning to its end."""
        self.connected = True
        self.reused = protocol in self._users
        self._protocol, self._transport = protocol, transport
        self._users[protocol] = self._token

    def abort(self) -> None:
        """End the connection without waiting for what is still to be written: a receiver that does not read would
        otherwise hold the bytes and the socket for ever."""
        if self._transport is not None and self._is_ours:
            self._transport.abort()

    @property
    def unsent(self) -> bool:
        """Whether a part of the request has not left yet."""
        return self._transport is not None and self._is_ours and self._transport.get_write_buffer_size() > 0

    @property
    def _is_ours(self) -> bool:
        return self._users.get(self._protocol) is self._token


WIRE: ContextVar[Wire] = ContextVar("wire")
"""The present request's wire. aiohttp makes its request object itself, so there is no argument to pass it by."""


class NotingRequest(aiohttp.ClientRequest):
    """Notes on the wire which connection the request got."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        WIRE.get().take(conn.protocol, conn.transport)
        return await super().send(conn)

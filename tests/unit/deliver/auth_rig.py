"""A token store over a scripted login server, in manual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from forwarder.clock import ManualClock
from forwarder.deliver.auth.account import Account, account_of
from forwarder.deliver.auth.tokens import Tokens
from forwarder.deliver.request import Exchange, Request
from forwarder.model.attempt import Failure, Fault, Response
from tests.unit.deliver.make import secret, webhook

Answer = Response | Failure
LOGIN: dict[str, Any] = {
    "@type": "Login",
    "url": "https://login.example/session",
    "username": "anna",
    "secret": secret("hunter2-password"),
}


def granted(token: str, **more: Any) -> Response:
    return Response(200, {}, json.dumps({"access_token": token, **more}).encode())


def account(**auth: Any) -> Account:
    made = account_of(webhook(httpAuth={**LOGIN, **auth}))
    assert made is not None
    return made


ACCOUNT = account()


@dataclass
class Server:
    """Gives token-1, token-2 ... with `lifetime` seconds each, or what `answer` says; holds answers until `open` is set."""

    lifetime: float = 3600
    answer: Callable[[int], Answer] | None = None
    requests: list[Request] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    stale_first: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    @property
    def asked(self) -> int:
        return len(self.requests)

    async def post(self, request: Request, *, fresh: bool = False) -> Exchange:
        self.requests.append(request)
        number = self.asked
        await self.open.wait()
        await asyncio.sleep(0)
        if self.stale_first and not fresh:
            return Exchange(Failure(Fault.RESET, "the connection was reset"), reused=True, stale=True)
        return Exchange(self.answer(number) if self.answer else granted(f"token-{number}", expires_in=self.lifetime))


@dataclass
class Rig:
    """`random` is what the store gets for every chance."""

    server: Server = field(default_factory=Server)
    clock: ManualClock = field(default_factory=ManualClock)
    random: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.server.post, self.clock, lambda: self.random)

    async def value(self, of: Account | None = None) -> str:
        """The token that a lane gets now. Fails where it gets none."""
        found = await self.tokens.get(of or ACCOUNT, 30.0)
        assert not isinstance(found, Failure), found
        return found.value

    async def failure(self, of: Account | None = None) -> Failure:
        found = await self.tokens.get(of or ACCOUNT, 30.0)
        assert isinstance(found, Failure), found
        return found


async def settle() -> None:
    """Let what runs beside have its turns."""
    for _ in range(10):
        await asyncio.sleep(0)

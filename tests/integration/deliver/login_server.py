"""A login server and a receiver that takes only its tokens, on 127.0.0.1, with a switch for everything that can go wrong;
and what an attempt says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from forwarder.deliver.sender import Prepared, Sender
from forwarder.model.attempt import Attempt, Response
from tests.integration.deliver.servers import Received, Receiver, Script, answer, receiver
from tests.unit.deliver.make import batch, event


@dataclass
class Doors:
    """`valid` are the tokens that the receiver takes; every login adds one. `instead` answers logins in the server's place;
    `refuse` makes the receiver say 401 whatever the token."""

    lifetime: float = 3600
    valid: set[str] = field(default_factory=set)
    instead: Script | None = None
    refuse: bool = False
    logins: Receiver = field(default_factory=lambda: Receiver(answer()))
    events: Receiver = field(default_factory=lambda: Receiver(answer()))

    @property
    def login_url(self) -> str:
        return f"http://127.0.0.1:{self.logins.port}/session"

    def login(self, **more: Any) -> dict[str, Any]:
        secret = {"@type": "Value", "secret": "hunter2-password"}
        return {"@type": "Login", "url": self.login_url, "username": "anna", "secret": secret, **more}

    async def grant(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.instead is not None:
            await self.instead(request, reader, writer)
            return
        token = f"hunter2-token-{len(self.logins.requests)}"
        self.valid.add(token)
        body = json.dumps({"access_token": token, "expires_in": self.lifetime}).encode()
        await answer(200, body)(request, reader, writer)

    async def take(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = request.headers.get("Authorization", "")
        known = shown.removeprefix("Bearer ") in self.valid and not self.refuse
        await answer(200 if known else 401, f"you sent {shown}".encode())(request, reader, writer)


@asynccontextmanager
async def doors(**settings: Any) -> AsyncIterator[Doors]:
    """Both servers, running."""
    made = Doors(**settings)
    async with receiver(made.grant) as made.logins, receiver(made.take) as made.events:
        yield made


async def attempted(sending: Sender) -> Attempt:
    prepared = sending.prepare(batch(event()))
    assert isinstance(prepared, Prepared)
    return await sending.attempt(prepared, 1, {})


def status(attempt: Attempt) -> int:
    assert isinstance(attempt.result, Response), attempt.result
    return attempt.result.status

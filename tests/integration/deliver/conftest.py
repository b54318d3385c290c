"""A client that may talk to loopback, and a sender over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender
from forwarder.settings.process import Egress
from tests.unit.deliver.make import webhook

LOOPBACK = Egress(allow=("127.0.0.0/8", "::1/128"))

Making = Callable[..., Sender]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Everything is tried on both loops: they report broken connections differently."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client(LOOPBACK, SystemClock())
    yield made
    await made.close()


@pytest.fixture
def sender(client: Client) -> Making:
    """Makes a sender to a port of 127.0.0.1 (or to `url`), with settings as in a file."""

    def make(port: int = 0, **settings: Any) -> Sender:
        settings.setdefault("url", f"http://127.0.0.1:{port}/hook?k=v")
        hook = webhook(**{"allowPlainHttp": True, "timeout": 3, **settings})
        return Sender(hook, client, "prod", SystemClock())

    return make

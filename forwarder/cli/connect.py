"""Can everything be reached that a configuration points to? Kafka, its topics, each webhook's name, address and TLS, and its login's.

Sends no event, makes no topic, and goes the way of deliveries: their client, with its guard, proxy, source address, trust.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from forwarder.clock import SystemClock
from forwarder.deliver.auth.account import account_of
from forwarder.deliver.client import Client
from forwarder.deliver.request import Request
from forwarder.errors import StartupError
from forwarder.kafka.look import look
from forwarder.model.attempt import Failure, Fault
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.tls import Tls
from forwarder.settings.webhook import Webhook

_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Reached:
    """How one target did. `target` is `kafka`, `topic NAME` or `webhook NAME`; `kind` is `ok`, `disabled`, a fault's name or
    `kafka`; `text` says more, for people."""

    target: str
    ok: bool
    kind: str
    text: str


def check_all(settings: Settings) -> list[Reached]:
    """Kafka first, then the webhooks in the order of the configuration. Runs an event loop of its own."""
    return asyncio.run(_check_all(settings))


async def _check_all(settings: Settings) -> list[Reached]:
    room = asyncio.Semaphore(_AT_ONCE)
    client = Client(settings.egress, SystemClock())

    async def one(webhook: Webhook) -> Reached:
        async with room:
            return await check_webhook(webhook, client)

    kafka = asyncio.create_task(_check_kafka(settings))
    webhooks = await asyncio.gather(*(one(webhook) for webhook in settings.webhooks))
    await client.close()
    return [*await kafka, *webhooks]


async def _check_kafka(settings: Settings) -> list[Reached]:
    try:
        problems = await look(settings)
    except StartupError as error:
        return [Reached("kafka", False, "kafka", str(error))]
    topics = (
        Reached(f"topic {topic}", not text, "kafka" if text else "ok", text or "exists")
        for topic, text in problems.items()
    )
    return [Reached("kafka", True, "ok", ", ".join(settings.kafka.brokers)), *topics]


async def check_webhook(webhook: Webhook, client: Client) -> Reached:
    """Name, address and TLS of one webhook, and of where it logs in, within its `connectTimeout` each. Nobody logs in. Raises
    nothing but CancelledError."""
    target = f"webhook {webhook.name}"
    if not webhook.enable:
        return Reached(target, True, "disabled", "not checked")
    found = await _reach(webhook, webhook.url, webhook.tls, client)
    if isinstance(found, Failure):
        return Reached(target, False, found.fault.value, found.text)
    try:
        account = account_of(webhook)
    except SecretUnavailable as error:
        return Reached(target, False, Fault.CREDENTIALS.value, str(error))
    if account is None:
        return Reached(target, True, "ok", found)
    login = await _reach(webhook, account.url, account.tls, client)
    if isinstance(login, Failure):
        return Reached(target, False, login.fault.value, f"login at {account.host}: {login.text}")
    return Reached(target, True, "ok", f"{found}; login at {login}")


async def _reach(webhook: Webhook, url: str, tls: Tls, client: Client) -> str | Failure:
    limits = (webhook.timeout, webhook.connect_timeout)
    return await client.reach(Request(url, {}, b"", *limits, tls, webhook.allow_invalid_certs))

"""Can everything be reached that a configuration points to? Kafka, its topics, and each webhook's name, address and TLS.

Sends no event, makes no topic, and takes the same way as delivery: its resolver, its egress guard, its trust.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from forwarder.deliver.faults import failure_of
from forwarder.deliver.resolver import GuardedResolver
from forwarder.deliver.tls import TlsContexts, TlsUnusable
from forwarder.errors import StartupError
from forwarder.kafka.look import look
from forwarder.model.attempt import Failure, Fault
from forwarder.settings.process import Egress, Settings
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.webhook import Webhook

_AT_ONCE = 50
_PORTS = {"http": 80, "https": 443}


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
    contexts = TlsContexts()

    async def one(webhook: Webhook) -> Reached:
        async with room:
            return await check_webhook(webhook, settings.egress, contexts)

    kafka = asyncio.create_task(_check_kafka(settings))
    webhooks = await asyncio.gather(*(one(webhook) for webhook in settings.webhooks))
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


async def check_webhook(webhook: Webhook, egress: Egress, contexts: TlsContexts) -> Reached:
    """Name, address and TLS of one webhook, within its `connectTimeout`. Raises nothing but CancelledError."""
    target = f"webhook {webhook.name}"
    if not webhook.enable:
        return Reached(target, True, "disabled", "not checked")
    try:
        async with asyncio.timeout(webhook.connect_timeout):
            return Reached(target, True, "ok", await _connect(webhook, egress, contexts))
    except (TlsUnusable, SecretUnavailable) as error:
        fault = Fault.TLS if isinstance(error, TlsUnusable) else Fault.CREDENTIALS
        return Reached(target, False, fault.value, str(error))
    except (OSError, ValueError) as error:
        failure = _failure(error)
        return Reached(target, False, failure.fault.value, failure.text)


async def _connect(webhook: Webhook, egress: Egress, contexts: TlsContexts) -> str:
    """What was reached, in words. Raises what resolver, sockets and TLS raise: of several addresses the last one's word counts."""
    secure, host, port = _destination(webhook, egress)
    context = contexts.context(webhook.tls, webhook.allow_invalid_certs) if secure else None
    name = (webhook.tls.server_name or host) if secure else None
    problem = OSError("no address")
    for address in await _resolve(host, port, egress if egress.proxy is None else Egress(guard=False)):
        try:
            _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
        except OSError as error:
            problem = error
            continue
        said = f"{host}:{port} ({address}){_tls_version(writer)}"
        writer.transport.abort()
        return said if egress.proxy is None else f"{said}: the proxy; what lies behind it is not checked"
    raise problem


def _destination(webhook: Webhook, egress: Egress) -> tuple[bool, str, int]:
    """`(TLS with the webhook's own settings, host, port)`; behind a proxy it is the proxy that we connect to."""
    parts = urlsplit(egress.proxy or webhook.url)
    if not parts.hostname:
        raise ValueError("no host")
    secure = parts.scheme == "https" and egress.proxy is None
    return secure, parts.hostname, parts.port or _PORTS[parts.scheme]


async def _resolve(host: str, port: int, egress: Egress) -> list[str]:
    """Permitted addresses. Raises EgressDenied, and OSError when the name does not resolve."""
    resolver = GuardedResolver(egress)
    try:
        return [found["host"] for found in await resolver.resolve(host, port, socket.AF_UNSPEC)]
    finally:
        await resolver.close()


def _tls_version(writer: asyncio.StreamWriter) -> str:
    wrapped = writer.get_extra_info("ssl_object")
    return f", {wrapped.version()}" if isinstance(wrapped, ssl.SSLObject) else ""


def _failure(error: Exception) -> Failure:
    if isinstance(error, socket.gaierror):
        return Failure(Fault.DNS, f"the name does not resolve ({error.strerror or 'no answer'})")
    return failure_of(error, connected=False)

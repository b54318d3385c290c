"""Settings -> how to connect: options of aiokafka's clients, and Faust's broker addresses and credentials.

Opens no connection. Reads secrets and certificate files when called.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import faust
from aiokafka.abc import AbstractTokenProvider

from forwarder.errors import StartupError
from forwarder.settings.kafka import Kafka, Security
from forwarder.settings.secrets import SecretUnavailable

CLIENT_ID = "forwarder"
DEFAULT_PORT = 9092


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """OAUTHBEARER (RFC 7628) with a token that something else keeps fresh in a file; read at each new connection."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def token(self) -> str:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StartupError(f"Kafka token file {self._path}: {error.strerror}", retryable=True) from None
        if not token:
            raise StartupError(f"Kafka token file {self._path} is empty", retryable=True)
        return token


def broker_address(broker: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or a bare host. Raises StartupError for anything else, a URL with a login included."""
    host, separator, port = broker.rpartition(":")
    if not separator or broker.endswith("]"):
        host, port = broker, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or "/" in host or "@" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartupError(f"kafka.brokers: {broker!r} is not host:port", retryable=False)
    return host, int(port)


def client_options(kafka: Kafka) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client. Raises StartupError where a secret or certificate cannot be read."""
    servers = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in _addresses(kafka)]
    return {"bootstrap_servers": servers, "client_id": CLIENT_ID, **security_options(kafka.security)}


def security_options(security: Security) -> dict[str, Any]:
    """The part of `client_options` that a bare connection takes too."""
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.protocol.endswith("SSL"):
        options["ssl_context"] = _tls(security)
    if security.protocol.startswith("SASL"):
        options["sasl_mechanism"] = security.mechanism
        if security.mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = _token_provider(security)
        else:
            options["sasl_plain_username"] = security.username
            options["sasl_plain_password"] = _password(security)
    return options


def faust_brokers(kafka: Kafka) -> str:
    """All brokers as one Faust address."""
    return ";".join(
        f"kafka://[{host}]:{port}" if ":" in host else f"kafka://{host}:{port}" for host, port in _addresses(kafka)
    )


def faust_credentials(kafka: Kafka) -> Any:
    """Faust's credentials; None for PLAINTEXT."""
    security = kafka.security
    context = _tls(security) if security.protocol.endswith("SSL") else None
    if security.protocol == "PLAINTEXT":
        return None
    if security.protocol == "SSL":
        return faust.SSLCredentials(context)
    if security.mechanism == "OAUTHBEARER":
        return faust.OAuthCredentials(oauth_cb=_token_provider(security), ssl_context=context)
    return faust.SASLCredentials(
        username=security.username, password=_password(security), mechanism=security.mechanism, ssl_context=context
    )


def _addresses(kafka: Kafka) -> list[tuple[str, int]]:
    if not kafka.brokers:
        raise StartupError("kafka.brokers is empty", retryable=False)
    return [broker_address(broker) for broker in kafka.brokers]


def _token_provider(security: Security) -> TokenFile:
    if not security.token_file:
        raise StartupError("kafka.security: OAUTHBEARER needs tokenFile", retryable=False)
    return TokenFile(security.token_file)


def _password(security: Security) -> str:
    try:
        return security.password.read() or ""
    except SecretUnavailable as error:
        raise StartupError(f"kafka.security.password: {error}", retryable=False) from None


def _tls(security: Security) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.certificate_file:
            context.load_cert_chain(security.certificate_file, security.key_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(f for f in (security.ca_file, security.certificate_file, security.key_file) if f)
        raise StartupError(f"kafka.security: cannot load {files}: {error}", retryable=False) from None
    return context

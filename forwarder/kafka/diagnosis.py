"""From what a connection attempt raised to what a person can do about it. Pure: a table of exceptions, no I/O."""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InvalidReplicationFactorError,
    KafkaConnectionError,
    KafkaError,
    PolicyViolationError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from forwarder.errors import StartupError
from forwarder.settings.kafka import Security

_TLS_ALERT = 0x150303
"""First bytes of a TLS alert record (RFC 8446, 5.1): what a TLS listener answers to anything that is not TLS."""

_DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)


def connection_problem(where: str, security: Security, error: BaseException) -> StartupError:
    """Why no connection to `where` (`host:port`) came about, and the setting that mends it."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, StartupError):
        return error
    if isinstance(error, SaslAuthenticationFailed | AuthenticationFailedError):
        return _fatal(f"Kafka at {where} refused the login of {_login(security)}: {error}")
    if isinstance(error, UnsupportedSaslMechanismError):
        return _fatal(f"Kafka at {where} does not offer {security.mechanism}: set kafka.security.mechanism")
    if isinstance(error, IllegalSaslStateError):
        plain = "SSL" if security.protocol == "SASL_SSL" else "PLAINTEXT"
        return _fatal(f"Kafka at {where} takes no login: set kafka.security.protocol to {plain}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _fatal(
            f"the certificate of Kafka at {where} is not trusted: {error.verify_message}; set kafka.security.caFile"
        )
    if isinstance(cause, asyncio.IncompleteReadError) and (cause.expected or 0) >> 8 == _TLS_ALERT:
        wanted = "SASL_SSL" if security.protocol == "SASL_PLAINTEXT" else "SSL"
        return _fatal(f"Kafka at {where} speaks TLS: set kafka.security.protocol to {wanted}")
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        return _tls_problem(where, security, error if isinstance(error, ssl.SSLError) else cause)
    return _maybe_later(where, security, error)


def request_problem(what: str, error: BaseException) -> StartupError:
    """Why a request failed on a connection that works. `what` completes the sentence "may not ...", "cannot ..."."""
    if isinstance(error, StartupError):
        return error
    if isinstance(error, _DENIED):
        return _fatal(f"this login may not {what}: grant it, or have it done for you ({_text(error)})")
    if isinstance(error, InvalidReplicationFactorError):
        return StartupError(
            f"cannot {what}: more replicas than brokers; set kafka.replicationFactor or start them", retryable=True
        )
    if isinstance(error, PolicyViolationError):
        return _fatal(f"cannot {what}: the cluster's policy forbids it ({_text(error)})")
    return StartupError(f"cannot {what}: {_text(error)}", retryable=True)


def _tls_problem(where: str, security: Security, error: BaseException | None) -> StartupError:
    if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
        plain = "SASL_PLAINTEXT" if security.protocol.startswith("SASL") else "PLAINTEXT"
        return _fatal(f"Kafka at {where} does not speak TLS: set kafka.security.protocol to {plain}")
    return _fatal(
        f"Kafka at {where} broke the TLS handshake off: {error}; if it wants a client certificate, "
        "set kafka.security.certificateFile and keyFile"
    )


def _maybe_later(where: str, security: Security, error: BaseException) -> StartupError:
    if isinstance(error, ConnectionRefusedError):
        text = f"nothing listens on {where} (kafka.brokers)"
    elif isinstance(error, socket.gaierror):
        text = f"the name in {where} does not resolve (kafka.brokers): {error.strerror}"
    elif isinstance(error, TimeoutError | asyncio.TimeoutError):
        text = f"{where} does not answer (kafka.brokers, or a firewall)"
    elif isinstance(error, ConnectionResetError | KafkaConnectionError):
        text = (
            f"Kafka at {where} closed the connection: is {security.protocol} right for this listener? ({_text(error)})"
        )
    else:
        text = f"no connection to {where}: {_text(error)}"
    return StartupError(text, retryable=True)


def _login(security: Security) -> str:
    return f"the token in {security.token_file}" if security.mechanism == "OAUTHBEARER" else repr(security.username)


def _text(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error).removeprefix(f"{name}: ") if isinstance(error, KafkaError) else str(error)
    return f"{name}: {text}" if text else name


def _fatal(text: str) -> StartupError:
    return StartupError(text, retryable=False)

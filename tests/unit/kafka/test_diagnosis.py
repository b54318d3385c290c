"""Each way a connection fails gets its own sentence, names the setting that mends it, and says whether waiting can help."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest
from aiokafka import errors

from forwarder.errors import StartupError
from forwarder.kafka.diagnosis import connection_problem, request_problem
from forwarder.settings.kafka import Security


def verify_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def closed(cause: BaseException | None) -> errors.KafkaConnectionError:
    error = errors.KafkaConnectionError("Connection at k:1 closed")
    error.__cause__ = cause
    return error


TLS_ALERT = asyncio.IncompleteReadError(b"abc", 0x15030300)

CASES: list[tuple[Any, dict[str, Any], str, bool]] = [
    (errors.SaslAuthenticationFailed("bad"), {"username": "u"}, "refused the login of 'u'", False),
    (
        errors.SaslAuthenticationFailed("bad"),
        {"mechanism": "OAUTHBEARER", "token_file": "/t"},
        "the token in /t",
        False,
    ),
    (errors.UnsupportedSaslMechanismError("no"), {"mechanism": "PLAIN"}, "does not offer PLAIN", False),
    (errors.IllegalSaslStateError("no"), {"protocol": "SASL_PLAINTEXT"}, "protocol to PLAINTEXT", False),
    (errors.IllegalSaslStateError("no"), {"protocol": "SASL_SSL"}, "protocol to SSL", False),
    (verify_error(), {}, "not trusted: self-signed certificate; set kafka.security.caFile", False),
    (closed(TLS_ALERT), {}, "speaks TLS: set kafka.security.protocol to SSL", False),
    (closed(TLS_ALERT), {"protocol": "SASL_PLAINTEXT"}, "protocol to SASL_SSL", False),
    (closed(ssl.SSLError(1, "bad certificate")), {"protocol": "SSL"}, "certificateFile and keyFile", False),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), {"protocol": "SSL"}, "does not speak TLS", False),
    (closed(None), {}, "is PLAINTEXT right for this listener", True),
    (ConnectionResetError(), {"protocol": "SSL"}, "is SSL right for this listener", True),
    (ConnectionRefusedError(), {}, "nothing listens on k:1", True),
    (socket.gaierror(-2, "Name or service not known"), {}, "does not resolve", True),
    (TimeoutError(), {}, "does not answer", True),
    (OSError(101, "Network is unreachable"), {}, "Network is unreachable", True),
]


@pytest.mark.parametrize(("error", "security", "text", "retryable"), CASES)
def test_a_failed_connection_says_why(error: Any, security: dict[str, Any], text: str, retryable: bool) -> None:
    problem = connection_problem("k:1", Security(**security), error)
    assert text in str(problem)
    assert problem.retryable is retryable


@pytest.mark.parametrize(
    ("error", "text", "retryable"),
    [
        (errors.TopicAuthorizationFailedError("no"), "may not create topic t: grant it", False),
        (errors.ClusterAuthorizationFailedError("no"), "may not create topic t: grant it", False),
        (errors.InvalidReplicationFactorError("3"), "set kafka.replicationFactor", True),
        (errors.PolicyViolationError("min 3"), "policy forbids it", False),
        (errors.RequestTimedOutError(), "cannot create topic t", True),
    ],
)
def test_a_failed_request_says_what_to_do(error: Exception, text: str, retryable: bool) -> None:
    problem = request_problem("create topic t", error)
    assert text in str(problem)
    assert problem.retryable is retryable


def test_a_reason_that_is_known_already_is_kept() -> None:
    known = StartupError("token file is empty", retryable=True)
    assert connection_problem("k:1", Security(), known) is known
    assert request_problem("x", known) is known

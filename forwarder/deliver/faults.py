"""Turns what aiohttp, ssl and the system raise into a Failure. Uses no library text that could hold a URL or a header."""

from __future__ import annotations

import errno
import re
import ssl
from typing import TypeVar

import aiohttp

from forwarder.deliver.egress import EgressDenied
from forwarder.deliver.proxy import PASSED_ON, WayOutFailed
from forwarder.deliver.source import NoSource
from forwarder.model.attempt import Failure, Fault

_E = TypeVar("_E", bound=BaseException)
_LONGEST_CHAIN = 30
_NUMBERS = re.compile(r"\[Errno (\d+)\]")
_BY_ERRNO = {
    errno.ECONNREFUSED: Fault.REFUSED,
    errno.ECONNRESET: Fault.RESET,
    errno.ECONNABORTED: Fault.RESET,
    errno.EPIPE: Fault.RESET,
    errno.ETIMEDOUT: Fault.CONNECT_TIMEOUT,
}


_WORDS = {
    Fault.REFUSED: "the connection was refused",
    Fault.RESET: "the connection was reset",
    Fault.CONNECT_TIMEOUT: "no connection in time",
    Fault.UNREACHABLE: "the address cannot be reached",
}


def failure_of(error: Exception, *, connected: bool) -> Failure:
    """The failure that `error` stands for. `connected` tells a slow connection from a slow answer."""
    ours = _our_own(error)
    if ours is not None:
        return ours
    untrusted = _within(error, ssl.SSLError)
    if untrusted is not None:
        return Failure(Fault.TLS, _tls_words(untrusted))
    if isinstance(error, TimeoutError):
        if connected:
            return Failure(Fault.TIMEOUT, "no complete answer in time")
        return Failure(Fault.CONNECT_TIMEOUT, "no connection in time")
    return _http_failure(error) or _network_failure(error, connected)


def _our_own(error: Exception) -> Failure | None:
    """What went wrong before anybody else had a say."""
    denied = _within(error, EgressDenied)
    if denied is not None:
        return Failure(Fault.EGRESS, denied.text)
    if isinstance(error, WayOutFailed):
        return Failure(Fault.WAY_OUT, error.text)
    without = _within(error, NoSource)
    return None if without is None else Failure(Fault.WAY_OUT, without.text)


def _http_failure(error: Exception) -> Failure | None:
    match error:
        case aiohttp.ClientHttpProxyError(status=status) if status in PASSED_ON:
            return Failure(Fault.UNREACHABLE, f"the proxy cannot reach it: it answered {status}")
        case aiohttp.ClientHttpProxyError(status=status):
            return Failure(Fault.WAY_OUT, f"the proxy answered {status}")
        case aiohttp.ClientResponseError():
            return Failure(Fault.PROTOCOL, "the answer is not HTTP, or its headers are too large")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Failure(Fault.PROTOCOL, "the URL cannot be used")
        case aiohttp.ServerDisconnectedError():
            return Failure(Fault.RESET, "the connection was closed without an answer")
        case aiohttp.ClientPayloadError():
            return Failure(Fault.RESET, "the connection was closed in the middle of the answer")
        case aiohttp.ClientConnectorDNSError(os_error=cause):
            return Failure(Fault.DNS, f"the name does not resolve ({cause.strerror or 'no answer'})")
    return None


def _network_failure(error: Exception, connected: bool) -> Failure:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError):
        fault, number = _system_fault(cause, connected)
        return Failure(fault, f"{_WORDS[fault]} ({errno.errorcode.get(number, type(cause).__name__)})")
    if isinstance(cause, aiohttp.ClientConnectionError):
        return Failure(Fault.RESET, "the connection was lost")
    return Failure(Fault.PROTOCOL, f"the request could not be made ({type(cause).__name__})")


def _system_fault(cause: OSError, connected: bool) -> tuple[Fault, int]:
    """When several addresses failed in different ways, their numbers stand in one text: a refusal says the most."""
    numbers = [cause.errno] if cause.errno else [int(found) for found in _NUMBERS.findall(str(cause))]
    for number in numbers:
        if number in _BY_ERRNO and not (connected and number == errno.ETIMEDOUT):
            return _BY_ERRNO[number], number
    broken = connected or isinstance(cause, ConnectionError)
    return (Fault.RESET if broken else Fault.UNREACHABLE), (numbers[0] if numbers else 0)


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return f"TLS failed: {(error.reason or type(error).__name__).replace('_', ' ').lower()}"


def _within(error: BaseException, kind: type[_E]) -> _E | None:
    """The exception of this kind that aiohttp's error wraps or was caused by, never aiohttp's own class for it."""
    waiting: list[BaseException | None] = [error]
    for found in waiting:  # grows while it is read; chains are short
        if isinstance(found, kind) and not isinstance(found, aiohttp.ClientError):
            return found
        if found is not None and len(waiting) < _LONGEST_CHAIN:
            waiting += [getattr(found, "os_error", None), getattr(found, "certificate_error", None), found.__cause__]
    return None

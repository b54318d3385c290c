"""One HTTP request as a value. Holds secrets, therefore shows none of its contents in its `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forwarder.model.attempt import Failure, Response
from forwarder.settings.tls import Tls


@dataclass(frozen=True, slots=True)
class Request:
    """One request, usually a POST. Times in seconds: `timeout` for everything, `connect_timeout` for name, TCP and TLS together.
    More than `answer_bytes` of an answer is not read.

    `secret_headers` names (in lower case) the headers whose values nobody may see; `secret_url`: nor the URL beyond its host.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    timeout: float
    connect_timeout: float
    tls: Tls = field(default=Tls(), repr=False)
    allow_invalid_certs: bool = False
    secret_headers: frozenset[str] = frozenset()
    secret_url: bool = False
    method: str = "POST"
    answer_bytes: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class Exchange:
    """How one request went. `stale`: a kept-alive connection turned out to be dead before any answer came. `sent_bytes` is
    the body's size once there was a connection: how much of it arrived nobody knows."""

    result: Response | Failure
    reused: bool = False
    stale: bool = False
    sent_bytes: int = 0

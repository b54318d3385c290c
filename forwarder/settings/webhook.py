"""One webhook: where to, what, how gathered, how delivered. One class per concern; holds no process setting."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from forwarder.settings.secrets import NO_SECRET, Secret, ValueSecret
from forwarder.settings.types import Duration, Forever, Level, Model, Size

MIB = 1024 * 1024


class Unauthenticated(Model):
    """No authentication."""

    type: Literal["Unauthenticated"] = Field("Unauthenticated", alias="@type")


class Basic(Model):
    """HTTP Basic (RFC 7617)."""

    type: Literal["Basic"] = Field("Basic", alias="@type")
    username: str
    secret: Secret


class Bearer(Model):
    """`Authorization: Bearer ...` (RFC 6750)."""

    type: Literal["Bearer"] = Field("Bearer", alias="@type")
    bearer_token: Secret


class HeaderAuth(Model):
    """A header of the receiver's own choosing."""

    type: Literal["Header"] = Field("Header", alias="@type")
    name: str
    value: Secret


HttpAuth = Annotated[Unauthenticated | Basic | Bearer | HeaderAuth, Field(discriminator="type")]


class Signature(Model):
    """Which scheme signs the body. `old_keys` are sent too where the scheme knows several (rotation)."""

    scheme: Literal["stalwart", "standard-webhooks", "github"] = "stalwart"
    keys: tuple[Secret, ...] = ()


class ClientCertificate(Model):
    """A client certificate (PEM files)."""

    certificate_file: str
    key_file: str
    key_password: Secret = NO_SECRET


class Tls(Model):
    """Trust and identity of the connection. System trust unless `ca_file` is given."""

    ca_file: str | None = None
    client_certificate: ClientCertificate | None = None
    min_version: Literal["1.2", "1.3"] = "1.2"
    server_name: str | None = None


class Payload(Model):
    """The body's format."""

    format: Literal["json", "ndjson", "stalwart"] = "json"
    timestamp_format: Literal["seconds", "milliseconds", "microseconds", "nanoseconds", "rfc3339"] = "nanoseconds"


class RetryPolicy(Model):
    """Full-jitter exponential back-off: delay n is uniform in 0..min(cap, base * 2**n). `max_attempts` None is unlimited
    (2 for a lossy webhook)."""

    base: Duration = 1.0
    cap: Duration = 300.0
    retry_after_cap: Duration = 3600.0
    max_attempts: int | None = Field(None, ge=1)


class DeadLetterLimit(Model):
    """How much may be dead-lettered before the lane pauses: an endpoint that refuses everything is misconfigured."""

    in_a_row: int = Field(10, ge=1)
    ratio: float = Field(0.01, gt=0, le=1)
    window: int = Field(10_000, ge=100)


class Rule(Model):
    """Any one rule that matches lets the event in. Within a rule everything given must match."""

    name: str
    event_sets: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    level: Level = 0
    filter: str | None = None


HeaderValue = str | Secret
StatusAction = Literal["deliver", "retry", "retrySlow", "halve", "bisect", "disable", "drop"]


class Webhook(Model):
    """A destination with its policy. `name` is the identity of its lane and cursor."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,63}$")
    enable: bool = True
    on_enable: Literal["continue", "now"] = "continue"
    url: str
    allow_plain_http: bool = False
    sources: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    include_children: bool = False
    events: tuple[str, ...] = ()
    events_policy: Literal["include", "exclude"] = "exclude"
    event_sets: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    level: Level = 0
    treat_missing_severity_as: Level | None = None
    filter: str | None = None
    on_filter_error: Literal["noMatch", "match", "deadLetter"] = "match"
    start_at: str = "now"
    throttle: Duration = 1.0
    strict_throttle: bool = False
    max_wait: Duration | None = None
    idle_gap: Duration | None = None
    max_events: int = Field(1000, ge=1, le=100_000)
    max_bytes: Size = Field(MIB, ge=1)
    flush_level: Level | None = None
    concurrency: int = Field(1, ge=1, le=256)
    timeout: Duration = Field(30.0, gt=0)
    connect_timeout: Duration = Field(10.0, gt=0)
    retry: RetryPolicy = RetryPolicy()
    discard_after: Forever = Field(300.0)
    on_discard: Literal["record", "deadLetter", "drop"] = "record"
    lossy: bool = False
    http_auth: HttpAuth = Unauthenticated()
    http_headers: dict[str, HeaderValue] = {}
    signature_key: Secret = NO_SECRET
    signature: Signature | None = None
    tls: Tls = Tls()
    allow_invalid_certs: bool = False
    payload: Payload = Payload()
    compression: Literal["none", "gzip"] = "none"
    status_policy: dict[str, StatusAction] = {}
    dead_letter_limit: DeadLetterLimit = DeadLetterLimit()

    @property
    def never_discards(self) -> bool:
        """True when events are kept for as long as Kafka keeps them."""
        return math.isinf(self.discard_after)

    @property
    def max_attempts(self) -> int | None:
        """The attempts allowed per batch: as configured, else 2 when lossy, else None (unlimited)."""
        return self.retry.max_attempts or (2 if self.lossy else None)

    @property
    def signature_keys(self) -> tuple[Secret, ...]:
        """All keys that sign, newest first; empty when nothing signs."""
        listed = self.signature.keys if self.signature else ()
        single = () if self.signature_key.type == "None" else (self.signature_key,)
        return single + listed


__all__ = ["Secret", "ValueSecret", "Webhook"]

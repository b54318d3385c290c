"""One webhook: where to, what, how gathered, how delivered. Holds no process setting."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from forwarder.settings.auth import HttpAuth, Unauthenticated
from forwarder.settings.limits import AdaptiveConcurrency, RateLimit
from forwarder.settings.payload import AnyPayload, payload_of
from forwarder.settings.secrets import NO_SECRET, Secret, TextOrSecret
from forwarder.settings.signature import Named, Signature, listed
from forwarder.settings.tls import Tls
from forwarder.settings.types import Duration, Forever, Level, Model, Size, StartAt, StatusAction

MIB = 1024 * 1024


class RetryPolicy(Model):
    """Full-jitter exponential back-off: delay n is uniform in 0..min(cap, base * 2**n)."""

    base: Duration = 1.0
    """Bound of the first delay."""
    cap: Duration = 300.0
    """Bound of every delay."""
    retry_after_cap: Duration = 3600.0
    """The longest `Retry-After` that is honoured."""
    max_attempts: int | None = Field(None, ge=1)
    """Attempts per batch; not set: unlimited, 2 for a lossy webhook."""


class DeadLetterLimit(Model):
    """How much may be dead-lettered before the lane pauses: an endpoint that refuses all is misconfigured."""

    in_a_row: int = Field(10, ge=1)
    """Events in a row."""
    ratio: float = Field(0.01, gt=0, le=1)
    """Share of the last `window` events."""
    window: int = Field(10_000, ge=100)
    """Events that the ratio looks back at."""


class Rule(Model):
    """Any one rule that matches lets the event in. Within a rule everything given must match."""

    name: str
    """Unique within the webhook."""
    event_sets: tuple[str, ...] = ()
    """Names of event sets: only events of these."""
    events: tuple[str, ...] = ()
    """Event types or globs: only these."""
    tenants: tuple[str, ...] = ()
    """Only events of these tenants."""
    level: Level = 0
    """Least severity."""
    filter: str | None = None
    """CEL expression, as in the webhook."""


class Webhook(Model):
    """A destination with its policy."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,63}$")
    """Unique. Identity of the webhook's lane and cursor: renaming starts a new one."""
    enable: bool = True
    """false: no events are sent; the cursor is kept."""
    on_enable: Literal["continue", "now"] = "continue"
    """After a pause by `enable`: continue where it stopped, or skip to now."""
    url: str = Field(repr=False)
    """Where to POST. https only, unless `allowPlainHttp`."""
    allow_plain_http: bool = False
    """Allow an http URL: everybody on the way can read and change the events."""
    sources: tuple[str, ...] = ()
    """Topics; empty: all."""
    tenants: tuple[str, ...] = ()
    """Tenants; empty: all."""
    include_children: bool = False
    """Also the tenants below those of `tenants`."""
    events: tuple[str, ...] = ()
    """Event types: exact names, and globs such as `auth.*`."""
    events_policy: Literal["include", "exclude"] = "exclude"
    """include: only `events` and `eventSets`; exclude: all but these."""
    event_sets: tuple[str, ...] = ()
    """Names of event sets, added to `events`."""
    rules: tuple[Rule, ...] = ()
    """Any one that matches lets the event in; empty: all events."""
    level: Level = 0
    """Least severity: 0..6 or a name (OCSF, syslog, Stalwart, Falco)."""
    treat_missing_severity_as: Level | None = None
    """What an event without severity counts as; not set: it passes every level."""
    filter: str | None = None
    """CEL expression on `event`, `data`, `headers`, `key`. A missing field is no match."""
    on_filter_error: Literal["noMatch", "match", "deadLetter"] = "match"
    """What an event is whose `filter` fails otherwise, or is put off because it took over 50 ms for an event (for nine times as
    long as that)."""
    start_at: StartAt = "now"
    """Where a webhook begins that is seen for the first time: now, earliest, or an RFC 3339 time."""
    throttle: Duration = 1.0
    """Least time between the starts of two batches. A full batch need not wait for it."""
    strict_throttle: bool = False
    """A full batch waits too (as in Stalwart)."""
    max_wait: Duration | None = None
    """Longest an event waits for company; not set: as `throttle`."""
    idle_gap: Duration | None = Field(None, gt=0)
    """Close the batch where two neighbours are further apart in time."""
    max_events: int = Field(1000, ge=1, le=100_000)
    """Most events in a batch."""
    max_bytes: Size = Field(MIB, ge=1)
    """Most bytes in a batch; a single larger event goes alone."""
    flush_level: Level | None = None
    """An event at or above it closes the batch at once."""
    concurrency: int = Field(1, ge=1, le=256)
    """Requests in flight. Above 1 the order of batches is given up."""
    adaptive_concurrency: AdaptiveConcurrency = AdaptiveConcurrency(enable=False)
    """true, or bounds: find out how many requests at a time the receiver bears, up to `concurrency`."""
    rate_limit: RateLimit | None = None
    """Requests per second; not set: as many as throttle and concurrency give."""
    timeout: Duration = Field(30.0, gt=0)
    """Of the whole request."""
    connect_timeout: Duration = Field(10.0, gt=0)
    """Of name lookup, connection and TLS together."""
    retry: RetryPolicy = RetryPolicy()
    """How soon and how often a batch is tried again."""
    discard_after: Forever = Field(300.0)
    """Age after which an event is given up while the endpoint fails (on one that answers nothing expires, however late); never:
    as long as Kafka keeps it."""
    on_discard: Literal["record", "deadLetter", "drop"] = "record"
    """record: note the offsets; deadLetter: copy the events to the dead-letter topic; drop."""
    lossy: bool = False
    """Bounded window, few retries, lowest severity shed first, no catch-up."""
    http_auth: HttpAuth = Unauthenticated()
    """How to log in to the receiver."""
    http_headers: dict[str, TextOrSecret] = Field({}, repr=False)
    """Headers added to each request; a value may be a secret."""
    signature_key: Secret = NO_SECRET
    """Key that signs the body; the scheme is `signature.scheme`."""
    signature: Signature | None = None
    """Scheme and further keys."""
    tls: Tls = Tls()
    """Trust and client certificate."""
    allow_invalid_certs: bool = False
    """Do not verify the receiver: anybody on the way can pose as it."""
    payload: AnyPayload = payload_of({"format": "json"})
    """The body's format."""
    compression: Literal["none", "gzip", "zstd"] = "none"
    """Of the body. A signature covers the compressed bytes, as they are sent."""
    status_policy: dict[str, StatusAction] = Field({})
    """HTTP status (`404`, `4xx`, `400-499`) -> what happens, over the built-in table."""
    dead_letter_limit: DeadLetterLimit = DeadLetterLimit()
    """Past it the lane pauses and alerts."""

    @property
    def never_discards(self) -> bool:
        """True when events are kept for as long as Kafka keeps them."""
        return math.isinf(self.discard_after)

    @property
    def max_attempts(self) -> int | None:
        """The attempts allowed per batch: as configured, else 2 when lossy, else None (unlimited)."""
        return self.retry.max_attempts or (2 if self.lossy else None)

    @property
    def signing_keys(self) -> tuple[Named, ...]:
        """All keys, newest first, whether they are valid now or not; empty when nothing signs."""
        return listed(self.signature_key, self.signature)

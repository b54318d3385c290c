"""Settings of the process: Kafka, sources, memory, checkpoint, shutdown, HTTP, egress. One class per concern; holds no webhook."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from forwarder.settings.secrets import NO_SECRET, Secret
from forwarder.settings.types import Duration, Level, Model, Size
from forwarder.settings.webhook import Webhook

MIB = 1024 * 1024


def _split(value: Any) -> Any:
    """`a:9092,b:9092` and one string are lists too, so that an environment variable can hold several brokers."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Strings = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Security(Model):
    """TLS and login to Kafka."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "PLAIN"
    username: str = ""
    password: Secret = NO_SECRET
    token_file: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


class Kafka(Model):
    """Where events come from. `group` also prefixes the checkpoint topics."""

    brokers: Strings = ("localhost:9092",)
    group: str = Field("forwarder", pattern=r"^[A-Za-z0-9._-]{1,180}$")
    cluster: str = Field("default", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    isolation: Literal["readCommitted", "readUncommitted"] = "readCommitted"
    replication_factor: int | None = Field(None, ge=1)
    fetch: Literal["balanced", "lowestLatency"] = "balanced"
    session_timeout: Duration = 8.0
    heartbeat_interval: Duration = 2.0
    rebalance_timeout: Duration = 60.0
    instance_id: str | None = None
    security: Security = Security()


class Envelope(Model):
    """Paths that override a preset's (dots separate keys; a key with dots is written in brackets: `output_fields["k8s.ns"]`)."""

    id: str | None = None
    type: str | None = None
    time: str | None = None
    severity: str | None = None
    tenant: str | None = None


class Source(Model):
    """One topic and how its records are read."""

    topic: str = Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")
    preset: str = "auto"
    envelope: Envelope = Envelope()
    severity_map: dict[str, Level] = {}
    start_at: str = "now"
    dead_letter_topic: str | None = None
    max_record_bytes: Size = 4 * MIB

    @property
    def dead_letters(self) -> str:
        """The dead-letter topic: the configured one, else `<topic>.dead-letters`."""
        return self.dead_letter_topic or f"{self.topic}.dead-letters"


class Memory(Model):
    """One bound for all windows, bodies in flight and catch-up buffers together."""

    budget: Size = 256 * MIB


class Checkpoint(Model):
    """How often progress is written to Kafka; also the bound on duplicates after a crash."""

    interval: Duration = Field(1.0, gt=0)
    max_bytes: Size = 6 * MIB


class Shutdown(Model):
    """How long attempts in flight may take to finish at a stop."""

    drain: Duration = 20.0


class Http(Model):
    """Where /metrics, /livez and /readyz are served."""

    listen: str = "127.0.0.1:9090"


class Egress(Model):
    """Which addresses webhooks may resolve to. Special ranges are refused unless allowed here."""

    guard: bool = True
    allow: Strings = ()
    deny: Strings = ()
    proxy: str | None = None


class Tenant(Model):
    """A tenant and its child accounts."""

    children: tuple[str, ...] = ()


class EventSet(Model):
    """A named group of event types."""

    title: str = ""
    events: tuple[str, ...] = ()
    level: Level = 0


class Preset(Model):
    """A preset of the user's own, by paths alone."""

    id: str | None = None
    type: str | None = None
    time: str | None = None
    severity: str | None = None
    tenant: str | None = None
    severity_map: dict[str, Level] = {}


class Settings(Model):
    """The whole configuration file."""

    kafka: Kafka = Kafka()
    sources: tuple[Source, ...] = Field(min_length=1)
    memory: Memory = Memory()
    checkpoint: Checkpoint = Checkpoint()
    shutdown: Shutdown = Shutdown()
    http: Http = Http()
    egress: Egress = Egress()
    tenants: dict[str, Tenant] = {}
    event_sets: dict[str, EventSet] = {}
    presets: dict[str, Preset] = {}
    webhooks_dir: str | None = None
    webhooks: tuple[Webhook, ...] = ()

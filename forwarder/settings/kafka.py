"""Settings of the connection to Kafka. Holds no other setting of the process."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forwarder.settings.secrets import NO_SECRET, Secret
from forwarder.settings.types import Duration, Model, Strings


class Security(Model):
    """TLS and login to Kafka."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "PLAIN"
    """How to log in; used with the SASL protocols only."""
    username: str = ""
    """User name for PLAIN and SCRAM."""
    password: Secret = NO_SECRET
    """Password for PLAIN and SCRAM."""
    token_file: str | None = None
    """File that holds the token for OAUTHBEARER; read at each login."""
    ca_file: str | None = None
    """PEM file of the authorities to trust; the system's otherwise."""
    certificate_file: str | None = None
    """PEM file of the client certificate."""
    key_file: str | None = None
    """PEM file of the client certificate's key; not needed where `certificateFile` holds it too."""


class Kafka(Model):
    """Where events come from."""

    brokers: Strings = ("localhost:9092",)
    """Brokers to start from, each `host:port`."""
    group: str = Field("forwarder", pattern=r"^[A-Za-z0-9._-]{1,180}$")
    """Consumer group; also the prefix of the checkpoint topics."""
    cluster: str = Field("default", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Name in event identities, so that two clusters' offsets never look alike."""
    isolation: Literal["readCommitted", "readUncommitted"] = "readCommitted"
    """readCommitted: events of aborted transactions are never delivered."""
    replication_factor: int | None = Field(None, ge=1)
    """Copies of the topics that Forwarder creates; the broker's default when not set."""
    fetch: Literal["balanced", "lowestLatency"] = "balanced"
    """balanced: wait up to 25 ms for 64 KiB; lowestLatency: fetch at once, for several times the CPU."""
    session_timeout: Duration = 8.0
    """How long a silent worker keeps its partitions."""
    heartbeat_interval: Duration = 2.0
    """Time between signs of life; at most a third of `sessionTimeout`."""
    rebalance_timeout: Duration = 60.0
    """How long a worker may take to hand over its partitions."""
    instance_id: str | None = None
    """Static membership: a stable, unique name of this worker. Two live workers with one name fight."""
    security: Security = Security()
    """TLS and login."""

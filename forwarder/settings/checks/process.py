"""Checks of process settings against each other: group membership, login to Kafka, topics, budget."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.settings.kafka import Kafka, Security
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.tree import Step

DRAIN_MARGIN = 5.0
"""Seconds of the rebalance timeout that are kept for the last checkpoint and commit after a drain."""
_BROKER = "host:port is expected, such as kafka-1.example:9092"


def process(settings: Settings) -> Iterator[Finding]:
    """All process settings."""
    for path, text in _membership(settings.kafka):
        yield Finding(("kafka", *path), text)
    for field, text in _login(settings.kafka.security):
        yield Finding(("kafka", "security", field), text)
    if settings.shutdown.drain > settings.kafka.rebalance_timeout - DRAIN_MARGIN:
        text = "must be at most kafka.rebalanceTimeout - 5s, or partitions are lost in the middle of a drain"
        yield Finding(("shutdown", "drain"), text)
    if settings.watchdog.restart_after < settings.watchdog.after:
        yield Finding(("watchdog", "restartAfter"), "must not be less than watchdog.after")
    for index, source in enumerate(settings.sources):
        if source.dead_letters == source.topic:
            text = "must not be the source itself: every dead letter would be read again, for ever"
            yield Finding(("sources", index, "deadLetterTopic"), text)
        if source.max_record_bytes > settings.memory.budget:
            yield Finding(("sources", index, "maxRecordBytes"), "is more than memory.budget")
    if not settings.webhooks:
        yield Finding(("webhooks",), "no webhook is configured: events are read and go nowhere", weight=Weight.WARNING)


def _membership(kafka: Kafka) -> Iterator[tuple[tuple[Step, ...], str]]:
    if not kafka.brokers:
        yield ("brokers",), f"at least one broker is needed; {_BROKER}"
    for index, broker in enumerate(kafka.brokers):
        host, _, port = broker.rpartition(":")
        if "://" in broker or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            yield ("brokers", index), f"{_BROKER} ({broker!r})" if "@" not in broker else _BROKER
    if kafka.session_timeout <= 0:
        yield ("sessionTimeout",), "must be above zero"
    if not 0 < kafka.heartbeat_interval <= kafka.session_timeout / 3:
        yield ("heartbeatInterval",), "must be above zero and at most a third of sessionTimeout"
    if kafka.rebalance_timeout < kafka.session_timeout:
        yield ("rebalanceTimeout",), "must not be less than sessionTimeout"


def _login(security: Security) -> Iterator[tuple[str, str]]:
    sasl = security.protocol.startswith("SASL")
    if sasl and security.mechanism == "OAUTHBEARER" and not security.token_file:
        yield "tokenFile", "is missing, and required by mechanism: OAUTHBEARER"
    if sasl and security.mechanism != "OAUTHBEARER" and not security.username:
        yield "username", f"is missing, and required by mechanism: {security.mechanism}"
    if sasl and security.mechanism != "OAUTHBEARER" and security.password.type == "None":
        yield "password", f"is missing, and required by mechanism: {security.mechanism}"
    if not sasl and (security.username or security.password.type != "None" or security.token_file):
        yield (
            "protocol",
            f"{security.protocol} does not log in; SASL_SSL is meant, or the credentials are to be removed",
        )
    if security.protocol in ("PLAINTEXT", "SASL_PLAINTEXT") and (security.ca_file or security.certificate_file):
        yield (
            "protocol",
            f"{security.protocol} does not use TLS; SSL or SASL_SSL is meant, or the files are to be removed",
        )
    if security.key_file and not security.certificate_file:
        yield "keyFile", "has no certificateFile beside it"

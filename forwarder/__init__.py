"""Forwarder: security events from Kafka topics to webhooks. This module holds the version and nothing else."""

__version__ = "0.1.0"

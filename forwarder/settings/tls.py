"""Trust and identity of a connection to a receiver. Holds settings only."""

from __future__ import annotations

from typing import Literal

from forwarder.settings.secrets import NO_SECRET, Secret
from forwarder.settings.types import Model


class ClientCertificate(Model):
    """A client certificate (PEM files)."""

    certificate_file: str
    """PEM file of the certificate."""
    key_file: str
    """PEM file of its key."""
    key_password: Secret = NO_SECRET
    """Password of the key file."""


class Tls(Model):
    """Trust and identity of the connection."""

    ca_file: str | None = None
    """PEM file of the authorities to trust; the system's otherwise."""
    client_certificate: ClientCertificate | None = None
    """Certificate that Forwarder shows to the receiver."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """Least version of TLS."""
    server_name: str | None = None
    """Name to ask for and to verify; the URL's host otherwise."""

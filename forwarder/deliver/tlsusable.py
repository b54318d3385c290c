"""Checks at load of what only OpenSSL understands: whether certificates, keys and CA files can be used. Opens no connection."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from forwarder.deliver.tls import TlsUnusable, identify, trusting
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.tls import Tls


def certificate_files(settings: Settings) -> Iterator[Finding]:
    """All webhooks; each file is read once. A client certificate gets a warning: a rotation may be under way."""
    trust, identity = cache(_trust), cache(_identity)
    for index, hook in enumerate(settings.webhooks):
        if problem := trust(hook.tls.ca_file):
            yield Finding(("tls", "caFile"), problem, index)
        if problem := identity(Tls(client_certificate=hook.tls.client_certificate)):
            yield Finding(("tls", "clientCertificate"), problem, index, Weight.WARNING)


def _trust(ca_file: str | None) -> str:
    try:
        if ca_file is not None:
            trusting(ca_file)
    except TlsUnusable as error:
        return f"cannot be used: {str(error).removeprefix('tls.caFile ')}"
    return ""


def _identity(tls: Tls) -> str:
    try:
        identify(tls)
    except TlsUnusable as error:
        return f"cannot be used, and nothing is sent until it can: {str(error).removeprefix('tls.clientCertificate ')}"
    except SecretUnavailable:  # another check's finding
        return ""
    return ""

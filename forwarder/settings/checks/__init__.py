"""Checks across fields and webhooks, which one model cannot make. Each is a pure function from settings to findings.

To add one: a generator in one of the files here, and its name in `standard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from forwarder.settings.checks.addresses import addresses
from forwarder.settings.checks.auth import authentication
from forwarder.settings.checks.delivery import delivery
from forwarder.settings.checks.files import files, secrets
from forwarder.settings.checks.headers import headers
from forwarder.settings.checks.limits import limits
from forwarder.settings.checks.names import names
from forwarder.settings.checks.payloads import payloads
from forwarder.settings.checks.process import process
from forwarder.settings.checks.references import references
from forwarder.settings.checks.signing import signing
from forwarder.settings.checks.tenants import tenants
from forwarder.settings.checks.windows import windows
from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings

Check = Callable[[Settings], Iterable[Finding]]
"""Upper layers may add their own (a filter's syntax, say). A finding of a webhook gives its name."""


def standard(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """The checks that every configuration goes through. `environ` is where EnvironmentVariable secrets are looked up."""
    return (
        process,
        names,
        references,
        tenants,
        addresses,
        headers,
        authentication,
        windows,
        delivery,
        payloads,
        limits,
        files,
        partial(secrets, environ=environ),
        partial(signing, environ=environ),
    )

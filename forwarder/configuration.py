"""From a file to settings that every layer accepts: the checks of settings and of routing, and secrets known to the redactor.

What the command line and a reload both use. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from forwarder.clock import SystemClock
from forwarder.deliver.auth.usable import logins
from forwarder.deliver.payload.usable import formats
from forwarder.deliver.sign.usable import signatures
from forwarder.deliver.template.check import templates
from forwarder.deliver.tlsusable import certificate_files
from forwarder.observe.redact import register_secret
from forwarder.route.check import check_filter
from forwarder.settings.checks import Check
from forwarder.settings.checks.certificates import certificates
from forwarder.settings.checks.signing import expiring
from forwarder.settings.load import Loaded, load
from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable, secrets_in


def filters(settings: Settings) -> Iterator[Finding]:
    """Every CEL filter, of webhooks and of their rules, can be used."""
    for index, hook in enumerate(settings.webhooks):
        if hook.filter is not None and (problem := check_filter(hook.filter)):
            yield Finding(("filter",), problem, index)
        for at, rule in enumerate(hook.rules):
            if rule.filter is not None and (problem := check_filter(rule.filter)):
                yield Finding(("rules", at, "filter"), problem, index)


CHECKS: tuple[Check, ...] = (
    filters,
    templates,
    formats,
    certificate_files,
)
"""What is checked beyond the settings' own checks."""


def load_checked(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """The configuration, with every check passed and its secrets masked in logs from now on. Raises ConfigurationError."""
    now = SystemClock().wall()
    keys = (partial(signatures, environ=environ), partial(logins, environ=environ))
    ends = (partial(expiring, now=now), partial(certificates, now=now))
    loaded = load(path, environ, (*CHECKS, *keys, *ends))
    register_secrets(loaded.settings)
    return loaded


def register_secrets(settings: Settings) -> None:
    """Make the redactor know every secret as it is now. Those that cannot be read are no secret yet."""
    for secret in secrets_in(settings):
        try:
            value = secret.read()
        except SecretUnavailable:
            continue
        if value:
            register_secret(value)

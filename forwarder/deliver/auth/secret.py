"""Reading the secret behind an authentication, failing closed. Never keeps a value."""

from __future__ import annotations

from forwarder.settings.secrets import Secret, SecretUnavailable

_NEVER_IN_A_HEADER = frozenset("\r\n\0")


def required(secret: Secret, purpose: str) -> str:
    """The secret's present value. Raises SecretUnavailable when there is none."""
    value = secret.read()
    if not value:
        raise SecretUnavailable(f"{purpose} has no secret")
    return value


def sendable(secret: Secret, purpose: str) -> str:
    """The secret's present value, fit for a header. Raises SecretUnavailable, without the value."""
    return header_value(required(secret, purpose), purpose)


def header_value(value: str, purpose: str) -> str:
    """`value` unchanged. Raises SecretUnavailable when it cannot be sent as a field value (RFC 9110, section 5.5)."""
    if not _NEVER_IN_A_HEADER.isdisjoint(value):
        raise SecretUnavailable(f"{purpose} holds a line break or a NUL, which a header cannot carry")
    return value

"""Reading the secret behind an authentication, failing closed. Never keeps a value."""

from __future__ import annotations

from pydantic import BaseModel

from forwarder.settings.secrets import EnvironmentSecret, FileSecret, NoSecret, Secret, SecretUnavailable, ValueSecret

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


def text_of(value: str | Secret, purpose: str) -> str:
    """Text as it is, a secret's present value. Raises SecretUnavailable."""
    return value if isinstance(value, str) else required(value, purpose)


def revealed(value: object) -> object:
    """Settings as plain data, with every secret as it is now: equal only while nothing has changed. Raises SecretUnavailable."""
    if isinstance(value, NoSecret | ValueSecret | EnvironmentSecret | FileSecret):
        return value.read()
    if isinstance(value, BaseModel):
        return {name: revealed(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: revealed(item) for name, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, tuple) else value

"""Everything secret or signed about a webhook's requests, read from its settings at each use. Keeps no secret, sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from forwarder.deliver.auth import registry
from forwarder.deliver.auth.account import Account, account_of
from forwarder.deliver.auth.secret import header_value, sendable
from forwarder.deliver.auth.usual import usual
from forwarder.deliver.redact import BLOT
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.signer import Signer
from forwarder.settings.secrets import Secret, SecretUnavailable, secrets_in
from forwarder.settings.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Sealed:
    """Headers in the order in which they override each other, and the lower-case names of those nobody may see."""

    pairs: list[tuple[str, str]] = field(repr=False)
    secret_names: frozenset[str]


class Credentials:
    """Own headers, authentication and signature of one webhook."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self._signer = Signer(webhook)
        self._secrets = tuple(_secrets(webhook))

    def account(self) -> Account | None:
        """Whose token the requests carry; None where they carry none. Raises SecretUnavailable."""
        return account_of(self._webhook)

    def seal(self, token: str | None = None) -> Sealed:
        """The headers for one request, but for its signature; without `token` those of a request that is only shown.

        Raises SecretUnavailable: fail closed.
        """
        own = list(self._own_headers())
        proof = usual(self._webhook) or registry.headers(self._webhook.http_auth, token or BLOT)
        hidden = (
            [*registry.SECRET_WHEN_SIGNED]
            + [name for name, _ in proof]
            + [name for name, value in self._webhook.http_headers.items() if not isinstance(value, str)]
        )
        return Sealed(own + proof, frozenset(name.lower() for name in hidden))

    def sign(self, message: Message, now: float) -> list[tuple[str, str]]:
        """The headers that sign the request at `now` (Unix seconds). Raises SecretUnavailable, KeyUnusable: fail closed."""
        return self._signer.headers(message, now) + registry.signed(self._webhook.http_auth, message, now)

    def values(self) -> list[str]:
        """Every secret as it is now, to be blotted out of what a receiver echoes. Those that cannot be read are left out."""
        found: list[str] = []
        for secret in self._secrets:
            try:
                value = secret.read()
            except SecretUnavailable:
                continue
            if value:
                found.append(value)
        return found

    def _own_headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self._webhook.http_headers.items():
            if isinstance(value, str):
                yield name, header_value(value, f"header {name}")
            else:
                yield name, sendable(value, f"header {name}")


def _secrets(hook: Webhook) -> Iterator[Secret]:
    """Everything secret that a request may carry or be signed with."""
    yield from (named.key.key for named in hook.signing_keys)
    for held in (hook.http_headers, hook.http_auth, hook.payload):
        yield from secrets_in(held)

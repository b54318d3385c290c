"""Which of a webhook's keys sign now, and the signing itself. Reads secrets at each use and keeps none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import Key, read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import scheme_of
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.signature import KeyState, SigningKey, seconds
from forwarder.settings.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A key as metrics show it. `not_after` is in seconds since the Unix epoch."""

    name: str
    not_after: float


class Signer:
    """One per webhook. A webhook without keys signs nothing."""

    def __init__(self, webhook: Webhook) -> None:
        self._keys = tuple(named.key for named in webhook.signing_keys)
        self._signature = webhook.signature
        self._made: Scheme | HttpSignature | None = None

    @property
    def scheme(self) -> Scheme | HttpSignature:
        """Raises KeyUnusable where the settings make no scheme (a check refuses these at load)."""
        if self._made is None:
            try:
                self._made = scheme_of(self._signature)
            except ValueError as error:
                raise KeyUnusable(f"signature.{error}") from None
        return self._made

    def headers(self, message: Message, now: float) -> list[tuple[str, str]]:
        """The headers that sign `message` at `now` (Unix seconds), by the keys valid then.

        Raises KeyUnusable, SecretUnavailable: a webhook with keys never sends unsigned, nor with a key out of its time.
        """
        if not self._keys:
            return []
        active = [key for key in self._keys if key.state(now) is KeyState.ACTIVE]
        if not active:
            raise KeyUnusable(f"no signature key is valid now: {_why(self._keys, now)}")
        return sign(self.scheme, [named(key, self.scheme) for key in active], message, now)

    def states(self, now: float) -> Mapping[KeyState, int]:
        """How many keys are in each state at `now` (Unix seconds)."""
        found = [key.state(now) for key in self._keys]
        return {state: found.count(state) for state in KeyState}

    def lifetimes(self) -> Iterator[Lifetime]:
        """Those of keys that end. A key without an id that cannot be read now has no name, and is left out."""
        for key in self._keys:
            if key.not_after is None:
                continue
            try:
                yield Lifetime(key.id or named(key, self.scheme)[0], seconds(key.not_after))
            except (KeyUnusable, SecretUnavailable):
                continue


def named(key: SigningKey, scheme: Scheme | HttpSignature) -> tuple[str, Key]:
    """The key, read now, under its own name or its fingerprint's. Raises KeyUnusable, SecretUnavailable."""
    text = key.key.read()
    if text is None:
        raise KeyUnusable("the signature key is empty")
    found = read_key(text, scheme.algorithms, scheme.key_form)
    return key.id or found.kid, found


def _why(keys: tuple[SigningKey, ...], now: float) -> str:
    """The last end and the next beginning; never a key."""
    ends = [key.not_after for key in keys if key.not_after and key.state(now) is KeyState.EXPIRED]
    begins = [key.not_before for key in keys if key.not_before and key.state(now) is KeyState.UPCOMING]
    told = [f"the last one expired at {max(ends, key=seconds)}"] if ends else []
    return "; ".join(told + ([f"the next one begins at {min(begins, key=seconds)}"] if begins else []))

"""The tokens of a process: one for each login, fetched once for all who wait for it. Never asks while a login is to be left alone.

A login that fails is not tried again before its pause is over, however many lanes want it: they get the failure at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import random as chance
from typing import Protocol

from forwarder.clock import Clock
from forwarder.deliver.auth.account import Account
from forwarder.deliver.auth.answer import Granted, Refused, read
from forwarder.deliver.auth.known import KnownTokens
from forwarder.deliver.auth.token import Token, pause, token
from forwarder.deliver.request import Exchange, Request
from forwarder.model.attempt import NOT_THE_ENDPOINTS, Failure, Fault
from forwarder.observe.redact import register_secret
from forwarder.settings.secrets import SecretUnavailable, secrets_in

_MOST_LOGINS = 4096
_AS_THEY_ARE = frozenset({Fault.EGRESS, Fault.TLS, Fault.CREDENTIALS})
"""Faults that a person has to mend. The others pass: to the lane its login is then out of reach."""


class Post(Protocol):
    """`Client.post`."""

    async def __call__(self, request: Request, *, fresh: bool = False) -> Exchange: ...


@dataclass(slots=True)
class _Entry:
    """`quiet_until`: no login before. `renewable_at`: no login because of a 401 before. Monotonic seconds."""

    token: Token | None = None
    flight: asyncio.Task[Token | Failure] | None = None
    failure: Failure | None = None
    failures: int = 0
    quiet_until: float = 0.0
    refusals: int = 0
    renewable_at: float = 0.0


class Tokens:
    """One per process, beside the client that it asks through. `random` gives floats in [0, 1)."""

    def __init__(self, post: Post, clock: Clock, random: Callable[[], float] = chance) -> None:
        self._post = post
        self._clock = clock
        self._random = random
        self._entries: dict[str, _Entry] = {}
        self._known = KnownTokens()

    async def get(self, account: Account, seconds: float) -> Token | Failure:
        """A token that holds now, waited for at most `seconds`. Raises nothing but CancelledError."""
        entry, now = self._entry(account.key), self._clock.monotonic()
        if entry.token is not None and now < entry.token.expires:
            if now >= entry.token.refresh and entry.flight is None and now >= entry.quiet_until:
                self._start(entry, account)
            return entry.token
        if entry.flight is None:
            if entry.failure is not None and now < entry.quiet_until:
                return entry.failure
            self._start(entry, account)
        return await self._wait(entry, account, seconds)

    async def renew(self, account: Account, used: Token, seconds: float) -> Token | Failure:
        """Another token than `used`, which the receiver refused. `used` itself where a new one was fetched for such a refusal
        just before: then the token is not what the receiver minds. Raises nothing but CancelledError."""
        entry, now = self._entry(account.key), self._clock.monotonic()
        if entry.token is used:
            if now < entry.renewable_at:
                return used
            entry.token = None
            entry.refusals += 1
            entry.renewable_at = now + pause(entry.refusals, passing=False, random=self._random())
        return await self.get(account, seconds)

    def accepted(self, account: Account, used: Token) -> None:
        """The receiver took the token."""
        entry = self._entries.get(account.key)
        if entry is not None and entry.token is used:
            entry.refusals, entry.renewable_at = 0, 0.0

    async def close(self) -> None:
        """End what is under way."""
        flights = [entry.flight for entry in self._entries.values() if entry.flight is not None]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _entry(self, key: str) -> _Entry:
        """Last used last, so that the first is the one to forget."""
        entry = self._entries.pop(key, None) or _Entry()
        self._entries[key] = entry
        if len(self._entries) > _MOST_LOGINS:
            oldest = next(iter(self._entries))
            if self._entries[oldest].flight is None:
                del self._entries[oldest]
                self._known.forget(oldest)
        return entry

    def _start(self, entry: _Entry, account: Account) -> None:
        entry.flight = asyncio.get_running_loop().create_task(self._fetch(entry, account), name=f"login {account.host}")

    async def _wait(self, entry: _Entry, account: Account, seconds: float) -> Token | Failure:
        flight = entry.flight
        if flight is None:
            return entry.failure or _unreachable(account, "it was not tried")
        await asyncio.wait({flight}, timeout=max(seconds, 0.0))
        if not flight.done():
            return _unreachable(account, "no answer within the webhook's timeout")
        return _unreachable(account, "it was cut off") if flight.cancelled() else flight.result()

    async def _fetch(self, entry: _Entry, account: Account) -> Token | Failure:
        try:
            outcome = await self._ask(account)
            return self._settle(entry, account, outcome)
        finally:
            entry.flight = None

    async def _ask(self, account: Account) -> Granted | Refused | Failure:
        try:
            for secret in secrets_in(account.auth):
                register_secret(secret.read() or "")
            asking = account.asking(self._clock.wall())
        except SecretUnavailable as error:
            return Failure(Fault.CREDENTIALS, str(error))
        request = account.request(asking)
        exchange = await self._post(request)
        if exchange.stale:
            exchange = await self._post(request, fresh=True)
        if isinstance(exchange.result, Failure):
            return exchange.result
        return read(account.auth, exchange.result, self._clock.wall())

    def _settle(self, entry: _Entry, account: Account, outcome: Granted | Refused | Failure) -> Token | Failure:
        now = self._clock.monotonic()
        if isinstance(outcome, Granted):
            self._known.add(account.key, outcome.token)
            entry.token = token(outcome.token, outcome.lifetime, now, self._random())
            entry.failure, entry.failures, entry.quiet_until = None, 0, 0.0
            return entry.token
        passing = outcome.passing if isinstance(outcome, Refused) else outcome.fault not in _AS_THEY_ARE
        wish = outcome.after if isinstance(outcome, Refused) else 0.0
        entry.failures += 1
        entry.quiet_until = now + max(wish, pause(entry.failures, passing=passing, random=self._random()))
        fault = outcome.fault if isinstance(outcome, Failure) else Fault.CREDENTIALS
        if passing and fault not in NOT_THE_ENDPOINTS:
            fault = Fault.UNREACHABLE
        entry.failure = Failure(fault, f"login at {account.host}: {outcome.text}")
        return entry.failure


def _unreachable(account: Account, why: str) -> Failure:
    return Failure(Fault.UNREACHABLE, f"login at {account.host}: {why}")

"""Which tokens the redactor has to know: those in use, and what they replaced. Forgets the rest, or it would grow for ever."""

from __future__ import annotations

from collections import Counter

from forwarder.observe.redact import SECRETS, Redactor

_KEPT = 2
"""The token in use, and the one before: requests that carry it may still be under way."""


class KnownTokens:
    """Several logins may be given the same token."""

    def __init__(self, redactor: Redactor = SECRETS) -> None:
        self._redactor = redactor
        self._uses: Counter[str] = Counter()
        self._by_login: dict[str, list[str]] = {}

    def add(self, login: str, token: str) -> None:
        """The login has this token from now on."""
        if not self._uses[token]:
            if self._redactor.knows(token):  # it is in the configuration too, and stays secret for as long as that does
                return
            self._redactor.register(token)
        self._uses[token] += 1
        tokens = self._by_login.setdefault(login, [])
        tokens.append(token)
        while len(tokens) > _KEPT:
            self._drop(tokens.pop(0))

    def forget(self, login: str) -> None:
        """The login is not used any more."""
        for token in self._by_login.pop(login, []):
            self._drop(token)

    def _drop(self, token: str) -> None:
        self._uses[token] -= 1
        if not self._uses[token]:
            del self._uses[token]
            self._redactor.forget(token)

"""Checks of `httpAuth`: login URLs, headers, what contradicts each other, what is missing. Never quotes a value."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.settings.auth import AwsSigV4, Basic, HeaderAuth, HttpAuth, Login, OAuth2, TokenAuth, Unauthenticated
from forwarder.settings.checks.addresses import url_problems
from forwarder.settings.checks.headers import CONTROL, header_problems
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.secrets import NoSecret, Secret
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook

Problem = tuple[tuple[Step, ...], str, Weight]

_ASSERTION_ONLY = ("key_id", "assertion_audience", "subject")
_WRITTEN = frozenset({
    "grant_type", "scope", "audience", "client_id", "client_secret", "client_assertion", "client_assertion_type", "assertion",
})  # fmt: skip
"""Parameters of a token request that have settings of their own."""
_SIGV4 = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})


def authentication(settings: Settings) -> Iterator[Finding]:
    """All webhooks."""
    for index, hook in enumerate(settings.webhooks):
        own = {name.lower() for name in hook.http_headers}
        for name in sorted(_taken(hook.http_auth) & own):
            yield Finding(("httpHeaders",), f"{name} is written by httpAuth already; remove one of the two", index)
        for path, text, weight in _problems(hook):
            yield Finding(("httpAuth", *path), text, index, weight)
        yield from _usual(hook, index, own)


def _usual(hook: Webhook, index: int, own: set[str]) -> Iterator[Finding]:
    """The credential that the payload's format has of its own."""
    spec = hook.payload.spec.auth
    held = hook.payload.options.get(spec.option) if spec else None
    if spec is None or held is None or isinstance(held, NoSecret):
        return
    if not isinstance(hook.http_auth, Unauthenticated):
        text = "is not sent, because httpAuth is given; remove one of the two"
        yield Finding(("payload", spec.option), text, index, Weight.WARNING)
    elif spec.header.lower() in own:
        text = f"{spec.header.lower()} is written by payload.{spec.option} already; remove one of the two"
        yield Finding(("httpHeaders",), text, index)


def _taken(auth: HttpAuth) -> frozenset[str]:
    """The headers that an authentication writes, in lower case."""
    match auth:
        case Unauthenticated():
            return frozenset()
        case HeaderAuth(name=name) | TokenAuth(header=name):
            return frozenset({name.lower()})
        case AwsSigV4():
            return _SIGV4
    return frozenset({"authorization"})


def _problems(hook: Webhook) -> Iterator[Problem]:
    match hook.http_auth:
        case HeaderAuth() as auth:
            yield from _header("name", auth.name)
        case Basic() as auth:
            if ":" in auth.username or CONTROL.search(auth.username):
                yield ("username",), "must not hold a colon or a control character (RFC 7617)", Weight.ERROR
        case Login() as auth:
            yield from _token(auth)
            yield from _login(auth, hook.allow_plain_http)
        case OAuth2() as auth:
            yield from _token(auth)
            yield from _oauth2(auth, hook.allow_plain_http)
        case AwsSigV4() as auth if isinstance(auth.secret_access_key, NoSecret):
            yield ("secretAccessKey",), "is missing: a secret is needed", Weight.ERROR


def _header(path: str, name: str) -> Iterator[Problem]:
    return (((path,), text, Weight.ERROR) for text in header_problems(name, "", set()))


def _token(auth: TokenAuth) -> Iterator[Problem]:
    yield from _header("header", auth.header)
    if CONTROL.search(auth.prefix):
        yield ("prefix",), "holds a line break or another control character, which no header may", Weight.ERROR
    if auth.expires_in_path and auth.expires_at_path:
        yield (
            ("expiresInPath",),
            "has an effect only where expiresAtPath finds nothing; give one of the two",
            Weight.WARNING,
        )


def _login(auth: Login, plain_allowed: bool) -> Iterator[Problem]:
    for text, weight in url_problems(auth.url, plain_allowed, "the password", "username and secret"):
        yield ("url",), text, weight
    if isinstance(auth.secret, NoSecret):
        yield ("secret",), "is missing: a login needs a password", Weight.ERROR
    if auth.username_field == auth.password_field:
        yield ("passwordField",), "is the same as usernameField", Weight.ERROR
    for name in auth.fields:
        if name in (auth.username_field, auth.password_field):
            yield ("fields", name), "this field holds the user name or the password already", Weight.ERROR
    seen: set[str] = {"content-type", "user-agent", "accept"}
    for name, value in auth.headers.items():
        for text in header_problems(name, value if isinstance(value, str) else "", seen):
            yield ("headers", name), text, Weight.ERROR
        seen.add(name.lower())


def _oauth2(auth: OAuth2, plain_allowed: bool) -> Iterator[Problem]:
    for text, weight in url_problems(auth.token_url, plain_allowed, "the credentials", "clientId and clientSecret"):
        yield ("tokenUrl",), text, weight
    secret, key = _given(auth.client_secret), _given(auth.private_key)
    if secret and key:
        yield ("clientSecret",), "has no effect beside privateKey; remove one of the two", Weight.ERROR
    elif auth.grant == "jwtBearer" and not key:
        yield ("privateKey",), "is missing: grant: jwtBearer needs a key that signs the assertion", Weight.ERROR
    elif not (secret or key):
        yield ("clientSecret",), "is missing: give clientSecret or privateKey", Weight.ERROR
    for field, name in zip(_ASSERTION_ONLY, ("keyId", "assertionAudience", "subject"), strict=True):
        if getattr(auth, field) and not key:
            yield (name,), "has no effect without privateKey", Weight.ERROR
    for name in sorted(_WRITTEN & set(auth.params)):
        yield ("params", name), "has a setting of its own; remove it here", Weight.ERROR


def _given(secret: Secret) -> bool:
    return not isinstance(secret, NoSecret)

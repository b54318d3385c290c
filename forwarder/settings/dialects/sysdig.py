"""Sysdig's agent-local webhook attributes (docs.sysdig.com, Event Forwarding, "Forwarding to Webhook"): endpoint, secret,
insecure, auth, headers, output, timestampFormat. Native keys may stand beside them (`name`, `level`, `throttle` ...)."""

from __future__ import annotations

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.dialects.work import Work
from forwarder.settings.dialects.work import secret as secret_of
from forwarder.settings.problems import nearest
from forwarder.settings.tree import MapNode, Node, Text, text_of

_ATTRIBUTES = ("endpoint", "secret", "insecure", "auth", "headers", "output", "timestampFormat")
_AUTHS = ("BASIC_AUTH", "BEARER_TOKEN", "SIGNATURE")
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def translate(node: MapNode) -> Translated:
    """The native form."""
    work = Work(node)
    work.move(endpoint="url", insecure="allowInvalidCerts")
    work.headers("headers", ("key",))
    _payload(work)
    _auth(work)
    return work.done(*_ATTRIBUTES)


def _payload(work: Work) -> None:
    """`output` and `timestampFormat` (short and long unit names) to `payload`."""
    output, units = work.take("output"), work.take("timestampFormat")
    parts: dict[str, Node] = {}
    if output is not None:
        parts["format"] = output
    if isinstance(units, Text):
        parts["timestampFormat"] = Text(units.mark, _UNITS.get(units.value or "", units.value), units.raw)
    elif units is not None:
        parts["timestampFormat"] = units
    if parts:
        work.made["payload"] = mapping(next(iter(parts.values())).mark, **parts)


def _auth(work: Work) -> None:
    """`auth` says what `secret` is: `user:password`, a token, or the key that signs."""
    auth, secret = work.take("auth"), work.take("secret")
    if auth is None and secret is None:
        return
    kind = text_of(auth) or ""
    if kind == "CERTIFICATE":
        work.refuse("auth", "CERTIFICATE is not translated; use tls.clientCertificate with the certificate's files")
    elif kind not in _AUTHS:
        hint = nearest(kind, _AUTHS) if isinstance(auth, Text) else ""
        work.refuse("auth", f"must be one of {', '.join(_AUTHS)} and say what `secret` is{hint}")
    elif secret is None:
        work.refuse("secret", f"is missing, and required by auth: {kind}")
    elif kind == "SIGNATURE":
        work.made["signatureKey"] = secret_of(secret)
    elif kind == "BEARER_TOKEN":
        work.made["httpAuth"] = mapping(secret.mark, type_=word(secret.mark, "Bearer"), bearerToken=secret_of(secret))
    else:
        _basic(work, secret)


def _basic(work: Work, secret: Node) -> None:
    user, colon, password = (text_of(secret) or "").partition(":")
    if not colon or not user:
        work.refuse("secret", "BASIC_AUTH needs it as text, `user:password` (it may be written ${ENV})")
        return
    mark = secret.mark
    work.made["httpAuth"] = mapping(
        mark, type_=word(mark, "Basic"), username=word(mark, user), secret=secret_of(word(mark, password))
    )

"""Sysdig's agent-local webhook attributes (docs.sysdig.com, Event Forwarding, "Forwarding to Webhook"): endpoint, secret,
insecure, auth, headers, output, timestampFormat. Native keys may stand beside them (`name`, `level`, `throttle` ...)."""

from __future__ import annotations

from dataclasses import dataclass, field

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.problems import Problem, nearest
from forwarder.settings.tree import ListNode, MapNode, Node, Text, text_of

_ATTRIBUTES = ("endpoint", "secret", "insecure", "auth", "headers", "output", "timestampFormat")
_RENAMED = {"endpoint": "url", "insecure": "allowInvalidCerts"}
_AUTHS = ("BASIC_AUTH", "BEARER_TOKEN", "SIGNATURE")
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(slots=True)
class _Work:
    """The native entries made so far, and the problems."""

    node: MapNode
    made: dict[str, Node] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def take(self, name: str) -> Node | None:
        """An attribute; None where it is absent or null."""
        found = self.node.entries.get(name)
        return None if isinstance(found, Text) and found.value is None else found

    def refuse(self, name: str, text: str) -> None:
        """Notes a problem at an attribute, or at the webhook where it is absent."""
        self.problems.append(Problem(self.node.keys.get(name, self.node.mark), name, text))


def translate(node: MapNode) -> Translated:
    """The native form."""
    work = _Work(node)
    for theirs, ours in _RENAMED.items():
        if (found := work.take(theirs)) is not None:
            work.made[ours] = found
    _headers(work)
    _payload(work)
    _auth(work)
    return Translated(node.without(*_ATTRIBUTES).having(**work.made), tuple(work.problems))


def _headers(work: _Work) -> None:
    """`[{key, value}]` to a mapping."""
    headers = work.take("headers")
    if headers is None:
        return
    result = MapNode(headers.mark)
    for item in headers.items if isinstance(headers, ListNode) else (headers,):
        pair = item.entries if isinstance(item, MapNode) else {}
        key = text_of(pair.get("key"))
        if key is None or set(pair) != {"key", "value"}:
            work.refuse("headers", "a list of {key: ..., value: ...} is expected")
            return
        if key in result.entries:
            work.refuse("headers", f"the header {key!r} is here twice")
        result.entries[key], result.keys[key] = pair["value"], item.mark
    work.made["httpHeaders"] = result


def _payload(work: _Work) -> None:
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


def _auth(work: _Work) -> None:
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
        work.made["signatureKey"] = _secret(secret)
    elif kind == "BEARER_TOKEN":
        work.made["httpAuth"] = mapping(secret.mark, type_=word(secret.mark, "Bearer"), bearerToken=_secret(secret))
    else:
        _basic(work, secret)


def _secret(node: Node) -> Node:
    """Text as a `Value` secret; a tagged union as it is."""
    return mapping(node.mark, type_=word(node.mark, "Value"), secret=node) if isinstance(node, Text) else node


def _basic(work: _Work, secret: Node) -> None:
    user, colon, password = (text_of(secret) or "").partition(":")
    if not colon or not user:
        work.refuse("secret", "BASIC_AUTH needs it as text, `user:password` (it may be written ${ENV})")
        return
    mark = secret.mark
    work.made["httpAuth"] = mapping(
        mark, type_=word(mark, "Basic"), username=word(mark, user), secret=_secret(word(mark, password))
    )

"""The components of a request that an RFC 9421 signature covers, and the text that is signed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yarl import URL

from forwarder.deliver.sign.message import Message, octets, target_uri
from forwarder.deliver.sign.structured import InnerList, quoted


class Uncovered(Exception):
    """A component that this request does not have, or that nobody here knows. The text is for people."""


def _authority(url: URL) -> str:
    """Lower case, without a port that is the scheme's own (RFC 9421, section 2.2.3)."""
    host = (url.host_subcomponent or "").lower()
    return host if url.explicit_port is None or url.is_default_port() else f"{host}:{url.explicit_port}"


_DERIVED: Mapping[str, Callable[[Message], str]] = {
    "@method": lambda message: message.method,
    "@target-uri": lambda message: target_uri(message.url),
    "@authority": lambda message: _authority(URL(message.url)),
    "@scheme": lambda message: URL(message.url).scheme.lower(),
    "@request-target": lambda message: URL(message.url).raw_path_qs,
    "@path": lambda message: URL(message.url).raw_path or "/",
    "@query": lambda message: "?" + URL(message.url).raw_query_string,
}
"""RFC 9421, section 2.2. `@query-param` and `@status` are for others."""

DERIVED = frozenset(_DERIVED)


def component(message: Message, name: str) -> str:
    """The value as it is signed (RFC 9421, sections 2.1 and 2.2). Raises Uncovered."""
    if name.startswith("@"):
        derive = _DERIVED.get(name)
        if derive is None:
            raise Uncovered(f"{name} is no component that is known here")
        if not message.url and name != "@method":
            raise Uncovered(f"{name} cannot be known: the URL that the request was sent to is missing")
        return derive(message)
    value = message.headers.get(name)
    if value is None:
        raise Uncovered(f"the request has no header {name}")
    return " ".join(line.strip() for line in value.splitlines()) if value.strip() else ""


def signature_base(message: Message, covered: InnerList) -> bytes:
    """RFC 9421, section 2.5. Raises Uncovered."""
    lines = []
    for name, parameters in covered.items:
        if parameters:
            raise Uncovered(f"{name} with parameters is not known here")
        lines.append(f"{quoted(name)}: {component(message, name)}")
    lines.append(f'"@signature-params": {covered}')
    return octets("\n".join(lines))

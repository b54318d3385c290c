"""ConnectSecure's webhook credentials (cybercns.atlassian.net, "ALERT: Webhook", fields of "Credentials"): webhookUrl,
webhookAuthenticationUrl, webhookUsername, webhookPassword, authenticationHeaderKey, authenticationHeaderValue, associatedCompanies.
Native keys may stand beside them (`name`, `eventSets`, `includeChildren` ...).

Its page does not say what is sent to the authentication URL: `httpAuth` of type Login does what most do, and may be written out
natively where a receiver wants it otherwise.
"""

from __future__ import annotations

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.dialects.work import Work, secret
from forwarder.settings.tree import ListNode, MapNode, Node, text_of

_ATTRIBUTES = (
    "webhookUrl", "webhookAuthenticationUrl", "webhookUsername", "webhookPassword",
    "authenticationHeaderKey", "authenticationHeaderValue", "associatedCompanies",
)  # fmt: skip


def translate(node: MapNode) -> Translated:
    """The native form."""
    work = Work(node)
    work.move(webhookUrl="url")
    if "payload" not in node.entries:
        work.made["payload"] = mapping(node.mark, format=word(node.mark, "connectsecure"))
    _login(work)
    _header(work)
    _companies(work)
    return work.done(*_ATTRIBUTES)


def _login(work: Work) -> None:
    """User and password go to the authentication URL; without one, into each request (HTTP Basic)."""
    url, user, password = (
        work.take(name) for name in ("webhookAuthenticationUrl", "webhookUsername", "webhookPassword")
    )
    if url is None and user is None and password is None:
        return
    for name, found in (("webhookUsername", user), ("webhookPassword", password)):
        if found is None:
            work.refuse(name, "is missing: user and password belong together, and to webhookAuthenticationUrl")
    if user is None or password is None:
        return
    kind = word(user.mark, "Basic" if url is None else "Login")
    fields: dict[str, Node] = {"type_": kind, "username": user, "secret": secret(password)}
    work.made["httpAuth"] = mapping(user.mark, **(fields if url is None else fields | {"url": url}))


def _header(work: Work) -> None:
    """A header of every request: the only authentication, or beside a login."""
    key, value = work.take("authenticationHeaderKey"), work.take("authenticationHeaderValue")
    if key is None and value is None:
        return
    if key is None or value is None:
        missing = "authenticationHeaderKey" if key is None else "authenticationHeaderValue"
        work.refuse(missing, "is missing: the header's key and its value belong together")
    elif (name := text_of(key)) is None:
        work.refuse("authenticationHeaderKey", "the name of a header is expected, such as X-API-Key")
    elif "httpAuth" in work.made:
        given = work.node.entries.get("httpHeaders")
        beside = given if isinstance(given, MapNode) else MapNode(key.mark)
        if name.lower() in (other.lower() for other in beside.entries):
            work.refuse("authenticationHeaderKey", "this header is in httpHeaders too; remove one of the two")
        work.node = work.node.without("httpHeaders")
        work.made["httpHeaders"] = beside.having(**{name: secret(value)})
    else:
        work.made["httpAuth"] = mapping(key.mark, type_=word(key.mark, "Header"), name=key, value=secret(value))


def _companies(work: Work) -> None:
    """Companies, by id or name: each stands for the tenant that has it among its `companies`. An empty list is every company."""
    names = work.names("associatedCompanies")
    if names:
        work.made["tenants"] = ListNode(names[0].mark, names)

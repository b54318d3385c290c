"""Source Defense's webhook configuration (sourcedefense.zendesk.com, "Webhook Configuration"): provider, targetUrl, secretKey,
headers, active, childAccounts, events. Native keys may stand beside them (`name`, `tenants`: the account whose events these are).

`events` may name the boxes of that page (`New Scripts`), the events themselves (`site_script.new_script`), or event sets.
"""

from __future__ import annotations

from forwarder.settings.dialects.translated import Translated, word
from forwarder.settings.dialects.work import Work, bare_object, secret
from forwarder.settings.problems import nearest
from forwarder.settings.sets.catalogue import builtin
from forwarder.settings.tree import ListNode, MapNode, Node, Text

_ATTRIBUTES = ("provider", "targetUrl", "secretKey", "headers", "active", "childAccounts", "events")
_PROVIDERS = ("splunk", "custom")
_PRODUCT = "sourcedefense."


def translate(node: MapNode) -> Translated:
    """The native form."""
    work = Work(node)
    work.move(targetUrl="url", active="enable", childAccounts="includeChildren")
    work.headers("headers", ("name", "key"))
    provider = work.word("provider", _PROVIDERS)
    if not provider and work.take("provider") is None:
        work.refuse("provider", "is missing: splunk or custom")
    key = work.take("secretKey")
    if provider == "splunk":
        _splunk(work, key)
    elif provider == "custom":
        _custom(work, key)
    _events(work)
    return work.done(*_ATTRIBUTES)


def _splunk(work: Work, key: Node | None) -> None:
    """The key is the token of Splunk's HTTP Event Collector; further options of the format may stand in a native `payload`."""
    if key is None:
        work.refuse("secretKey", "is missing, and required by provider: splunk")
        return
    given = work.node.entries.get("payload")
    options = given if isinstance(given, MapNode) else MapNode(key.mark)
    for name in ("format", "token"):
        if name in options.entries:
            work.refuse("payload", f"`{name}` is said by provider and secretKey already; remove it")
    work.node = work.node.without("payload")
    work.made["payload"] = options.having(format=word(key.mark, "splunk"), token=secret(key))


def _custom(work: Work, key: Node | None) -> None:
    """One event per request, as the object that it is: receivers of Source Defense know no batches."""
    if key is not None:
        work.refuse("secretKey", "belongs to provider splunk; with custom, say in `headers` which header carries it")
    if "payload" not in work.node.entries:
        work.made["payload"] = bare_object(work.node.mark)


def _events(work: Work) -> None:
    """The chosen events only; without `events` all of them."""
    names = work.names("events")
    if names is None:
        return
    if not names:
        work.refuse("events", "names no event, so none would ever be sent; leave `events` out for all of them")
        return
    titles = {_plain(one.set.title): name for name, one in builtin().items() if name.startswith(_PRODUCT)}
    slugs = {_plain(name.removeprefix(_PRODUCT)): name for name in titles.values()}
    sets, types = [], []
    for name in names:
        text = name.value or ""
        found = titles.get(_plain(text)) or slugs.get(_plain(text.removeprefix(_PRODUCT)))
        if found:
            sets.append(Text(name.mark, found, name.raw))
        elif "." in text or "*" in text:
            types.append(name)
        else:
            known = [one.set.title for key, one in builtin().items() if key.startswith(_PRODUCT)]
            work.refuse(
                "events", f"{text!r} is no event of Source Defense{nearest(text, known)}; there are {', '.join(known)}"
            )
    mark = names[0].mark
    work.made["events"] = ListNode(mark, tuple(types))
    work.made["eventSets"] = ListNode(mark, tuple(sets))
    work.made["eventsPolicy"] = word(mark, "include")


def _plain(title: str) -> str:
    """A title without what people write in many ways: case, spaces, dashes and, with every other s, the plural's."""
    return "".join(letter for letter in title.lower() if letter.isalnum() and letter != "s")

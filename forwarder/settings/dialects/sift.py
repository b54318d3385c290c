"""Sift's webhooks (docs.siftstack.com, "Webhook settings" and "CreateWebhook"): triggerEventType, destinationUrl, customHttpHeaders,
payloadTemplate, payloadBody. Native keys may stand beside them (`name`, `signatureKey`, `payload` ...).

As Sift does it: one event per request, its rate limit, no second try for what the limit refused, and its signature where
there is a key.
"""

from __future__ import annotations

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.dialects.work import Work
from forwarder.settings.problems import nearest
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text, text_of

_ATTRIBUTES = ("triggerEventType", "destinationUrl", "customHttpHeaders", "payloadTemplate", "payloadBody")
_TRIGGERS = {"Rule Violation": "sift.rule-violation"}
_ENUM = "WEBHOOK_EVENT_TYPE_"
_SCHEME = "sift-stack"
"""`X-Sift-Signature` over the body, as Sift's API page says; `sift` is the scheme of another company of that name."""


def translate(node: MapNode) -> Translated:
    """The native form."""
    work = Work(node)
    work.move(destinationUrl="url")
    headers = work.take("customHttpHeaders")
    if isinstance(headers, MapNode) and not {"key", "name"} & set(headers.entries):
        work.made["httpHeaders"] = headers
    else:
        work.headers("customHttpHeaders", ("key", "name"))
    _trigger(work)
    _payload(work)
    work.default(maxEvents="1")
    if "rateLimit" not in node.entries:
        work.made["rateLimit"] = _limit(node.mark)
    if "signatureKey" in node.entries and "signature" not in node.entries:
        mark = node.keys["signatureKey"]
        work.made["signature"] = mapping(mark, scheme=word(mark, _SCHEME))
    return work.done(*_ATTRIBUTES)


def _limit(mark: Mark) -> MapNode:
    """2 requests a second, 100 saved up, and what exceeds them is not sent."""
    return mapping(mark, perSecond=word(mark, "2"), burst=word(mark, "100"), onLimit=word(mark, "fail"))


def _trigger(work: Work) -> None:
    """The trigger's event set, unless the webhook says natively which events it wants."""
    trigger = work.take("triggerEventType")
    if trigger is None:
        return
    text = (text_of(trigger) or "").removeprefix(_ENUM)
    spoken = {_letters(name): name for name in _TRIGGERS}
    known = spoken.get(_letters(text))
    if known is None:
        work.refuse("triggerEventType", f"must be one of {', '.join(_TRIGGERS)}{nearest(text, _TRIGGERS)} ({text!r})")
    elif not {"events", "eventSets", "eventsPolicy"} & set(work.node.entries):
        work.made["eventSets"] = ListNode(trigger.mark, (Text(trigger.mark, _TRIGGERS[known], text),))
        work.made["eventsPolicy"] = word(trigger.mark, "include")


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _payload(work: Work) -> None:
    """The body as it stands in the editor; the template's name alone where there is no body (in Sift it only fills the editor)."""
    template, body = work.take("payloadTemplate"), work.take("payloadBody")
    if template is None and body is None:
        if "payload" not in work.node.entries:
            work.refuse("payloadBody", "is missing: payloadBody, or the name of a template in payloadTemplate")
        return
    source = body if body is not None else template
    if source is None:
        return
    fields: dict[str, Node] = {"format": word(source.mark, "template"), "syntax": word(source.mark, "go")}
    fields["body" if body is not None else "template"] = source
    work.made["payload"] = mapping(source.mark, **fields)

"""Sift's webhooks (docs.siftstack.com, "Webhook settings" and "CreateWebhook"): triggerEventType, destinationUrl, customHttpHeaders,
payloadTemplate, payloadBody. Native keys may stand beside them (`name`, `signatureKey`, `payload` ...).

As Sift does it: one event per request, its rate limit, no second try for what the limit refused, and its signature where
there is a key. Sift has one trigger, and a webhook hangs on its rules: so every event of the webhook's sources is one.
"""

from __future__ import annotations

import re

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.dialects.work import Work
from forwarder.settings.problems import nearest
from forwarder.settings.templates.sources import starters
from forwarder.settings.tree import MapNode, Mark, Node, Text, text_of

_ATTRIBUTES = ("triggerEventType", "destinationUrl", "customHttpHeaders", "payloadTemplate", "payloadBody")
_TRIGGERS = ("Rule Violation",)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
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
    """Only checked: events need not be called as Sift calls them (`eventSets: [sift.rule-violation]` narrows them down by name)."""
    trigger = work.take("triggerEventType")
    text = (text_of(trigger) or "").removeprefix(_ENUM)
    if trigger is not None and _letters(text) not in map(_letters, _TRIGGERS):
        work.refuse("triggerEventType", f"must be one of {', '.join(_TRIGGERS)}{nearest(text, _TRIGGERS)} ({text!r})")


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _payload(work: Work) -> None:
    """The body as it stands in the editor; the template's name alone where there is no body (in Sift it only fills the editor)."""
    template, body = work.take("payloadTemplate"), work.take("payloadBody")
    if template is None and body is None:
        if "payload" not in work.node.entries:
            work.refuse("payloadBody", "is missing: payloadBody, or the name of a template in payloadTemplate")
        return
    source = template if body is None else body
    if not isinstance(source, Text):
        work.refuse("payloadTemplate" if body is None else "payloadBody", "text is expected")
        return
    fields: dict[str, Node] = {"format": word(source.mark, "template")}
    if body is None:
        fields["template"] = word(source.mark, _starter(source.value or ""))
    else:
        fields |= {"syntax": word(source.mark, "go"), "body": source}
        if not _looks_like_json(source.value or ""):
            fields["contentType"] = word(source.mark, "text/plain; charset=utf-8")
    work.made["payload"] = mapping(source.mark, **fields)


def _starter(name: str) -> str:
    """The template that ships for one of Sift's (`Slack`, `OpsGenie`); any other name is the configuration's own."""
    low = name.strip().lower()
    return next((one for one in (name, low, f"{low}-violation") if one in starters()), name)


def _looks_like_json(body: str) -> bool:
    """Whether what stands around the actions begins as JSON does; a body of actions alone is taken for it."""
    return _ACTION.sub("", body).strip()[:1] in ("", "{", "[", '"')

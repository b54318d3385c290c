"""Checks at load that every key can sign by its webhook's scheme. Quotes no key, sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.scheme import KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import scheme_of
from forwarder.deliver.sign.template import Piece
from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.webhook import Webhook


def signatures(settings: Settings, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """All webhooks. A key that is not there is another check's finding."""
    for index, hook in enumerate(settings.webhooks):
        try:
            scheme = scheme_of(hook.signature)
        except ValueError as error:
            field, _, text = str(error).partition(": ")
            yield Finding(("signature", field), text, index)
            continue
        if isinstance(scheme, Scheme):
            yield from _receivable(scheme, index)
        yield from _keys(hook, scheme, index, environ)


def _keys(
    hook: Webhook, scheme: Scheme | HttpSignature, index: int, environ: Mapping[str, str] | None
) -> Iterator[Finding]:
    for named in hook.signing_keys:
        try:
            read_key(named.key.key.read(environ) or "", scheme.algorithms, scheme.key_form).sign([b""])
        except SecretUnavailable:
            continue
        except KeyUnusable as error:
            yield Finding(named.path, str(error), index)


def _receivable(scheme: Scheme, index: int) -> Iterator[Finding]:
    """A receiver has to learn what was signed, and the body should be a part of it."""
    if Piece.TIMESTAMP in scheme.content and scheme.timestamp_header is None and Piece.TIMESTAMP not in _told(scheme):
        text = "{timestamp} is signed, and no header tells it: give timestampHeader, or put {timestamp} into value"
        yield Finding(("signature", "content"), text, index)
    for piece, header in ((Piece.TIMESTAMP, scheme.timestamp_header), (Piece.SENT_AT, scheme.sent_at_header)):
        if (header or piece in _told(scheme)) and piece not in scheme.content:
            text = f"{{{piece.value}}} is told in a header and not signed: anybody on the way can change it"
            yield Finding(("signature", "content"), text, index, Weight.WARNING)
    if Piece.BODY not in scheme.content:
        text = "{body} is not signed: anybody on the way can change the events unnoticed"
        yield Finding(("signature", "content"), text, index, Weight.WARNING)


def _told(scheme: Scheme) -> tuple[str | Piece, ...]:
    return (*scheme.head, *scheme.tail)

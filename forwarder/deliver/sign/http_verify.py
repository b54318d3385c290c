"""Checks an RFC 9421 signature and its Content-Digest the way a receiver has to. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from forwarder.deliver.sign.components import Uncovered, signature_base
from forwarder.deliver.sign.content_digest import matches
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import Key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.result import Reason, Rejected, Result, Verified
from forwarder.deliver.sign.structured import InnerList, Malformed, parse_dictionary

Signed = tuple[InnerList, bytes]


def check_http(scheme: HttpSignature, keys: Sequence[Key], message: Message, now: float, tolerance: float) -> Result:
    """Any one signature that holds is enough. It must cover the body where the scheme's components do."""
    for name in ("signature-input", "signature"):
        if not message.headers.get(name):
            return Rejected(Reason.NO_HEADER, f"there is no {name.title()}")
    message = replace(message, headers={"content-length": str(len(message.body)), **message.headers})
    try:
        signed = list(_signed(message))
        body_holds = _body_holds(message)
    except Malformed as error:
        return Rejected(Reason.MALFORMED, str(error))
    results = [_one(scheme, keys, message, one, now, tolerance) for one in signed]
    best = next((found for found in results if isinstance(found, Verified)), None)
    if best is not None and not body_holds:
        return Rejected(
            Reason.MISMATCH, "the signature holds over the headers, but Content-Digest is not that of this body"
        )
    if best is not None:
        return best
    if not body_holds:
        return Rejected(Reason.MISMATCH, "Content-Digest is not that of this body")
    return results[0] if results else Rejected(Reason.MALFORMED, "no label is in both Signature-Input and Signature")


def _signed(message: Message) -> Iterator[Signed]:
    """Raises Malformed."""
    inputs = parse_dictionary(message.headers["signature-input"])
    signatures = parse_dictionary(message.headers["signature"])
    for label, covered in inputs.items():
        signature = signatures.get(label)
        if isinstance(covered, InnerList) and isinstance(signature, bytes):
            yield covered, signature


def _body_holds(message: Message) -> bool:
    """Raises Malformed. Without a digest nothing is said of the body here; whether one must be covered is asked later."""
    header = message.headers.get("content-digest")
    return header is None or matches(header, message.body)


def _one(
    scheme: HttpSignature, keys: Sequence[Key], message: Message, signed: Signed, now: float, tolerance: float
) -> Result:
    covered, signature = signed
    names = [name for name, _ in covered.items]
    if "content-digest" in scheme.components and "content-digest" not in names:
        return Rejected(Reason.MALFORMED, "the signature does not cover Content-Digest, and so not the body")
    try:
        base = signature_base(message, covered)
    except Uncovered as error:
        return Rejected(Reason.NO_HEADER, str(error))
    told = covered.parameters.get("alg")
    for index, key in enumerate(keys):
        if told in (None, key.algorithm.value) and key.made([base], signature):
            return _in_time(covered, index, now, tolerance)
    return Rejected(Reason.MISMATCH, "no key of ours made this signature over these components")


def _in_time(covered: InnerList, index: int, now: float, tolerance: float) -> Result:
    created, expires = covered.parameters.get("created"), covered.parameters.get("expires")
    if isinstance(expires, int) and not isinstance(expires, bool) and now >= expires:
        return Rejected(Reason.SKEW, f"it expired {now - expires:.0f} s ago", now - expires, index)
    if isinstance(created, int) and not isinstance(created, bool) and abs(now - created) > tolerance:
        where = "in the past" if now > created else "in the future"
        text = f"it was created {abs(now - created):.0f} s {where}; {tolerance:.0f} s are allowed"
        return Rejected(Reason.SKEW, text, now - created, index)
    return Verified(index)

"""Why a captured request's signature does not hold: which change, key, time, writing or scheme would make it hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from yarl import URL

from forwarder.deliver.sign.content_digest import matches
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import Key, read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.result import Reason, Rejected, Result, Verified
from forwarder.deliver.sign.scheme import HMACS, KeyForm, KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.structured import Malformed
from forwarder.deliver.sign.variants import variants
from forwarder.deliver.sign.verify import check
from forwarder.settings.signature import KeyState


class Cause(Enum):
    """The one word for it."""

    OK = "ok"
    NO_KEY = "no_key"
    MISSING_HEADER = "missing_header"
    MALFORMED = "malformed"
    CLOCK_SKEW = "clock_skew"
    ENCODING = "encoding"
    CHANGED_BODY = "changed_body"
    CHANGED_URL = "changed_url"
    WRONG_KEY = "wrong_key"
    KEY_OUT_OF_TIME = "key_out_of_time"
    OTHER_SCHEME = "other_scheme"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that may have signed. `name` is what people call it. A key of another webhook is no proof, but explains."""

    name: str
    text: str = field(repr=False)
    state: KeyState = KeyState.ACTIVE
    own: bool = True


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`text` is for people and holds no key. `key` is a candidate's name, `variant` what has to be done to the body, `late` the
    timestamp's distance from the clock in seconds (above 0: in the past)."""

    cause: Cause
    text: str
    key: str | None = None
    variant: str | None = None
    late: float | None = None

    @property
    def holds(self) -> bool:
        return self.cause is Cause.OK


AnyScheme = Scheme | HttpSignature
_OUT_OF_TIME = {KeyState.EXPIRED: "has expired", KeyState.UPCOMING: "is not valid yet"}
_DIRECT = {Reason.SKEW: Cause.CLOCK_SKEW, Reason.ENCODING: Cause.ENCODING}
_REST = {Reason.NO_HEADER: Cause.MISSING_HEADER, Reason.MALFORMED: Cause.MALFORMED, Reason.MISMATCH: Cause.MISMATCH}


@dataclass(frozen=True, slots=True)
class Case:
    """One captured request and what is known of its keys. `now` and `tolerance` in seconds."""

    scheme: AnyScheme
    candidates: Sequence[Candidate]
    message: Message
    now: float
    tolerance: float

    def diagnose(self) -> Diagnosis:
        """Never raises for what a request or a key holds."""
        pairs, problems = self._keys()
        if not pairs:
            return Diagnosis(
                Cause.NO_KEY, "no key can be used with this scheme: " + ("; ".join(problems) or "none is given")
            )
        keys = [key for _, key in pairs]
        result = check(self.scheme, keys, self.message, self.now, self.tolerance)
        if isinstance(result, Verified):
            return _held(pairs[result.key][0])
        if result.reason in _DIRECT:
            name = pairs[result.key][0].name if result.key is not None else None
            return Diagnosis(_DIRECT[result.reason], _said(result), name, late=result.late)
        found = next(self._explanations(pairs), None)
        return found or self._unexplained(result)

    def _keys(self) -> tuple[list[tuple[Candidate, Key]], list[str]]:
        """The webhook's own keys that can be used, valid ones first; and why others cannot."""
        pairs, problems = [], []
        for candidate in sorted((c for c in self.candidates if c.own), key=lambda c: c.state is not KeyState.ACTIVE):
            try:
                pairs.append((candidate, read_key(candidate.text, self.scheme.algorithms, self.scheme.key_form)))
            except KeyUnusable as error:
                problems.append(f"{candidate.name}: {error}")
        return pairs, problems

    def _explanations(self, pairs: list[tuple[Candidate, Key]]) -> Iterator[Diagnosis]:
        """From the likeliest to the least likely."""
        keys = [key for _, key in pairs]
        for label, body in variants(self.message.body):
            result = check(self.scheme, keys, replace(self.message, body=body), self.now, self.tolerance)
            if _right(result):
                text = f"the body was changed on its way: the signature holds over the body {label}"
                name = pairs[result.key][0].name if result.key is not None else None
                yield Diagnosis(Cause.CHANGED_BODY, text, name, label)
        yield from self._other_urls(keys)
        yield from self._other_keys()
        yield from self._other_schemes()

    def _other_urls(self, keys: list[Key]) -> Iterator[Diagnosis]:
        if not self.message.url:
            return
        for url in _other_urls(URL(self.message.url)):
            if _right(check(self.scheme, keys, replace(self.message, url=url), self.now, self.tolerance)):
                text = (
                    f"the URL was changed on its way: the signature holds for {URL(url).origin()} (a proxy in between?)"
                )
                yield Diagnosis(Cause.CHANGED_URL, text)

    def _other_keys(self) -> Iterator[Diagnosis]:
        for candidate in self.candidates:
            for label, key in _readings(candidate, self.scheme):
                if label or not candidate.own:
                    scheme = _allowing(self.scheme, key)
                    if _right(check(scheme, [key], self.message, self.now, self.tolerance)):
                        text = f"it was signed with {candidate.name}" + (f", {label}" if label else "")
                        yield Diagnosis(Cause.WRONG_KEY, text, candidate.name)

    def _other_schemes(self) -> Iterator[Diagnosis]:
        for name, scheme in SCHEMES.items():
            if name == self.scheme.name:
                continue
            for candidate in self.candidates:
                for _, key in _readings(candidate, scheme):
                    if _right(check(_allowing(scheme, key), [key], self.message, self.now, self.tolerance)):
                        text = f"it is signed by the scheme {name}, not {self.scheme.name}"
                        yield Diagnosis(Cause.OTHER_SCHEME, text, candidate.name)

    def _unexplained(self, result: Rejected) -> Diagnosis:
        if result.reason is Reason.MISMATCH and (certain := self._surely_changed()):
            return Diagnosis(Cause.CHANGED_BODY, f"the body was changed on its way: {certain}", late=result.late)
        if result.reason is Reason.MISMATCH:
            text = (
                "none of the keys made it, over this body or over any usual change of it: it was signed with a key that is not here,"
                " or the body was changed in another way"
            )
            return Diagnosis(Cause.MISMATCH, text, late=result.late)
        cause, text = _REST[result.reason], _said(result)
        others = [
            name for name, scheme in SCHEMES.items() if name != self.scheme.name and _present(scheme, self.message)
        ]
        hint = f"; the request has the headers of {' and '.join(others)}" if others else ""
        return Diagnosis(cause, text + hint, late=result.late)

    def _surely_changed(self) -> str:
        """What shows that this is not the body that was sent, whatever that was; empty when nothing does."""
        told, size = self.message.headers.get("content-length", ""), len(self.message.body)
        if self._digest_differs():
            return "Content-Digest is not that of this body, nor of any usual change of it"
        if told.isascii() and told.isdigit() and told != str(size):
            return f"it has {size} bytes, and Content-Length says {told}"
        return ""

    def _digest_differs(self) -> bool:
        header = self.message.headers.get("content-digest")
        try:
            return (
                isinstance(self.scheme, HttpSignature) and header is not None and not matches(header, self.message.body)
            )
        except Malformed:
            return False


def _held(candidate: Candidate) -> Diagnosis:
    if candidate.state is KeyState.ACTIVE:
        return Diagnosis(Cause.OK, f"the signature holds, by {candidate.name}", candidate.name)
    text = f"the signature is right, but {candidate.name}, which made it, {_OUT_OF_TIME[candidate.state]}"
    return Diagnosis(Cause.KEY_OUT_OF_TIME, text, candidate.name)


def _said(result: Rejected) -> str:
    return result.reason.value + (f": {result.detail}" if result.detail else "")


def _right(result: Result) -> bool:
    """The signature is right; its time or its writing may still be wrong."""
    return isinstance(result, Verified) or result.reason in _DIRECT


def _present(scheme: AnyScheme, message: Message) -> bool:
    name = "signature-input" if isinstance(scheme, HttpSignature) else scheme.signature_header.lower()
    return name in message.headers


def _readings(candidate: Candidate, scheme: AnyScheme) -> Iterator[tuple[str, Key]]:
    """The key as the scheme reads it (no label), and read in the ways in which people get it wrong."""
    for label, text, form in _ways(candidate.text, scheme.key_form):
        try:
            key = read_key(text, scheme.algorithms, form)
        except KeyUnusable:
            continue
        yield label, key
        if not label and key.algorithm in HMACS:
            for algorithm in HMACS:
                if algorithm not in scheme.algorithms:
                    yield f"by {algorithm.value}", read_key(text, (algorithm,), form)


def _ways(text: str, usual: KeyForm) -> Iterable[tuple[str, str, KeyForm]]:
    yield "", text, usual
    yield "without the white space around it", text.strip(), usual
    yield "with a line break at its end", text + "\n", usual
    labels = {
        KeyForm.PLAIN: "used as plain text" + (", whsec_ included" if text.startswith("whsec_") else ""),
        KeyForm.BASE64: "decoded from base64",
        KeyForm.HEX: "decoded from hexadecimal",
        KeyForm.WHSEC: "with whsec_ taken off and the rest decoded from base64",
    }
    for form, label in labels.items():
        if form is not usual:
            yield label, text, form
    if text.startswith("whsec_"):
        yield "with whsec_ taken off and the rest used as plain text", text.removeprefix("whsec_"), KeyForm.PLAIN


def _allowing(scheme: AnyScheme, key: Key) -> AnyScheme:
    """The scheme with the key's algorithm, where it does not know it: written as its first one is."""
    if isinstance(scheme, HttpSignature) or key.algorithm in scheme.prefixes:
        return scheme
    return replace(scheme, prefixes={key.algorithm: next(iter(scheme.prefixes.values()))})


def _other_urls(url: URL) -> Iterator[str]:
    """What a proxy that ends TLS, or that adds a port, makes of a URL."""
    if url.host is None:
        return
    for scheme in ("https", "http"):
        yield str(url.with_scheme(scheme).with_port(None))
        yield str(url.with_scheme(scheme))

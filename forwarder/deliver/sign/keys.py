"""A key's text to something that signs and checks. Keeps no text; a `repr` shows no key."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from forwarder.deliver.sign.asymmetric import from_pem, from_raw
from forwarder.deliver.sign.scheme import HMACS, Algorithm, KeyForm, KeyUnusable
from forwarder.settings.secrets import fingerprint


class Key(Protocol):
    """One key. `kid` names it without showing it, the same on every machine."""

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def kid(self) -> str: ...

    def sign(self, parts: Iterable[bytes]) -> bytes:
        """The signature over all parts together. Raises KeyUnusable for a public key."""
        ...

    def made(self, parts: Iterable[bytes], signature: bytes) -> bool:
        """Whether this key made the signature; compared in constant time."""
        ...


@dataclass(frozen=True, slots=True)
class HmacKey:
    """HMAC (RFC 2104). Fed part by part: a body of megabytes is not copied."""

    algorithm: Algorithm
    kid: str
    material: bytes = field(repr=False)

    def sign(self, parts: Iterable[bytes]) -> bytes:
        digest = hmac.new(self.material, digestmod=HMACS[self.algorithm])
        for part in parts:
            digest.update(part)
        return digest.digest()

    def made(self, parts: Iterable[bytes], signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(parts), signature)


def read_key(text: str, algorithms: tuple[Algorithm, ...], form: KeyForm = KeyForm.PLAIN) -> Key:
    """The key in `text`, for one of `algorithms`. Raises KeyUnusable.

    `whsk_` and `whpk_` (Standard Webhooks) and PEM are Ed25519 or ECDSA keys where the scheme knows these; all else is HMAC.
    """
    if not text:
        raise KeyUnusable("the signature key is empty")
    asymmetric = [algorithm for algorithm in algorithms if algorithm not in HMACS]
    if asymmetric and text.startswith(("whsk_", "whpk_")):
        return _allowed(from_raw(text), asymmetric)
    if asymmetric and text.lstrip().startswith("-----BEGIN"):
        return _allowed(from_pem(text), asymmetric)
    secret = next((algorithm for algorithm in algorithms if algorithm in HMACS), None)
    if secret is None:
        names = " or ".join(algorithm.value for algorithm in asymmetric)
        raise KeyUnusable(f"the signature key is no {names} key: whsk_ and base64, or a PEM private key, is expected")
    return HmacKey(secret, fingerprint(text), _material(text, form))


def _allowed(key: Key, algorithms: list[Algorithm]) -> Key:
    if key.algorithm not in algorithms:
        names = " or ".join(algorithm.value for algorithm in algorithms)
        raise KeyUnusable(f"the signature key is for {key.algorithm.value}, and the scheme knows {names}")
    return key


def _material(text: str, form: KeyForm) -> bytes:
    """Raises KeyUnusable when the text is not in its form, or holds nothing."""
    key = decoded(text, form)
    if key is None:
        wanted = {KeyForm.WHSEC: "whsec_ and base64", KeyForm.HEX: "hexadecimal", KeyForm.BASE64: "base64"}[form]
        raise KeyUnusable(f"the signature key is not {wanted}")
    if not key:
        raise KeyUnusable("the signature key is empty")
    return key


def decoded(text: str, form: KeyForm) -> bytes | None:
    """The key's bytes; None when the text is not in this form. Padding of base64 is optional (as Standard Webhooks has it)."""
    try:
        match form:
            case KeyForm.PLAIN:
                return text.encode()
            case KeyForm.HEX:
                return bytes.fromhex(text)
            case KeyForm.BASE64 | KeyForm.WHSEC:
                bare = (text.removeprefix("whsec_") if form is KeyForm.WHSEC else text).rstrip("=")
                return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None

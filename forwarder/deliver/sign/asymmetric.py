"""Ed25519 and ECDSA P-256 keys, by the library `cryptography`. Keeps no text; a `repr` shows no key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from forwarder.deliver.sign.scheme import Algorithm, KeyUnusable

_SEED, _PAIR = 32, 64


@dataclass(frozen=True, slots=True)
class AsymmetricKey:
    """One key. `jwk` is its public half; `private` makes signatures, and is None for a key that only checks; `public` raises
    InvalidSignature."""

    algorithm: Algorithm
    jwk: Mapping[str, str] = field(repr=False)
    public: Callable[[bytes, bytes], object] = field(repr=False)
    private: Callable[[bytes], bytes] | None = field(default=None, repr=False)

    @property
    def kid(self) -> str:
        return thumbprint(self.jwk)

    def sign(self, parts: Iterable[bytes]) -> bytes:
        if self.private is None:
            raise KeyUnusable("the signature key is a public key: it can check signatures, and make none")
        return self.private(b"".join(parts))

    def made(self, parts: Iterable[bytes], signature: bytes) -> bool:
        try:
            self.public(signature, b"".join(parts))
        except InvalidSignature:
            return False
        return True


def _ed25519(public: ed25519.Ed25519PublicKey, private: ed25519.Ed25519PrivateKey | None = None) -> AsymmetricKey:
    """RFC 8032; as a JWK: RFC 8037, section 2."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    return AsymmetricKey(Algorithm.ED25519, jwk, public.verify, private.sign if private else None)


def _p256(public: ec.EllipticCurvePublicKey, private: ec.EllipticCurvePrivateKey | None = None) -> AsymmetricKey:
    """ECDSA over P-256 with SHA-256 (RFC 9421, section 3.3.4: r and s, 32 bytes each); as a JWK: RFC 7518, section 6.2.1."""
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    jwk = {"crv": "P-256", "kty": "EC", "x": _base64url(point[1:33]), "y": _base64url(point[33:])}
    hashed = ec.ECDSA(hashes.SHA256())

    def check(signature: bytes, content: bytes) -> None:
        if len(signature) != _PAIR:
            raise InvalidSignature
        halves = int.from_bytes(signature[:_SEED], "big"), int.from_bytes(signature[_SEED:], "big")
        public.verify(encode_dss_signature(*halves), content, hashed)

    def sign(content: bytes) -> bytes:
        assert private is not None
        r, s = decode_dss_signature(private.sign(content, hashed))
        return r.to_bytes(_SEED, "big") + s.to_bytes(_SEED, "big")

    return AsymmetricKey(Algorithm.ECDSA_P256, jwk, check, sign if private else None)


def from_raw(text: str) -> AsymmetricKey:
    """`whsk_` and base64 of seed and public key (64 bytes) or of the seed alone; `whpk_` and base64 of a public key.

    Standard Webhooks 1.0.0, "Signature scheme"; the 64 bytes are how Svix writes it. Raises KeyUnusable.
    """
    private = text.startswith("whsk_")
    try:
        raw = base64.b64decode(text[len("whsk_") :], validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnusable("what follows whsk_ or whpk_ in the signature key is not base64") from None
    if not private:
        if len(raw) != _SEED:
            raise KeyUnusable(f"the signature key has {len(raw)} bytes after whpk_; an Ed25519 public key has 32")
        return _ed25519(ed25519.Ed25519PublicKey.from_public_bytes(raw))
    if len(raw) not in (_SEED, _PAIR):
        raise KeyUnusable(
            f"the signature key has {len(raw)} bytes after whsk_; 64 (private and public) or 32 are expected"
        )
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(raw[:_SEED])
    if raw[_SEED:] and raw[_SEED:] != secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw):
        raise KeyUnusable("the two halves of the signature key do not belong together")
    return _ed25519(secret.public_key(), secret)


def from_pem(text: str) -> AsymmetricKey:
    """A private key (PKCS#8, or SEC 1 for P-256) without a password, or a public key. Raises KeyUnusable."""
    try:
        secret = load_pem_private_key(text.encode(), None) if "PRIVATE KEY" in text else None
        public = secret.public_key() if secret else load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable("the signature key is no PEM key without a password") from None
    if isinstance(public, ed25519.Ed25519PublicKey):
        return _ed25519(public, secret if isinstance(secret, ed25519.Ed25519PrivateKey) else None)
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return _p256(public, secret if isinstance(secret, ec.EllipticCurvePrivateKey) else None)
    raise KeyUnusable("the signature key is neither an Ed25519 nor a P-256 key")


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638, section 3: of the required members alone, with SHA-256, in base64url."""
    canonical = json.dumps(dict(sorted(jwk.items())), separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")

"""The signed assertion of RFC 7523: a JWT (RFC 7519) in compact form (RFC 7515). Keeps no key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from forwarder.settings.secrets import SecretUnavailable

_LEAST_RSA_BITS = 2048
_P256_BYTES = 32

Signing = tuple[str, Callable[[bytes], bytes]]
"""The name of the algorithm (RFC 7518, RFC 8037) and what signs by it."""


def signing(pem: str) -> Signing:
    """How a private key signs: RS256, ES256 or EdDSA. Raises SecretUnavailable, without the key, for any other."""
    try:
        key = load_pem_private_key(pem.encode("utf-8", "replace"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SecretUnavailable("privateKey is not a private key in PEM without a password") from None
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= _LEAST_RSA_BITS:
            return "RS256", lambda data: key.sign(data, padding.PKCS1v15(), SHA256())
        case rsa.RSAPrivateKey():
            raise SecretUnavailable("privateKey is an RSA key of less than 2048 bits (RFC 7518, section 3.3)")
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return "ES256", lambda data: _fixed(key.sign(data, ec.ECDSA(SHA256())))
        case ed25519.Ed25519PrivateKey():
            return "EdDSA", key.sign
    raise SecretUnavailable("privateKey is neither RSA, P-256 nor Ed25519")


def assertion(pem: str, claims: Mapping[str, str | int], key_id: str) -> str:
    """The claims, signed. Raises SecretUnavailable."""
    algorithm, sign = signing(pem)
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key_id} if key_id else {})}
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{_base64url(sign(signed.encode('ascii')))}"


def _fixed(der: bytes) -> bytes:
    """Both numbers of the signature in 32 bytes each (RFC 7518, section 3.4)."""
    return b"".join(number.to_bytes(_P256_BYTES, "big") for number in decode_dss_signature(der))


def _part(values: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(values, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

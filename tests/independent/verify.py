"""PyPI's verifiers over requests that Forwarder sent: each has to hold, and be refused with a changed body. Imports nothing of ours.

`python verify.py FILE`, in an environment with requirements.txt; one line a verifier, exit 1 where one is not satisfied.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import http_message_signatures as rfc9421
import slack_sdk.signature
import standardwebhooks
import stripe
import svix.webhooks
from http_message_signatures import algorithms

Case = dict[str, Any]
Check = Callable[[Case, str, bytes], None]
"""Raises when the signature does not hold for this key and body."""


def standard_webhooks(case: Case, key: str, body: bytes) -> None:
    standardwebhooks.Webhook(key).verify(body.decode(), case["headers"])


def svix_webhook(case: Case, key: str, body: bytes) -> None:
    svix.webhooks.Webhook(key).verify(body.decode(), case["headers"])


def stripe_webhook(case: Case, key: str, body: bytes) -> None:
    stripe.WebhookSignature.verify_header(body.decode(), case["headers"]["stripe-signature"], key, 300)


def slack(case: Case, key: str, body: bytes) -> None:
    assert slack_sdk.signature.SignatureVerifier(key).is_valid_request(body, case["headers"])


def sift(case: Case, key: str, body: bytes) -> None:
    """As sift.com tells its users to, in "How to use webhook notifications"."""
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(f"sha256={digest}", case["headers"]["x-sift-science-signature"])


def http_signature(case: Case, key: str, body: bytes) -> None:
    algorithm = algorithms.HMAC_SHA256
    if key.startswith("-----BEGIN"):
        algorithm = algorithms.ED25519 if len(key) < 150 else algorithms.ECDSA_P256_SHA256

    class Keys(rfc9421.HTTPSignatureKeyResolver):  # type: ignore[misc]
        def resolve_public_key(self, key_id: str) -> bytes:
            return key.encode()

        resolve_private_key = resolve_public_key

    message = SimpleNamespace(method=case["method"], url=case["url"], headers=case["headers"])
    verifier = rfc9421.HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Keys())
    verifier.verify(
        _one_label(message, case, key), max_age=timedelta(minutes=5), body=body, require_components=("content-digest",)
    )


def _one_label(message: Any, case: Case, key: str) -> Any:
    """This library wants every signature to be of one key; ours has one label a key."""
    label = f"sig{case['keys'].index(key) + 1}"
    headers = dict(case["headers"])
    for name in ("signature", "signature-input"):
        parts = [part for part in headers[name].replace(", sig", "\nsig").split("\n") if part.startswith(label + "=")]
        headers[name] = parts[0]
    message.headers = headers
    return message


VERIFIERS: list[tuple[str, str, Check, Callable[[Case, str], bool]]] = [
    (
        "standardwebhooks",
        "standard-webhooks",
        standard_webhooks,
        lambda case, key: _text(case) and key.startswith("whsec_"),
    ),
    ("svix", "standard-webhooks", svix_webhook, lambda case, key: _text(case) and key.startswith("whsec_")),
    ("stripe", "stripe", stripe_webhook, lambda case, key: _text(case)),
    ("slack_sdk", "slack", slack, lambda case, key: _text(case)),
    ("hashlib", "sift", sift, lambda case, key: True),
    ("http-message-signatures", "rfc9421", http_signature, lambda case, key: True),
]
"""Package, scheme, check, and the cases that it can be asked about: most want text, which a compressed body is not."""


def _text(case: Case) -> bool:
    return bool(case["compression"] == "none")


def _refused(check: Check, case: Case, key: str, body: bytes) -> bool:
    try:
        check(case, key, body)
    except Exception:
        return True
    return False


def main(path: Path) -> int:
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    failed = 0
    for package, scheme, check, takes in VERIFIERS:
        held = refused = 0
        for case in (case for case in cases if case["scheme"] == scheme):
            body = base64.b64decode(case["body"])
            for key in (key for key in case["keys"] if takes(case, key)):
                check(case, key, body)
                held += 1
                refused += all(_refused(check, case, key, other) for other in (body + b" ", body[:-1], b"", b"{}"))
        ok = held > 0 and refused == held
        failed += not ok
        number = version(package) if package != "hashlib" else sys.version.split()[0]
        print(
            f"python {package} {number}, {scheme}: {held} hold, {refused} refused with a changed body{'' if ok else '  FAILED'}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

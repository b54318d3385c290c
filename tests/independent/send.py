"""Sends signed requests over a socket, as the service does, and writes down what arrived: one JSON line a case, for verifiers that
know nothing of Forwarder. `python -m tests.independent.send FILE`. The keys in it were made for this and sign nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forwarder.cli.captures import Captured, read_captures
from forwarder.cli.receiver import Receiver
from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender, Unsendable
from forwarder.deliver.sign.jwks import document
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.settings.process import Egress
from tests.unit.deliver.make import batch, event, secret, webhook

EVENTS: dict[str, list[Event]] = {
    "one event": [event(b'{"user": "anna", "n": 1.50}')],
    "text in many languages": [
        event('{"text": "é 日本 \U0001f600 <&> \\/ \\u2028"}'.encode()),
        event(b'{"quotes": "\\""}', 1),
    ],
    "a thousand events": [event(b'{"n":%d}' % n, n) for n in range(1000)],
}


def whsec(byte: bytes) -> str:
    return "whsec_" + base64.b64encode(byte * 32).decode()


def _pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _raw(key: ed25519.Ed25519PrivateKey) -> tuple[str, str]:
    """As Standard Webhooks writes them."""
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return "whsk_" + base64.b64encode(seed + public).decode(), "whpk_" + base64.b64encode(public).decode()


def schemes() -> Iterator[tuple[str, list[tuple[str, str]], dict[str, Any]]]:
    """Name, (key that signs, key that checks) newest first, and further settings."""
    plain = [("new-signing-secret", "new-signing-secret"), ("old-signing-secret", "old-signing-secret")]
    shared = [(whsec(b"n"), whsec(b"n")), (whsec(b"o"), whsec(b"o"))]
    for name in ("stalwart", "github", "slack", "sift", "sift-stack"):
        yield name, plain[:1], {}
    yield "stripe", [(whsec(b"n"), whsec(b"n")), plain[1]], {}
    yield "standard-webhooks", shared, {}
    yield "standard-webhooks", [_raw(ed25519.Ed25519PrivateKey.generate()), shared[0]], {}
    yield "rfc9421", plain, {"nonce": True, "tag": "siem", "expires": "5m"}
    yield (
        "rfc9421",
        [_pem(ed25519.Ed25519PrivateKey.generate())],
        {"components": ["@method", "@authority", "@path", "@query", "content-digest"]},
    )
    yield "rfc9421", [_pem(ec.generate_private_key(ec.SECP256R1()))], {}


async def main(out: Path) -> None:
    client = Client(Egress(allow=("127.0.0.0/8",)), SystemClock())
    with out.open("w") as lines:
        for scheme, keys, more in schemes():
            for compression in ("none", "gzip"):
                for name, events in EVENTS.items():
                    found, jwks = await _sent(client, scheme, keys, more, compression, events)
                    case = _case(f"{scheme}, {name}, {compression}", scheme, keys, found)
                    lines.write(json.dumps(case | {"compression": compression, "jwks": jwks}) + "\n")
    await client.close()


async def _sent(
    client: Client,
    scheme: str,
    keys: list[tuple[str, str]],
    more: dict[str, Any],
    compression: str,
    events: list[Event],
) -> tuple[Captured, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        async with Receiver(capture=Path(folder) / "requests.jsonl") as receiver:
            hook = webhook(
                url=f"http://127.0.0.1:{receiver.port}/in?k=v%20w", allowPlainHttp=True, compression=compression,
                signature={"scheme": scheme, "keys": [secret(private) for private, _ in keys], **more},
            )  # fmt: skip
            sender = Sender(hook, client, "prod", SystemClock())
            prepared = sender.prepare(batch(*events))
            assert not isinstance(prepared, Unsendable)
            attempt = await sender.attempt(prepared, 1, {})
            assert isinstance(attempt.result, Response) and attempt.result.status == 200, attempt
        [found] = read_captures((Path(folder) / "requests.jsonl").read_bytes())
        return found, document([hook], SystemClock().wall())


def _case(name: str, scheme: str, keys: list[tuple[str, str]], found: Captured) -> dict[str, Any]:
    return {
        "name": name,
        "scheme": scheme,
        "keys": [public for _, public in keys],
        "method": found.method,
        "url": found.url,
        "headers": dict(found.headers),
        "body": base64.b64encode(found.body).decode(),
    }


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

"""What the tests of signature schemes share: keys, all schemes by name, signing and judging at a fixed time."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Scheme
from forwarder.deliver.sign.schemes import SCHEMES, scheme_of
from forwarder.deliver.sign.verify import Result, verify
from forwarder.settings.signature import Signature

NOW = 1_700_000_000.75
URL = "https://siem.example/hook?k=v"
OLD, NEW = "whsec_" + base64.b64encode(b"o" * 24).decode(), "whsec_" + base64.b64encode(b"n" * 24).decode()
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
BODY = '[{"a":"é"}]'.encode()


def custom(**settings: Any) -> Scheme:
    made = scheme_of(Signature.model_validate({"scheme": "custom", "header": "X-Own", **settings}))
    assert isinstance(made, Scheme)
    return made


ALL: dict[str, Any] = {
    **SCHEMES,
    "rfc9421 with everything": scheme_of(
        Signature(
            scheme="rfc9421",
            components=("@method", "@authority", "@path", "@query", "content-digest", "content-type", "content-length"),
            expires=60.0,
            nonce=True,
            tag="siem",
        )
    ),
    "custom in milliseconds": custom(
        content="{id}|{timestamp}|{sentAt}|{url}|{body}",
        value="ts={timestamp};{signature}",
        separator=" ",
        timestampUnit="ms",
        idHeader="X-Id",
        sentAtHeader="X-Sent-At",
        algorithm="hmac-sha512",
        encoding="base64url",
    ),
    "custom with a date": custom(
        content="{method} {path}\n{timestamp}\n{body}",
        timestampHeader="X-At",
        timestampUnit="rfc3339",
        keyEncoding="whsec",
    ),
    "sift with SHA-1": scheme_of(Signature(scheme="sift", algorithm="hmac-sha1")),
}
EVERY = pytest.mark.parametrize("scheme", ALL.values(), ids=ALL)
SHAPED = pytest.mark.parametrize(
    "scheme",
    [s for s in ALL.values() if isinstance(s, Scheme)],
    ids=[n for n, s in ALL.items() if isinstance(s, Scheme)],
)


def signed(scheme: Any, *keys: str, body: bytes = BODY, now: float = NOW, batch_id: str = "fb_abc") -> dict[str, str]:
    read = [read_key(key, scheme.algorithms, scheme.key_form) for key in keys]
    seen = {"content-type": "application/json", "forwarder-batch-id": batch_id}
    message = Message(batch_id, "", body, "2026-01-31T12:00:00.000Z", "POST", URL, seen)
    made = sign(scheme, [(key.kid, key) for key in read], message, now)
    return {"Content-Type": "application/json", "Forwarder-Batch-Id": batch_id, **dict(made)}


def judged(scheme: Any, keys: list[str], headers: dict[str, str], body: bytes = BODY, now: float = NOW) -> Result:
    return verify(scheme, keys, headers, body, now, url=URL)


def written(scheme: Any) -> set[str]:
    """The headers that this scheme writes."""
    return set(signed(scheme, NEW)) - {"Content-Type", "Forwarder-Batch-Id"}

"""What docs/signatures.md says is so: its configurations load, its strings and its example headers are the real ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from forwarder.configuration import load_checked
from forwarder.deliver.sign.components import signature_base
from forwarder.deliver.sign.diagnose import Cause
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Scheme
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.signer import Signer
from forwarder.deliver.sign.structured import InnerList, parse_dictionary
from tests.unit.deliver.make import secret, webhook

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "signatures.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z-]+)` \| (`\{?.*)\|$", PAGE, re.MULTILINE))
SHARED = "whsec_c2lnbmluZy1rZXktb2YtMzItYnl0ZXMtZXhhY3RseSE="
NOW = 1767225600.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def example(scheme: str) -> tuple[Message, list[tuple[str, str]]]:
    key = SHARED if scheme == "standard-webhooks" else "signing-key"
    signer = Signer(webhook(signature={"scheme": scheme, "keys": [{"key": secret(key), "id": "2026-01"}]}))
    seen = {"content-type": "application/json", "forwarder-batch-id": "fb_example"}
    message = Message("fb_example", "", b'{"a":1}', url="https://siem.example/hook", headers=seen)
    return message, signer.headers(message, NOW)


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if isinstance(scheme, Scheme)])
def test_the_table_has_the_string_and_the_headers_of_every_scheme(name: str) -> None:
    scheme: Any = SCHEMES[name]
    content = "".join(part if isinstance(part, str) else f"{{{part.value}}}" for part in scheme.content)
    assert ROWS[name].startswith(f"`{content}` ")
    assert "<br>".join(f"`{header}: {value}`" for header, value in example(name)[1]) in ROWS[name]


def test_the_example_of_rfc9421_is_what_is_written_and_signed() -> None:
    message, headers = example("rfc9421")
    [shown] = blocks("http")
    assert shown.splitlines() == [f"{name}: {value}" for name, value in headers]
    told = dict(headers)
    covered = parse_dictionary(told["Signature-Input"])["sig1"]
    assert isinstance(covered, InnerList)
    covers = Message(
        "", "", b"", url=message.url, headers={**message.headers, "content-digest": told["Content-Digest"]}
    )
    [base] = blocks("text")
    assert base.removesuffix("\n").encode() == signature_base(covers, covered)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_configuration_shown_loads(text: str, tmp_path: Path) -> None:
    private = tmp_path / "key"
    private.write_text(SHARED)
    path = tmp_path / "forwarder.yaml"
    path.write_text(re.sub(r"/run/secrets/[a-z0-9-]+", str(private), text))
    environ = {"SIEM_KEY": SHARED, "SIFT_KEY": "c2lmdA==", "OWN_KEY": "own"}
    assert load_checked(path, environ).settings.webhooks[0].signing_keys


def test_the_table_of_causes_is_complete() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) - set(SCHEMES)
    assert listed == {cause.value for cause in Cause} - {"ok"}


def test_the_way_to_make_a_key_pair_makes_one_that_signs() -> None:
    [script] = re.findall(r"python - <<'PY'\n(.*?)PY\n", PAGE, re.DOTALL)
    printed: list[str] = []
    exec(script, {"print": printed.append})
    private, public = printed
    key = {"key": secret(private), "id": "2026-01"}
    headers = Signer(webhook(signature={"scheme": "standard-webhooks", "keys": [key]})).headers(
        example("stripe")[0], NOW
    )
    assert dict(headers)["Webhook-Signature"].startswith("v1a,") and public.startswith("whpk_")

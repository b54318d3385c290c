"""What is checked of signatures at load: each line is a mistake and what is said about it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from forwarder.configuration import load_checked
from forwarder.errors import ConfigurationError
from forwarder.settings.checks.signing import expiring
from forwarder.settings.process import Settings
from forwarder.settings.signature import SigningKey, seconds

from .place import Place

PRIVATE = "whsk_" + base64.b64encode(b"hunter2-hunter2-hunter2-hunter2!").decode()
KEY = '{"@type": Value, secret: hunter2}'
CUSTOM = f"signatureKey: {KEY}\nsignature: {{scheme: custom, header: X-Own, %s}}"
HTTP = f"signatureKey: {KEY}\nsignature: {{scheme: rfc9421, %s}}"


def keys(*written: str) -> str:
    return f"signature: {{scheme: stripe, keys: [{', '.join(written)}]}}"


ERRORS = [
    (
        keys(f"{{key: {KEY}, notBefore: soon}}"),
        "signature.keys[0].notBefore: a time is expected, such as 2026-01-31T12:00:00Z",
    ),
    (keys(f"{{key: {KEY}, notAfter: 2026-01-31}}"), "signature.keys[0].notAfter: a time is expected"),
    (keys(f"{{key: {KEY}, notAfter: 2026-13-31T00:00:00Z}}"), "signature.keys[0].notAfter: a time is expected"),
    (
        keys(f"{{key: {KEY}, notBefore: 2026-02-01T00:00:00Z, notAfter: 2026-02-01T01:00:00+01:00}}"),
        "signature.keys[0].notAfter: must be later than notBefore",
    ),
    (
        keys(f"{{key: {KEY}, id: a}}", f"{{key: {KEY}, id: a}}"),
        "signature.keys[0].id: another key of this webhook has the same",
    ),
    (keys(f"{{key: {KEY}, id: 'a b'}}"), "signature.keys[0].id: must match the pattern"),
    (keys(f"{{key: {KEY}, notafter: x}}"), "signature.keys[0].notafter: unknown key (did you mean `notAfter`?)"),
    (keys("{id: a}"), "signature.keys[0].key: is missing, and required"),
    (keys("abc"), 'signature.keys[0]: a mapping of keys is expected, such as {"@type": Value'),
    (keys("{key: {'@type': EnvironmentVariable, variableName: UNSET}}"), "environment variable UNSET is not set"),
    (keys('{"@type": Valu, secret: hunter2}'), "\"@type\" is 'Valu'; it must be one of"),
    (
        f"signatureKey: {KEY}\nsignature: {{scheme: github, content: x}}",
        "signature.content: is for the schemes custom, sift",
    ),
    (f"signatureKey: {KEY}\nsignature: {{tag: x}}", "signature.tag: is for the schemes rfc9421"),
    (f"signatureKey: {KEY}\nsignature: {{scheme: custom}}", "signature.header: is missing"),
    (
        f"signatureKey: {KEY}\nsignature: {{scheme: custom, header: Host}}",
        "signature.header: this header belongs to the",
    ),
    (
        f"signatureKey: {KEY}\nsignature: {{scheme: custom, header: 'A b'}}",
        "signature.header: this header is no header name",
    ),
    (CUSTOM % "idHeader: x-own", "signature.idHeader: is written twice"),
    (CUSTOM % "idHeader: Forwarder-Batch-Id", "signature.idHeader: this header has a meaning of its own"),
    (CUSTOM % "" + "\nhttpHeaders: {x-own: a}", "signature.header: httpHeaders sets this header too"),
    (
        CUSTOM % "content: '{bdy}'",
        "signature.content: {bdy} is no variable here; known: {id} {timestamp} {sentAt} {body}",
    ),
    (CUSTOM % "content: '{timestamp}.{body}'", "signature.content: {timestamp} is signed, and no header tells it"),
    (CUSTOM % "value: v1", "signature.value: must hold {signature} once"),
    (CUSTOM % "keyEncoding: hex", "signatureKey: the signature key is not hexadecimal"),
    (CUSTOM % "algorithm: ed25519", "signatureKey: the signature key is no ed25519 key"),
    (HTTP % "components: ['@method', '@method', content-digest]", "signature.components[1]: is listed twice"),
    (HTTP % "components: ['@status', content-digest]", "signature.components[0]: is no component that is known here"),
    (
        HTTP % "components: [Content-Type, content-digest]",
        "signature.components[0]: header names are written in lower case",
    ),
    (HTTP % "components: [x-mine, content-digest]", "signature.components[0]: this header is not in every request"),
    (HTTP % "components: ['@method']", "signature.components: must hold content-digest"),
    (CUSTOM % 'value: "{signature}\\r\\nX-Other: 1"', "signature.value: holds a line break or another control"),
    (CUSTOM % 'separator: "\\n"', "signature.separator: holds a line break or another control"),
    (HTTP % "algorithm: ecdsa-p256-sha256", "signatureKey: the signature key is no ecdsa-p256-sha256 key"),
    (
        'signature: {scheme: standard-webhooks}\nsignatureKey: {"@type": Value, secret: whsk_hunter2}',
        "signatureKey: what follows whsk_ or whpk_ in the signature key is not base64",
    ),
    (
        f'signature: {{scheme: standard-webhooks}}\nsignatureKey: {{"@type": Value, secret: {"whpk_" + "QUFB" * 8}}}',
        "signatureKey: a standard-webhooks key starts with",
    ),
]


@pytest.mark.parametrize(("text", "said"), ERRORS)
def test_a_mistake_is_named_in_its_place_and_no_key_is_shown(place: Place, text: str, said: str) -> None:
    problems = problems_of(place, text)
    assert any(said in problem for problem in problems), problems
    assert "hunter2" not in "\n".join(problems)


def problems_of(place: Place, text: str) -> list[str]:
    """As the service and the command line load it."""
    with pytest.raises(ConfigurationError) as caught:
        load_checked(place.write(place.hook(text)), {})
    return list(caught.value.problems)


GOOD = [
    keys(f"{{key: {KEY}, id: a, notBefore: 2026-01-01T00:00:00Z}}", KEY, '{"@type": None}'),
    CUSTOM % "content: '{timestamp}.{body}', value: 't={timestamp},v1={signature}', separator: ',v1='",
    HTTP % "components: ['@authority', content-digest, x-mine]" + "\nhttpHeaders: {X-Mine: a}",
    HTTP % "components: [content-encoding, content-digest]" + "\ncompression: gzip",
    f'signature: {{scheme: standard-webhooks, keys: [{{"@type": Value, secret: "{PRIVATE}"}}]}}',
    f'signature: {{scheme: rfc9421, keys: [{{key: {{"@type": Value, secret: "{PRIVATE}"}}, id: k}}]}}',
    f"signatureKey: {KEY}\nsignature: {{scheme: sift, algorithm: hmac-sha1}}",
    f"signatureKey: {KEY}\nsignature: {{scheme: sift-stack, content: '{{sentAt}}.{{body}}', encoding: base64}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be_signed_with_is_accepted(place: Place, text: str) -> None:
    assert load_checked(place.write(place.hook(text)), {}).warnings == ()


def test_a_signature_that_leaves_the_body_out_is_warned_of(place: Place) -> None:
    [warning] = load_checked(place.write(place.hook(CUSTOM % "content: '{sentAt}', sentAtHeader: X-At")), {}).warnings
    assert "{body} is not signed: anybody on the way can change the events unnoticed" in warning


END = "2026-03-15T00:00:00Z"
DAY = 86_400.0


def settings(**key: Any) -> Settings:
    given = {"key": {"@type": "Value", "secret": "hunter2"}, **key}
    hook = {"name": "siem", "url": "https://h/", "signature": {"scheme": "stripe", "keys": [given]}}
    return Settings.model_validate({"sources": [{"topic": "t"}], "webhooks": [hook]})


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (15, []),
        (13.9, ["this key expires at 2026-03-15T00:00:00Z, within 14 days"]),
        (0.1, ["this key expires at"]),
        (0, ["no key is valid now: nothing is sent"]),
        (-9, ["no key is valid now"]),
    ],
)
def test_a_key_that_ends_soon_is_warned_of_with_its_time(days: float, said: list[str]) -> None:
    found = list(expiring(settings(notAfter=END), seconds(END) - days * DAY))
    assert [finding.text.startswith(text) for finding, text in zip(found, said, strict=True)] == [True] * len(said)


def test_a_key_that_has_not_begun_is_warned_of_where_it_is_the_only_one(place: Place, tmp_path: Path) -> None:
    [finding] = expiring(settings(notBefore=END), seconds(END) - 1)
    assert "no key is valid now" in finding.text
    [warning] = load_checked(
        place.write(place.hook(keys(f"{{key: {KEY}, notAfter: 2000-01-01T00:00:00Z}}"))), {}
    ).warnings
    assert "signature.keys: no key is valid now" in warning


def test_a_webhook_that_signs_nothing_is_warned_of_nothing() -> None:
    bare = Settings.model_validate({"sources": [{"topic": "t"}], "webhooks": [{"name": "siem", "url": "https://h/"}]})
    assert list(expiring(bare, 0.0)) == []


def test_times_are_read_with_their_zone() -> None:
    key = SigningKey.model_validate({"key": {"@type": "None"}, "notAfter": " 2026-01-01t01:00:00+01:00 "})
    assert key.not_after is not None and seconds(key.not_after) == 1767225600.0

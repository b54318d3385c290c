"""Other products' documents load as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from forwarder.settings.auth import Basic, Bearer, Unauthenticated
from forwarder.settings.load import load
from forwarder.settings.webhook import Webhook

from .place import SOURCES, Place

SAMPLES = Path(__file__).parent / "samples"


def samples(place: Place, name: str) -> dict[str, Webhook]:
    (place.folder / "hooks").mkdir()
    (place.folder / "hooks" / name).symlink_to(SAMPLES / name)
    loaded = load(place.write(SOURCES + "webhooksDir: hooks\n"), {})
    return {hook.name: hook for hook in loaded.settings.webhooks}


def test_stalwarts_webhook_loads_as_its_manual_prints_it(place: Place) -> None:
    hook = samples(place, "stalwart.json")["stalwart-sample"]
    assert hook == Webhook(name="stalwart-sample", url="https://example.com", level=1)
    assert isinstance(hook.http_auth, Unauthenticated)


def test_stalwarts_webhook_loads_with_every_field_used(place: Place) -> None:
    hook = samples(place, "stalwart-full.json")["stalwart-full"]
    assert hook.events == ("auth.success", "auth.failed")
    assert (hook.events_policy, hook.level, hook.lossy, hook.throttle, hook.discard_after) == (
        "include",
        3,
        True,
        0.5,
        3600.0,
    )
    assert hook.signature_key.read() == "stalwart-signing-key"
    assert isinstance(hook.http_auth, Basic)
    assert (hook.http_auth.username, hook.http_auth.secret.read()) == ("mail", "stalwart-password")


def test_the_stalwart_dialect_adds_stalwarts_behaviour_and_nothing_that_is_said(place: Place) -> None:
    plain = place.load(place.hook("dialect: stalwart\nid: abc\ndescription: x")).settings.webhooks[0]
    assert (plain.payload.format, plain.strict_throttle, plain.level) == ("stalwart", True, 1)
    said = place.load(
        place.hook("dialect: stalwart\nlevel: error\nstrictThrottle: false\npayload: {format: json}")
    ).settings.webhooks[0]
    assert (said.payload.format, said.strict_throttle, said.level) == ("json", False, 4)


def test_sysdigs_basic_auth_is_user_and_password(place: Place) -> None:
    hook = samples(place, "sysdig.yaml")["sysdig-basic"]
    assert isinstance(hook.http_auth, Basic)
    assert (hook.http_auth.username, hook.http_auth.secret.read()) == ("agent", "sysdig:password")
    assert (hook.url, hook.allow_invalid_certs) == ("https://siem.example.com:8443/in", True)
    assert hook.http_headers == {"X-Origin": "agent", "X-Zone": "eu"}
    assert (hook.payload.format, hook.payload.timestamp_format) == ("ndjson", "seconds")


def test_sysdigs_other_auths_say_what_the_secret_is(place: Place) -> None:
    hooks = samples(place, "sysdig.yaml")
    bearer, signed, free = hooks["sysdig-bearer"], hooks["sysdig-signature"], hooks["sysdig-open"]
    assert isinstance(bearer.http_auth, Bearer) and bearer.http_auth.bearer_token.read() == "sysdig-token"
    assert isinstance(signed.http_auth, Unauthenticated) and signed.signature_key.read() == "sysdig-signing-key"
    assert (signed.payload.format, signed.payload.timestamp_format, signed.throttle) == ("json", "nanoseconds", 5.0)
    assert free == Webhook(name="sysdig-open", url="https://siem.example.com/in")


def test_a_sysdig_secret_may_be_a_tagged_secret(place: Place) -> None:
    text = (
        'sources: [{topic: t}]\nwebhooks: [{name: a, dialect: sysdig, endpoint: "https://a.example", auth: SIGNATURE,'
    )
    hook = place.load(
        text + ' secret: {"@type": EnvironmentVariable, variableName: K}}]', {"K": "key"}
    ).settings.webhooks[0]
    assert hook.signature_key.read({"K": "key"}) == "key"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            "auth: BASIC",
            "auth: must be one of BASIC_AUTH, BEARER_TOKEN, SIGNATURE and say what `secret` is (did you mean `BASIC_AUTH`?)",
        ),
        ("secret: x", "auth: must be one of BASIC_AUTH"),
        ("auth: BEARER_TOKEN", "secret: is missing, and required by auth: BEARER_TOKEN"),
        ("auth: BASIC_AUTH\nsecret: hunter2", "secret: BASIC_AUTH needs it as text, `user:password`"),
        ("auth: CERTIFICATE", "auth: CERTIFICATE is not translated; use tls.clientCertificate"),
        ("headers: {a: b}", "headers: a list of {key: ..., value: ...} is expected"),
        ("headers: [{key: a, value: b}, {key: a, value: c}]", "headers: the header 'a' is here twice"),
        ("output: xml", "payload.format: no payload format is called 'xml'; known: "),
        ("timestampFormat: days", "payload.timestampFormat: must be one of seconds"),
        ("endpont: x", "endpont: unknown key (did you mean `endpoint`?)"),
        (
            "dialect: sysdg",
            "dialect: must be one of stalwart, sysdig, connectsecure, sourcedefense, sift (did you mean `sysdig`?) ('sysdg')",
        ),
    ],
)
def test_a_mistake_in_a_dialect_keeps_its_place(place: Place, fields: str, said: str) -> None:
    dialect = "" if "dialect" in fields else "dialect: sysdig\n"
    problems = place.problems(place.hook(dialect + fields).replace("url:", "endpoint:"))
    found = [problem for problem in problems if f"webhooks[siem].{said}" in problem]
    assert found and found[0].startswith("forwarder.yaml:"), problems
    assert all("hunter2" not in problem for problem in problems)

"""ConnectSecure's, Source Defense's and Sift's documents load as they stand, and a mistake in one keeps its place."""

from __future__ import annotations

from typing import Any

import pytest

from forwarder.configuration import load_checked
from forwarder.errors import ConfigurationError
from forwarder.settings.auth import Basic, HeaderAuth, Login, Unauthenticated
from forwarder.settings.load import Loaded, load
from forwarder.settings.webhook import Webhook

from .place import SOURCES, Place
from .test_dialects import SAMPLES

TREE = 'tenants: {acme: {companies: ["1234"]}, globex: {companies: [Globex Inc]}}\n'
TEMPLATES = 'templates: {mine: {body: \'{"text": "{{ .RuleName }}"}\', syntax: go}}\n'


def loaded(place: Place, name: str, rest: str = "") -> Loaded:
    (place.folder / "hooks").mkdir()
    (place.folder / "hooks" / name).symlink_to(SAMPLES / name)
    return load(place.write(SOURCES + rest + "webhooksDir: hooks\n"), {"CS_PASSWORD": "from-environment"})


def by_name(found: Loaded) -> dict[str, Webhook]:
    return {hook.name: hook for hook in found.settings.webhooks}


def header(value: Any) -> str | None:
    return value if isinstance(value, str) else value.read({})


def test_connectsecures_login_goes_to_the_authentication_url_and_its_header_into_every_request(place: Place) -> None:
    hook = by_name(loaded(place, "connectsecure.yaml", TREE))["cs-login"]
    assert isinstance(hook.http_auth, Login)
    assert (hook.http_auth.url, hook.http_auth.username) == ("https://psa.example.com/login", "forwarder")
    assert hook.http_auth.secret.read() == "cs-password"
    assert {name: header(value) for name, value in hook.http_headers.items()} == {"X-API-Key": "cs-header"}
    assert (hook.url, hook.payload.format, hook.tenants) == (
        "https://psa.example.com/hooks/cs", "connectsecure", ("1234", "Globex Inc"),
    )  # fmt: skip


def test_connectsecures_user_and_password_without_an_authentication_url_are_basic(place: Place) -> None:
    auth = by_name(loaded(place, "connectsecure.yaml", TREE))["cs-basic"].http_auth
    assert isinstance(auth, Basic)
    assert (auth.username, auth.secret.read({"CS_PASSWORD": "x"})) == ("forwarder", "x")


def test_connectsecures_header_alone_is_the_authentication_and_native_keys_stand_beside_it(place: Place) -> None:
    hook = by_name(loaded(place, "connectsecure.yaml", TREE))["cs-header"]
    assert isinstance(hook.http_auth, HeaderAuth)
    assert (hook.http_auth.name, hook.http_auth.value.read()) == ("Authorization", "Token abc")
    assert (hook.tenants, hook.event_sets, hook.events_policy) == ((), ("connectsecure.problems",), "include")


def test_source_defenses_splunk_is_a_token_and_the_chosen_boxes_are_event_sets(place: Place) -> None:
    found = loaded(place, "sourcedefense.json", "tenants: {acme: {children: [acme-eu]}}\n")
    hook = by_name(found)["sd-splunk"]
    assert (hook.url, hook.enable, hook.include_children, hook.tenants) == (
        "https://hec.example.com:8088/services/collector/event", True, True, ("acme",),
    )  # fmt: skip
    assert hook.payload.format == "splunk" and hook.payload.options["token"].read() == "hec-token"
    assert hook.events_policy == "include" and hook.events == ("site.custom",)
    assert hook.event_sets == tuple(
        f"sourcedefense.{name}" for name in ("new-scripts", "new-pci-header-changes", "unknown-domains")
    )
    assert found.settings.event_sets["sourcedefense.new-scripts"].events == ("site_script.new_script",)
    assert found.warnings == ()


def test_source_defenses_custom_provider_has_headers_and_one_event_per_request(place: Place) -> None:
    hook = by_name(loaded(place, "sourcedefense.json", "tenants: {acme: {children: [acme-eu]}}\n"))["sd-custom"]
    assert (hook.enable, hook.include_children, hook.events, hook.events_policy) == (False, False, (), "exclude")
    assert hook.http_headers == {"X-Tenant": "acme", "Authorization": "Bearer sd-token"}
    assert isinstance(hook.http_auth, Unauthenticated)
    assert hook.payload.options["batch"] == "one"


def test_sifts_body_is_a_go_template_with_its_signature_and_its_limit(place: Place) -> None:
    hook = by_name(loaded(place, "sift.json", TEMPLATES))["sift-body"]
    assert hook.payload.format == "template" and hook.payload.options["syntax"] == "go"
    assert hook.payload.options["body"].startswith('{"text": "{{.RuleName}}')
    assert hook.payload.options["contentType"] == "application/json"
    assert hook.http_headers == {"X-Env": "prod"} and hook.max_events == 1
    assert hook.signature is not None and hook.signature.scheme == "sift-stack"
    assert hook.signature_key.read() == "sift-key"
    assert hook.rate_limit is not None
    assert (hook.rate_limit.per_second, hook.rate_limit.burst, hook.rate_limit.on_limit) == (2.0, 100, "fail")


def test_sifts_plain_text_is_sent_as_text(place: Place) -> None:
    hook = by_name(loaded(place, "sift.json", TEMPLATES))["sift-text"]
    assert hook.payload.options["contentType"] == "text/plain; charset=utf-8"
    assert (hook.http_headers, hook.signature) == ({"X-Env": "prod"}, None)


def test_sifts_template_may_be_one_of_the_configurations_and_what_stands_beside_it_counts(place: Place) -> None:
    hook = by_name(loaded(place, "sift.json", TEMPLATES))["sift-named"]
    assert hook.payload.options["body"] == '{"text": "{{ .RuleName }}"}'
    assert hook.rate_limit is not None and (hook.rate_limit.per_second, hook.rate_limit.on_limit) == (5.0, "wait")


WRONG = {
    "connectsecure": [
        ("webhookUsername: u", "webhookPassword: is missing: user and password belong together"),
        ("webhookPassword: hunter2", "webhookUsername: is missing"),
        ("webhookAuthenticationUrl: https://l.example", "webhookUsername: is missing"),
        ("authenticationHeaderKey: X", "authenticationHeaderValue: is missing"),
        ("authenticationHeaderValue: hunter2", "authenticationHeaderKey: is missing"),
        ("authenticationHeaderKey: [X]\nauthenticationHeaderValue: v", "authenticationHeaderKey: the name of a header"),
        ("associatedCompanies: [{id: 1}]", "associatedCompanies: a list of names is expected"),
        ("webhookUsrname: u", "webhookUsrname: unknown key (did you mean `webhookUsername`?)"),
        ("httpAuth: {}\nwebhookUsername: u\nwebhookPassword: hunter2", "httpAuth: is said twice"),
        ("tenants: [a]\nassociatedCompanies: [b]", "tenants: is said twice"),
    ],
    "sourcedefense": [
        ("active: true", "provider: is missing: splunk or custom"),
        ("provider: splnk", "provider: must be one of splunk, custom (did you mean `splunk`?)"),
        ("provider: splunk", "secretKey: is missing, and required by provider: splunk"),
        ("provider: custom\nsecretKey: hunter2", "secretKey: belongs to provider splunk"),
        ("provider: custom\nheaders: {a: b}", "headers: a list of {name: ..., value: ...} is expected"),
        ("provider: custom\nheaders: [{name: a, value: b}, {name: a, value: c}]", "headers: the header 'a' is here twice"),
        ("provider: custom\nevents: []", "events: names no event, so none would ever be sent"),
        ("provider: custom\nevents: [New Scrips]", "events: 'New Scrips' is no event of Source Defense (did you mean"),
        ("provider: custom\nactive: maybe", "enable: "),
        ("provider: splunk\nsecretKey: hunter2\npayload: {token: x}", "payload: `token` is said by provider and secretKey already"),
    ],
    "sift": [
        ("triggerEventType: Rule Violated\npayloadBody: x", "triggerEventType: must be one of Rule Violation (did you mean"),
        ("triggerEventType: Rule Violation", "payloadBody: is missing: payloadBody, or the name of a template"),
        ("payloadBody: [x]", "payloadBody: text is expected"),
        ("payloadBody: x\ncustomHttpHeaders: [{key: a}]", "customHttpHeaders: a list of {key: ..., value: ...} is expected"),
        ("payloadBody: x\npayload: {format: json}", "payload: is said twice"),
    ],
}  # fmt: skip
URLS = {"connectsecure": "webhookUrl", "sourcedefense": "targetUrl", "sift": "destinationUrl"}


@pytest.mark.parametrize(
    ("dialect", "fields", "said"), [(dialect, *case) for dialect, cases in WRONG.items() for case in cases]
)
def test_a_mistake_keeps_its_place_and_no_secret_is_shown(place: Place, dialect: str, fields: str, said: str) -> None:
    text = place.hook(f"dialect: {dialect}\n{fields}").replace("    url:", f"    {URLS[dialect]}:")
    problems = place.problems(text)
    found = [problem for problem in problems if f"webhooks[siem].{said}" in problem]
    assert found and found[0].startswith("forwarder.yaml:"), problems
    assert all("hunter2" not in problem for problem in problems)


def test_a_template_that_is_nowhere_is_a_mistake_in_its_place(place: Place) -> None:
    text = place.hook("dialect: sift\npayloadTemplate: nowhere").replace("    url:", "    destinationUrl:")
    with pytest.raises(ConfigurationError) as refused:
        load_checked(place.write(text), {})
    (problem,) = refused.value.problems
    assert "forwarder.yaml:6:" in problem and "webhooks[siem].payload" in problem and "nowhere" in problem


@pytest.mark.parametrize(
    ("theirs", "ours"), [("Slack", "slack-violation"), ("OpsGenie", "opsgenie-violation"), ("Jira", "jira-violation")]
)
def test_sifts_own_templates_are_those_that_ship(place: Place, theirs: str, ours: str) -> None:
    text = place.hook(f"dialect: sift\npayloadTemplate: {theirs}").replace("    url:", "    destinationUrl:")
    assert place.load(text).settings.webhooks[0].payload.options["template"] == ours


def test_a_document_that_is_only_its_url_loads(place: Place) -> None:
    text = place.hook("dialect: connectsecure").replace("    url:", "    webhookUrl:")
    assert place.load(text).settings.webhooks[0].url == "https://siem.example/in"

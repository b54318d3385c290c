"""What is checked of `httpAuth`: each line is a mistake and what is said about it, and no secret is ever quoted."""

from __future__ import annotations

import json

import pytest

from forwarder.settings.show import as_json

from .place import Place

LOGIN = 'url: "https://login.example/s", username: u, secret: {"@type": Value, secret: hunter2}'
OAUTH = 'tokenUrl: "https://login.example/t", clientId: c'
SECRET = 'clientSecret: {"@type": Value, secret: hunter2}'
KEY = 'privateKey: {"@type": Value, secret: hunter2}'
AWS = 'region: eu-central-1, service: es, accessKeyId: AKID, secretAccessKey: {"@type": Value, secret: hunter2}'
NONE = '{"@type": None}'

ERRORS = [
    (
        "Login",
        LOGIN.replace("https", "http"),
        "httpAuth.url: http sends the password in the clear; use https, or say allowPlain",
    ),
    ("Login", LOGIN.replace("//", "//me:hunter2@"), "httpAuth.url: the URL holds a user or password"),
    ("Login", LOGIN.replace("https://login.example/s", "login.example/s"), "httpAuth.url: an absolute URL with a host"),
    ("Login", LOGIN.replace("https", "ftp"), "httpAuth.url: the scheme must be https"),
    ("Login", "username: u, secret: " + NONE, "httpAuth.url: is missing"),
    ("Login", LOGIN.replace("username: u, ", ""), "httpAuth.username: is missing"),
    ("Login", LOGIN.replace('{"@type": Value, secret: hunter2}', NONE), "httpAuth.secret: is missing: a login needs"),
    ("Login", LOGIN + ", as: xml", "httpAuth.as: must be one of json, form"),
    ("Login", LOGIN + ", usernameField: a, passwordField: a", "httpAuth.passwordField: is the same as usernameField"),
    ("Login", LOGIN + ", fields: {password: hunter2}", "httpAuth.fields.password: this field holds"),
    ("Login", LOGIN + ", header: Host", "httpAuth.header: this header belongs to the connection"),
    ("Login", LOGIN + ', header: "a b"', "httpAuth.header: is no header name"),
    ("Login", LOGIN + ', prefix: "a\\nb"', "httpAuth.prefix: holds a line break"),
    ("Login", LOGIN + ", headers: {Content-Length: 1}", "httpAuth.headers.Content-Length: this header belongs"),
    ("Login", LOGIN + ", headers: {accept: x}", "httpAuth.headers.accept: is here twice"),
    ("Login", LOGIN + ", lifetime: 0", "httpAuth.lifetime: must be at least 1"),
    ("Login", LOGIN + ", tokenpath: a", "httpAuth.tokenpath: unknown key (did you mean `tokenPath`?)"),
    (
        "OAuth2",
        f"{OAUTH}, {SECRET}".replace("https", "http"),
        "httpAuth.tokenUrl: http sends the credentials in the clear",
    ),
    ("OAuth2", OAUTH, "httpAuth.clientSecret: is missing: give clientSecret or privateKey"),
    ("OAuth2", f"{OAUTH}, {SECRET}, {KEY}", "httpAuth.clientSecret: has no effect beside privateKey"),
    ("OAuth2", f"{OAUTH}, {SECRET}, keyId: k", "httpAuth.keyId: has no effect without privateKey"),
    ("OAuth2", f"{OAUTH}, {SECRET}, grant: jwtBearer", "httpAuth.privateKey: is missing: grant: jwtBearer needs a key"),
    ("OAuth2", f"{OAUTH}, {SECRET}, params: {{scope: hunter2}}", "httpAuth.params.scope: has a setting of its own"),
    ("OAuth2", f"{OAUTH}, {SECRET}, authStyle: post", "httpAuth.authStyle: must be one of header, body"),
    ("AwsSigV4", AWS.replace('{"@type": Value, secret: hunter2}', NONE), "httpAuth.secretAccessKey: is missing"),
    ("AwsSigV4", AWS.replace("eu-central-1", "EU/1"), "httpAuth.region: "),
]


def fields(kind: str, rest: str) -> str:
    return f'httpAuth: {{"@type": {kind}, {rest}}}'


@pytest.mark.parametrize(("kind", "rest", "said"), ERRORS)
def test_a_mistake_is_named_and_nothing_secret_is_quoted(place: Place, kind: str, rest: str, said: str) -> None:
    problems = place.problems(place.hook(fields(kind, rest)))
    assert any(f"webhooks[siem].{said}" in problem for problem in problems), problems
    assert "hunter2" not in "".join(problems)


@pytest.mark.parametrize(
    ("kind", "rest", "header"),
    [
        ("Login", LOGIN, "authorization"),
        ("Login", LOGIN + ", header: X-Token", "x-token"),
        ("OAuth2", f"{OAUTH}, {SECRET}", "authorization"),
        ("AwsSigV4", AWS, "x-amz-date"),
    ],
)
def test_a_header_that_is_written_already_cannot_be_set_too(place: Place, kind: str, rest: str, header: str) -> None:
    problems = place.problems(place.hook(f"{fields(kind, rest)}\nhttpHeaders: {{{header.title()}: x}}"))
    assert any(f"{header} is written by httpAuth already" in problem for problem in problems)


def test_another_header_may_be_set_beside_a_token(place: Place) -> None:
    assert not place.load(
        place.hook(f"{fields('Login', LOGIN + ', header: X-Token')}\nhttpHeaders: {{Authorization: x}}")
    ).warnings


def test_plain_http_is_a_warning_once_it_is_allowed(place: Place) -> None:
    hook = place.hook(f"allowPlainHttp: true\n{fields('Login', LOGIN.replace('https', 'http'))}")
    assert any("httpAuth.url: http sends the password in the clear" in said for said in place.load(hook).warnings)


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("Login", LOGIN + ", fields: {tenant: hunter2}, headers: {X-Key: hunter2}"),
        ("OAuth2", f"{OAUTH}?k=hunter2, {SECRET}, params: {{resource: hunter2}}".replace('t"', 't?k=hunter2"')),
        ("AwsSigV4", AWS),
    ],
)
def test_what_is_shown_of_it_holds_no_secret(place: Place, kind: str, rest: str) -> None:
    shown = as_json(place.load(place.hook(fields(kind, rest.replace("c?k=hunter2", "c")))).settings)
    assert json.loads(shown)["webhooks"][0]["httpAuth"]["@type"] == kind
    assert "hunter2" not in shown


SPLUNK = 'payload: {format: splunk, token: {"@type": Value, secret: hunter2}}'


def test_a_formats_own_credential_is_not_sent_beside_another(place: Place) -> None:
    text = place.hook(f"{fields('Login', LOGIN)}\n{SPLUNK}")
    assert any("payload.token: is not sent, because httpAuth is given" in said for said in place.load(text).warnings)
    problems = place.problems(place.hook(f"httpHeaders: {{authorization: x}}\n{SPLUNK}"))
    assert any("authorization is written by payload.token already" in said for said in problems)

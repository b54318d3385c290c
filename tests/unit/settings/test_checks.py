"""What is checked across fields: each line is a mistake and what is said about it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import trustme

from .place import SOURCES, Place


def whsec(size: int) -> str:
    return "whsec_" + base64.b64encode(b"k" * size).decode()


def value(secret: str) -> str:
    return f'{{"@type": Value, secret: "{secret}"}}'


ERRORS = [
    ("eventsPolicy: include", "eventsPolicy: eventsPolicy is include, and neither"),
    ("sources: [evnts]", "sources[0]: no source is called 'evnts' (did you mean `events`?)"),
    ("eventSets: [audit]", "eventSets[0]: no event set is called 'audit'; known: connectsecure.ad-audit, "),
    ("rules: [{name: a}, {name: b}, {name: a}]", "rules[2].name: 'a' is the name of more than one rule"),
    ("rules: [{name: a, eventSets: [x]}]", "rules[0].eventSets[0]: no event set is called 'x'"),
    ("httpHeaders: {Host: a}", "httpHeaders.Host: this header belongs to the connection"),
    ("httpHeaders: {content-LENGTH: 1}", "httpHeaders.content-LENGTH: this header belongs to the connection"),
    ("httpHeaders: {Proxy-Anything: 1}", "httpHeaders.Proxy-Anything: this header belongs"),
    ("httpHeaders: {webhook-id: 1}", "httpHeaders.webhook-id: this header is written by Forwarder"),
    ("httpHeaders: {Forwarder-Batch-Id: 1}", "httpHeaders.Forwarder-Batch-Id: this header is written"),
    ("httpHeaders: {Content-Type: a}", "httpHeaders.Content-Type: this header is written"),
    ("httpHeaders: {X-Hub-Signature-256: a}", "httpHeaders.X-Hub-Signature-256: this header is written"),
    ("httpHeaders: {'X A': a}", "httpHeaders.X A: is no header name"),
    ('httpHeaders: {X-A: "a\\r\\nHost: b"}', "httpHeaders.X-A: the value holds a line break"),
    ("httpHeaders: {X-A: 1, x-a: 2}", "httpHeaders.x-a: is here twice"),
    (
        'httpHeaders: {authorization: x}\nhttpAuth: {"@type": Bearer, bearerToken: {"@type": Value, secret: t}}',
        "httpHeaders: authorization is written by httpAuth already",
    ),
    (
        'httpAuth: {"@type": Header, name: Host, value: {"@type": Value, secret: t}}',
        "httpAuth.name: this header belongs",
    ),
    (
        'httpAuth: {"@type": Basic, username: "a:b", secret: {"@type": Value, secret: t}}',
        "httpAuth.username: must not hold a colon",
    ),
    ("statusPolicy: {4x: retry}", "statusPolicy.4x: a status is expected"),
    ("statusPolicy: {600: retry}", "statusPolicy.600: a status is expected"),
    ("statusPolicy: {499-400: retry}", "statusPolicy.499-400: a status is expected"),
    ("retry: {base: 1m, cap: 1s}", "retry.cap: must not be less than retry.base"),
    ("retry: {base: 0}", "retry.base: must be above zero"),
    ("maxBytes: 1GiB", "maxBytes: is more than memory.budget"),
    ("idleGap: 0s", "idleGap: must be greater than 0"),
    ("tls: {caFile: /nowhere/ca.pem}", "tls.caFile: '/nowhere/ca.pem' does not exist"),
    (
        'signatureKey: {"@type": File, filePath: /nowhere/key}',
        "signatureKey: secret file /nowhere/key cannot be read: No such",
    ),
    (
        'signatureKey: {"@type": EnvironmentVariable, variableName: UNSET}',
        "signatureKey: environment variable UNSET is not set or empty",
    ),
    ('signatureKey: {"@type": Value, secret: ""}', "signatureKey: the secret is empty"),
    (
        'httpHeaders: {X-A: {"@type": EnvironmentVariable, variableName: UNSET}}',
        "httpHeaders.X-A: environment variable UNSET",
    ),
    ("rateLimit: {perSecond: 0}", "rateLimit.perSecond: must be greater than 0"),
    ("rateLimit: {onLimit: drop}", "rateLimit.onLimit: must be one of wait, fail"),
    (
        "concurrency: 8\nadaptiveConcurrency: {min: 5, max: 4}",
        "adaptiveConcurrency.min: must not be more than adaptiveC",
    ),
    ("concurrency: 4\nadaptiveConcurrency: {min: 5}", "adaptiveConcurrency.min: must not be more than concurrency"),
    ("signature: {scheme: github}", "signature: a scheme is chosen, and there is no key"),
    (
        'signature: {scheme: standard-webhooks}\nsignatureKey: {"@type": Value, secret: plain}',
        "signatureKey: a standard-webhooks key starts with `whsec_`",
    ),
    (
        f"signature: {{scheme: standard-webhooks, keys: [{value(whsec(24))}, {value(whsec(23))}]}}",
        "signature.keys[1]: the key has 23 bytes; standard-webhooks wants 24 to 64",
    ),
    (
        'signature: {scheme: standard-webhooks}\nsignatureKey: {"@type": Value, secret: "whsec_?"}',
        "signatureKey: what follows `whsec_` is not base64",
    ),
]


@pytest.mark.parametrize(("fields", "said"), ERRORS)
def test_a_webhook_that_contradicts_itself_is_refused(place: Place, fields: str, said: str) -> None:
    problems = place.problems(place.hook(fields))
    assert any(f"webhooks[siem].{said}" in problem for problem in problems), problems


URLS = [
    ("http://h.example/", "use https, or say allowPlainHttp: true"),
    ("ftp://h.example/", "the scheme must be https"),
    ("htps://h.example/", "the scheme must be https (did you mean `https`?) ('htps')"),
    ("https:///path", "an absolute URL with a host is expected"),
    ("h.example/in", "an absolute URL with a host is expected"),
    ("https://h.example:port/", "an absolute URL with a host is expected"),
    ("'https://h.example/a b'", "an absolute URL with a host is expected"),
    ("https://[::1/", "an absolute URL with a host is expected"),
    ("https://h.example/#top", "a fragment (#...) is never sent"),
    ("https://me:hunter2@h.example/", "the URL holds a user or password"),
    ("https://hunter2@h.example/", "the URL holds a user or password"),
    ("https://me:hunter2/x@h.example/", "URL"),
    ("https://me:hunter2?x@h.example/", "URL"),
    ("https://me:[hunter2@h.example/", "the URL holds a user or password"),
    ("me:hunter2@h.example", "URL"),
]


@pytest.mark.parametrize(("url", "said"), URLS)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(place: Place, url: str, said: str) -> None:
    problem = place.problems(place.hook("level: low").replace("https://siem.example/in", url))[0]
    assert "webhooks[siem].url: " in problem and said in problem
    assert "hunter2" not in problem


PROCESS = [
    ("shutdown: {drain: 56s}", "forwarder.yaml:2:12: shutdown.drain: must be at most kafka.rebalanceTimeout - 5s"),
    ("kafka: {heartbeatInterval: 3s}", "kafka.heartbeatInterval: must be above zero and at most a third"),
    ("kafka: {rebalanceTimeout: 7s}", "kafka.rebalanceTimeout: must not be less than sessionTimeout"),
    ("kafka: {brokers: [nohost]}", "kafka.brokers[0]: host:port is expected"),
    ("kafka: {brokers: ['kafka://a:1']}", "kafka.brokers[0]: host:port is expected"),
    ("kafka: {brokers: []}", "kafka.brokers: at least one broker is needed"),
    (
        "kafka: {security: {protocol: SASL_SSL}}",
        "kafka.security.username: is missing, and required by mechanism: PLAIN",
    ),
    ("kafka: {security: {protocol: SASL_SSL, mechanism: OAUTHBEARER}}", "kafka.security.tokenFile: is missing"),
    ("kafka: {security: {username: me}}", "kafka.security.protocol: PLAINTEXT does not log in"),
    ("kafka: {security: {protocol: SSL, keyFile: /nowhere/k}}", "kafka.security.keyFile: has no certificateFile"),
    ("kafka: {security: {protocol: SSL, caFile: /nowhere/c}}", "kafka.security.caFile: '/nowhere/c' does not exist"),
    ("http: {listen: 9090}", "http.listen: host:port is expected"),
    ("http: {listen: '::1:9090'}", "http.listen: host:port is expected"),
    ("http: {listen: 'a:70000'}", "http.listen: host:port is expected"),
    ("egress: {allow: [10.0.0.1/8]}", "egress.allow: 10.0.0.1/8 has host bits set"),
    ("egress: {deny: [intranet]}", "egress.deny: 'intranet' does not appear to be an IPv4 or IPv6 network"),
    ("egress: {proxy: 'proxy:3128'}", "egress.proxy: a proxy is expected: http://"),
    ("egress: {proxy: 'http://proxy:3128/path'}", "egress.proxy: a proxy is expected"),
    ("egress: {proxy: 'socks4://proxy:1080'}", "egress.proxy: a proxy is expected"),
    ("egress: {proxy: 'http://me:hunter2@proxy:3128'}", "egress.proxy: the URL holds a user or password"),
    ("egress: {proxyUsername: me}", "egress.proxy: is missing"),
    (
        "egress: {proxy: 'http://proxy:3128', proxyUsername: me}",
        "egress.proxyPassword: is missing beside proxyUsername",
    ),
    ("egress: {proxy: 'socks5://proxy:1080', proxyCaFile: /nowhere/c}", "egress.proxyCaFile: has no effect"),
    (
        "egress: {proxy: 'https://proxy:1080', proxyCaFile: /nowhere/c}",
        "egress.proxyCaFile: '/nowhere/c' does not exist",
    ),
    ("egress: {sourceAddress: [192.0.2.1, 192.0.2.2]}", "egress.sourceAddress: one IPv4 and one IPv6 address at most"),
    ("egress: {sourceAddress: eth0}", "egress.sourceAddress: 'eth0' does not appear to be an IPv4 or IPv6 address"),
    ("limits: {perHost: 0}", "limits.perHost: must be at least 1"),
    ("tenants: {a: {children: [b]}, b: {children: [a]}}", "tenants.b.children: 'b' is among its own descendants"),
]


@pytest.mark.parametrize(("line", "said"), PROCESS)
def test_process_settings_that_contradict_each_other_are_refused(place: Place, line: str, said: str) -> None:
    problems = place.problems(f"{SOURCES}{line}\n")
    assert any(said in problem for problem in problems), problems


SOURCE_LINES = [
    ("{topic: a}, {topic: a}", "sources[1].topic: 'a' is here more than once"),
    ("{topic: a, preset: flaco}", "sources[0].preset: no preset is called 'flaco' (did you mean `falco`?)"),
    ("{topic: a, deadLetterTopic: a}", "sources[0].deadLetterTopic: must not be the source itself"),
    ("{topic: 'a b'}", "sources[0].topic: must match the pattern"),
    ("{topic: a, startAt: tomorrow}", "sources[0].startAt: a start is expected"),
    ("{topic: a, maxRecordBytes: 1GiB}", "sources[0].maxRecordBytes: is more than memory.budget"),
    ("{topic: a, severityMap: {P1: urgent}}", "sources[0].severityMap.P1: a level is expected"),
]


@pytest.mark.parametrize(("sources", "said"), SOURCE_LINES)
def test_sources_that_cannot_be_read_are_refused(place: Place, sources: str, said: str) -> None:
    problems = place.problems(f"sources: [{sources}]\n")
    assert any(said in problem for problem in problems), problems


def test_tenants_are_only_checked_where_there_is_a_tree(place: Place) -> None:
    place.load(place.hook("tenants: [anybody]"))
    problems = place.problems(place.hook("tenants: [acme-eu, acmee]", "tenants: {acme: {children: [acme-eu]}}\n"))
    assert problems == [
        "forwarder.yaml:6:24: webhooks[siem].tenants[1]: no tenant is called 'acmee' (did you mean `acme`?)"
    ]


def test_a_preset_of_ones_own_is_known(place: Place) -> None:
    place.load("sources: [{topic: a, preset: mine}]\npresets: {mine: {id: x}}\n")


WARNINGS = [
    ("adaptiveConcurrency: true", "adaptiveConcurrency: has no effect beside concurrency: 1"),
    ("rateLimit: {onLimit: fail}", "rateLimit.onLimit: fail gives up what comes too fast"),
    ("allowInvalidCerts: true", "allowInvalidCerts: the receiver's certificate is NOT verified"),
    ("throttle: 5s\nmaxWait: 1s", "maxWait: is less than throttle"),
    ("concurrency: 2", "concurrency: above 1 the order of batches is given up"),
    ("idleGap: 5s", "idleGap: is not less than the longest wait"),
    ("level: high\nflushLevel: high", "flushLevel: is not above level"),
    ("connectTimeout: 1m", "connectTimeout: is longer than timeout"),
    ("includeChildren: true", "includeChildren: has no effect"),
    ("lossy: true\ndiscardAfter: never", "discardAfter: `never` has little effect"),
]


@pytest.mark.parametrize(("fields", "said"), WARNINGS)
def test_what_is_allowed_but_doubtful_is_a_warning(place: Place, fields: str, said: str) -> None:
    warnings = place.load(place.hook(fields)).warnings
    assert [f"webhooks[siem].{said}" in warning for warning in warnings] == [True]


def test_plain_http_is_a_warning_once_it_is_allowed(place: Place) -> None:
    loaded = place.load(place.hook("allowPlainHttp: true").replace("https://", "http://"))
    assert ["in the clear" in warning for warning in loaded.warnings] == [True]


def test_a_guard_that_is_off_is_a_warning(place: Place) -> None:
    [warning] = place.load(place.hook("lossy: false", "egress: {guard: false}\n")).warnings
    assert "egress.guard: is off" in warning and "`egress.allow` permits" in warning
    assert place.load(place.hook("lossy: false", "egress: {guard: true}\n")).warnings == ()


def test_a_good_webhook_has_no_warning(place: Place, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k\n")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    fields = f"""
    signatureKey: {{"@type": File, filePath: "{tmp_path}/key"}}
    signature: {{scheme: stalwart}}
    tls: {{caFile: "{tmp_path}/ca.pem"}}
    httpHeaders: {{X-A: b, User-Agent: me, Authorization: x, X-B: {{"@type": EnvironmentVariable, variableName: SET}}}}
    statusPolicy: {{4xx: drop, 404: disable, 500-599: retrySlow}}
    """
    text = place.hook("\n".join(line.strip() for line in fields.strip().splitlines()))
    assert place.load(text, {"SET": "x"}).warnings == ()


@pytest.mark.parametrize("size", [24, 64])
def test_a_standard_webhooks_key_of_the_right_size_is_accepted(place: Place, size: int) -> None:
    place.load(
        place.hook(
            f'signature: {{scheme: standard-webhooks}}\nsignatureKey: {{"@type": Value, secret: "{whsec(size)}"}}'
        )
    )

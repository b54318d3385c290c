"""`forwarder import`: a valid native configuration, no secret in it unless asked for, and nothing lost in silence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from forwarder.configuration import load_checked
from forwarder.settings.load import Loaded
from forwarder.settings.providers.catalogue import builtin
from tests.unit.cli.conftest import Forwarder

SIDEKICK = Path(__file__).parent / "imports" / "falcosidekick.yaml"
JMAP = {
    "methodResponses": [[
        "x:WebHook/get",
        {"accountId": "a", "notFound": [], "list": [
            {
                "@type": "WebHook", "id": "b", "description": "My Hook", "url": "https://one.example/",
                "events": {"auth.success": True, "auth.failed": False}, "eventsPolicy": "include", "level": "warn",
                "signatureKey": {"@type": "Value", "secret": "sign-secret"}, "throttle": "2s", "timeout": "20s",
                "httpAuth": {"@type": "Basic", "username": "u", "secret": {"@type": "Value", "secret": "auth-secret"}},
                "httpHeaders": {"X-A": "header-secret"}, "discardAfter": "1h", "lossy": True, "allowInvalidCerts": True,
                "enable": False, "new": {"thing": 1},
            },
            {"id": "c", "url": "http://two.example/?token=url-secret", "signatureKey": {"@type": "None"},
             "httpAuth": {"@type": "Unauthenticated"}, "events": {}, "eventsPolicy": "exclude"},
        ]},
        "c1",
    ]]
}  # fmt: skip
TOML = """
[server]
hostname = "mail.example.com"
[webhook."my-webhook"]
url = "https://one.example/"
events = [ "auth.*", "store.ingest" ]
timeout = "30s"
signature-key = "%{env:STALWART_SIGN}%"
headers = [ "X-My-Header: header-secret", "X-Other: a:b" ]
discard-after = "10m"
[webhook."my-webhook".auth]
username = "account"
secret = "%{file:/etc/secret}%"
"""
LINES = """server.hostname = mail
webhook.my-webhook.url = https://one.example/
webhook.my-webhook.events.0000 = auth.*
webhook.my-webhook.events.0001 = store.ingest
webhook.my-webhook.auth.username = account
webhook.my-webhook.auth.secret = auth-secret
webhook.my-webhook.lossy = true
webhook.my-webhook.odd = 7
webhook."other.one".url = "https://two.example/"
"""


def run(forwarder: Forwarder, tmp_path: Path, product: str, content: str, *options: str) -> Any:
    file = tmp_path / "theirs"
    file.write_text(content)
    result = forwarder("import", product, file, *options)
    assert result.exit_code == 0, result.stderr
    return result


def valid(tmp_path: Path, result: Any, **more: str) -> Loaded:
    """The result as `forwarder validate` reads it once the variables are set as its comments say."""
    path = tmp_path / "forwarder.yaml"
    path.write_text(result.stdout)
    named = re.findall(r"^#   (\w+) +is ", result.stdout, re.MULTILINE)
    return load_checked(path, dict.fromkeys(named, "https://set.example/") | more)


AUTHORITY = trustme.CA()


def sidekick(forwarder: Forwarder, tmp_path: Path, *options: str) -> Any:
    issued = AUTHORITY.issue_cert("forwarder.example")
    for name, pem in (
        ("client.crt", issued.cert_chain_pems[0]), ("client.key", issued.private_key_pem), ("ca.crt", AUTHORITY.cert_pem),
    ):  # fmt: skip
        pem.write_to_path(str(tmp_path / name))
    return run(forwarder, tmp_path, "falcosidekick", SIDEKICK.read_text().replace("CERTS", str(tmp_path)), *options)


def secrets_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])[a-z]+-secret(?!s)", text))


def test_falcosidekicks_outputs_become_webhooks_and_the_result_is_valid(forwarder: Forwarder, tmp_path: Path) -> None:
    result = sidekick(forwarder, tmp_path)
    settings = valid(tmp_path, result).settings
    assert settings.kafka.brokers == ("k1:9092", "k2:9092")
    assert [(source.topic, source.preset) for source in settings.sources] == [("falco-events", "falco")]
    hooks = {hook.name: hook for hook in settings.webhooks}
    formats = {
        "slack": "slack", "teams": "teams", "discord": "discord", "googlechat": "googlechat", "mattermost": "mattermost",
        "webhook": "template", "splunk": "splunk", "elasticsearch": "elastic", "loki": "loki", "datadoglogs": "datadog",
        "opsgenie": "opsgenie", "pagerduty": "pagerduty", "alertmanager": "alertmanager",
        "alertmanager-2": "alertmanager", "sumologic": "sumologic",
        "cloudevents": "cloudevents", "nodered": "template", "otlp-logs": "otlp",
    }  # fmt: skip
    assert {name: hook.payload.format for name, hook in hooks.items()} == formats
    assert set(formats.values()) <= set(builtin())
    assert (hooks["slack"].level, hooks["teams"].level, hooks["elasticsearch"].level) == (3, 0, 5)
    assert hooks["webhook"].payload.options["batch"] == "one"
    assert hooks["mattermost"].allow_invalid_certs and not hooks["slack"].allow_invalid_certs
    certificate = hooks["webhook"].tls.client_certificate
    assert certificate is not None and certificate.key_file == f"{tmp_path}/client.key"
    assert hooks["splunk"].tls.ca_file == f"{tmp_path}/ca.crt"
    assert hooks["elasticsearch"].payload.options["index"] == "falco-{yyyy.MM.dd}"
    assert (hooks["opsgenie"].url, hooks["pagerduty"].url, hooks["alertmanager"].url, hooks["loki"].url) == (
        "https://api.eu.opsgenie.com/v2/alerts", "https://events.pagerduty.com/v2/enqueue", "http://am:9093/api/v2/alerts",
        "http://loki:3100/loki/api/v1/push",
    )  # fmt: skip
    assert hooks["loki"].payload.options["tenantId"] == "t1" and hooks["loki"].allow_plain_http
    assert set(hooks["splunk"].http_headers) == {"X-A", "X-B"}
    assert hooks["alertmanager-2"].url == "http://am2:9093/api/v2/alerts"


def test_falcosidekicks_secrets_are_left_out_and_each_is_named(forwarder: Forwarder, tmp_path: Path) -> None:
    result = sidekick(forwarder, tmp_path)
    assert secrets_of(result.stdout + result.stderr) == set()
    assert "SLACK_WEBHOOKURL" in result.stdout
    assert "set SPLUNK_TOKEN to what splunk.token is" in result.stderr


def test_with_secrets_they_are_in_it_and_no_variable_is_needed(forwarder: Forwarder, tmp_path: Path) -> None:
    result = sidekick(forwarder, tmp_path, "--with-secrets")
    wanted = secrets_of(SIDEKICK.read_text()) - {"rocket-secret", "mail-secret"}
    assert secrets_of(result.stdout) == wanted
    hooks = {hook.name: hook for hook in valid(tmp_path, result).settings.webhooks}
    value = hooks["webhook"].http_headers["Authorization"]
    assert not isinstance(value, str) and value.read() == "Bearer ${NOT_OURS} hook-secret"


def test_what_falcosidekick_has_and_forwarder_not_is_told_in_the_result_and_on_standard_error(
    forwarder: Forwarder, tmp_path: Path
) -> None:
    result = sidekick(forwarder, tmp_path)
    for place in (
        "customfields.env", "listenport", "slack.footer", "slack.outputformat", "rocketchat.webhookurl", "webhook.method",
        "loki.extralabels", "cloudevents.extensions.region", "otlp.traces.endpoint",
        "smtp.hostport", "smtp.password",
    ):  # fmt: skip
        assert f"not carried over: {place}: " in result.stderr, place
        assert f"#   {place}: " in result.stdout, place
    assert "needs your hand" not in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a\n- b\n", "a mapping of outputs is expected"),
        ("a: [", "it is no YAML in line 1"),
        ("", "a mapping of outputs"),
    ],
)
def test_a_file_that_is_no_falcosidekick_configuration_is_refused(
    forwarder: Forwarder, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "theirs"
    file.write_text(content)
    result = forwarder("import", "falcosidekick", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr and "Traceback" not in result.stderr


def test_a_configuration_without_any_output_is_told_so_and_still_valid(forwarder: Forwarder, tmp_path: Path) -> None:
    result = run(forwarder, tmp_path, "falcosidekick", "opsgenie: {region: eu}\n")
    assert "opsgenie: not switched on in the file" in result.stderr
    assert valid(tmp_path, result).settings.webhooks == ()


def test_stalwarts_jmap_objects_become_webhooks_that_behave_as_stalwarts(forwarder: Forwarder, tmp_path: Path) -> None:
    result = run(forwarder, tmp_path, "stalwart", json.dumps(JMAP))
    assert secrets_of(result.stdout + result.stderr) == set()
    one, two = valid(tmp_path, result).settings.webhooks
    assert (one.name, one.url, one.events, one.events_policy, one.level) == (
        "my-hook", "https://one.example/", ("auth.success",), "include", 3,
    )  # fmt: skip
    assert (one.payload.format, one.strict_throttle, one.throttle, one.timeout, one.discard_after) == (
        "stalwart", True, 2.0, 20.0, 3600.0,
    )  # fmt: skip
    assert (one.lossy, one.allow_invalid_certs, one.enable) == (True, True, False)
    assert one.http_auth.type == "Basic" and one.signature_key.type == "EnvironmentVariable"
    assert (two.level, two.events, two.http_auth.type, two.signature_key.type, two.allow_plain_http) == (
        1, (), "Unauthenticated", "None", True,
    )  # fmt: skip
    assert "not carried over: My Hook.new.thing: " in result.stderr


@pytest.mark.parametrize(
    "document",
    [
        JMAP["methodResponses"][0][1]["list"][0],
        JMAP["methodResponses"][0][1]["list"],
        JMAP["methodResponses"][0][1],
        {"methodCalls": [["x:WebHook/set", {"create": {"k": JMAP["methodResponses"][0][1]["list"][0]}}, "c"]]},
    ],
    ids=["object", "list", "response", "request"],
)
def test_stalwarts_objects_may_come_in_several_wrappings(forwarder: Forwarder, tmp_path: Path, document: Any) -> None:
    hooks = valid(tmp_path, run(forwarder, tmp_path, "stalwart", json.dumps(document))).settings.webhooks
    assert hooks[0].name == "my-hook"


def test_stalwarts_older_settings_as_toml_keep_where_secrets_come_from(forwarder: Forwarder, tmp_path: Path) -> None:
    result = run(forwarder, tmp_path, "stalwart", TOML)
    (hook,) = yaml.safe_load(result.stdout)["webhooks"]
    assert hook["signatureKey"] == {"@type": "EnvironmentVariable", "variableName": "STALWART_SIGN"}
    assert hook["httpAuth"]["secret"] == {"@type": "File", "filePath": "/etc/secret"}
    assert (hook["events"], hook["eventsPolicy"], hook["discardAfter"]) == (
        ["auth.*", "store.ingest"],
        "include",
        "10m",
    )
    assert set(hook["httpHeaders"]) == {"X-My-Header", "X-Other"}


def test_stalwarts_older_settings_as_lines_or_as_the_api_lists_them(forwarder: Forwarder, tmp_path: Path) -> None:
    result = run(forwarder, tmp_path, "stalwart", LINES)
    one, two = valid(tmp_path, result).settings.webhooks
    assert (one.name, one.events, one.events_policy, one.lossy) == (
        "my-webhook", ("auth.*", "store.ingest"), "include", True,
    )  # fmt: skip
    assert one.http_auth.type == "Basic"
    assert (two.name, two.enable) == ("other-one", False), "it named no event, and sent none"
    assert "not carried over: my-webhook.odd: " in result.stderr
    listed = {"data": {"total": 2, "items": {"webhook.a.url": "https://a.example/", "webhook.a.events.0": "auth.*"}}}
    (only,) = valid(tmp_path, run(forwarder, tmp_path, "stalwart", json.dumps(listed))).settings.webhooks
    assert (only.name, only.events) == ("a", ("auth.*",))


@pytest.mark.parametrize("content", ["{}", "[]", "nothing", '{"a": 1}', "[webhook]\n", '{"url": 7}', "{broken"])
def test_a_file_without_a_webhook_is_refused_with_what_is_expected(
    forwarder: Forwarder, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "theirs"
    file.write_text(content)
    result = forwarder("import", "stalwart", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no webhook is in it; expected is a WebHook object" in result.stderr


def test_a_secret_that_is_plain_text_is_left_out_too_and_other_objects_are_no_webhooks(
    forwarder: Forwarder, tmp_path: Path
) -> None:
    auth = {"@type": "Basic", "username": "u", "secret": "auth-secret"}
    other = {"@type": "Directory", "url": "https://ldap.example/"}
    hook = {"@type": "WebHook", "id": "a", "url": "https://x.example/", "httpAuth": auth}
    result = run(forwarder, tmp_path, "stalwart", json.dumps([other, hook]))
    assert secrets_of(result.stdout + result.stderr) == set()
    (only,) = valid(tmp_path, result).settings.webhooks
    assert (only.name, only.http_auth.type) == ("a", "Basic")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kafka: {topic: x}", "kafka: not switched on in the file (hostport)"),
        ("slack: {webhookurl: {a: b}}", "slack: not switched on"),
        ("webhook: {address: 'tcp://x'}", "webhook: address is no http or https address"),
        ("webhook: {address: 'https://x.example', minimumpriority: {a: b}}", "webhook.minimumpriority.a: "),
    ],
)
def test_what_is_half_there_is_told(forwarder: Forwarder, tmp_path: Path, content: str, said: str) -> None:
    assert f"not carried over: {said}" in run(forwarder, tmp_path, "falcosidekick", content).stderr


def test_names_stay_unique_and_valid(forwarder: Forwarder, tmp_path: Path) -> None:
    objects = [
        {"description": name, "url": "https://x.example/"} for name in ("A b!", "a-b", "", "é", "x" * 90, "x" * 90)
    ]
    hooks = valid(tmp_path, run(forwarder, tmp_path, "stalwart", json.dumps(objects))).settings.webhooks
    assert [hook.name for hook in hooks] == ["a-b", "a-b-2", "stalwart", "webhook", "x" * 59, "x" * 59 + "-2"]


def test_standard_input_the_issues_spelling_a_topic_and_addresses(forwarder: Forwarder, tmp_path: Path) -> None:
    content = json.dumps({"url": "https://x.example/"})
    piped = forwarder("import", "stalwart", "-", "--topic", "mail", stdin=content.encode())
    assert yaml.safe_load(piped.stdout)["sources"] == [{"topic": "mail", "preset": "stalwart"}]
    file = tmp_path / "theirs"
    file.write_text(content)
    assert forwarder("import", "stalwart", "URL-export", file).exit_code == 0
    assert "save what it answers to a file first" in forwarder("import", "stalwart", "https://mail.example/api").stderr
    assert "cannot be read" in forwarder("import", "stalwart", tmp_path / "none").stderr


def test_a_comment_cannot_be_left_by_what_is_in_the_file(forwarder: Forwarder, tmp_path: Path) -> None:
    result = run(forwarder, tmp_path, "falcosidekick", '"x\\nwebhooks: evil": {"a\\n- b": 1}\n')
    assert set(yaml.safe_load(result.stdout)) == {"sources", "webhooks"}

"""A secret never appears in an error, a repr, a dump, a traceback or in what is shown."""

from __future__ import annotations

import json
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.errors import ConfigurationError
from forwarder.settings.load import load
from forwarder.settings.problems import safe_url, shown
from forwarder.settings.reload import diff
from forwarder.settings.secrets import FileSecret, SecretUnavailable, ValueSecret
from forwarder.settings.secreturls import is_secret
from forwarder.settings.show import as_json, as_yaml, redacted, redacted_url, webhook_fingerprint
from forwarder.settings.tree import Mark, Text
from forwarder.settings.webhook import Webhook

from .place import Place

MARKER = "hunter2"
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=12).map(
    lambda text: f"{MARKER}{text}{MARKER}"
)


def document(secret: str) -> dict[str, object]:
    """A configuration with the same secret in every place that takes one."""
    value = {"@type": "Value", "secret": secret}
    hook = {
        "name": "a",
        "url": "https://a.example/in?token=TOKEN",
        "httpAuth": {"@type": "Basic", "username": "me", "secret": value},
        "httpHeaders": {"X-A": "HEADER", "X-B": value},
        "signatureKey": value,
        "signature": {"keys": [value]},
    }
    bearer = {"name": "b", "url": "https://b.example/", "httpAuth": {"@type": "Bearer", "bearerToken": value}}
    header = {"name": "c", "url": "https://c.example/", "httpAuth": {"@type": "Header", "name": "X-K", "value": value}}
    kafka = {"security": {"protocol": "SASL_SSL", "username": "me", "password": value}}
    return {"sources": [{"topic": "t"}], "kafka": kafka, "webhooks": [hook, bearer, header]}


def everything_said(error: BaseException) -> str:
    """The error, its traceback with causes and contexts, and the texts of all of them."""
    said = ["".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())]
    link: BaseException | None = error
    while link is not None:
        said += [str(link), repr(link)]
        link = link.__cause__ or link.__context__
    return "\n".join(said)


@given(SECRETS)
def test_law_no_secret_is_in_what_is_shown(secret: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.json"
        path.write_text(json.dumps(document(secret)))
        loaded = load(path, {})
        path.write_text(json.dumps(document(secret + "x")).replace("HEADER", MARKER).replace("TOKEN", MARKER))
        other = load(path, {})
    change = diff(loaded.settings, other.settings)
    assert len(change.changed) == 3 and change.process
    for one in (loaded, other):
        texts = [repr(one), str(one.settings), as_json(one.settings), as_yaml(one.settings), repr(change)]
        assert all(MARKER not in text for text in texts)
    dumped = [repr(loaded.settings.model_dump()), loaded.settings.model_dump_json()]
    assert all(MARKER not in text for text in dumped)


@given(
    SECRETS,
    st.sampled_from(
        ["signatureKey", "httpAuth", "httpHeaders", "X-B", "secret", "bearerToken", "value", "keys", "password"]
    ),
)
def test_law_no_secret_is_in_an_error_wherever_it_was_misplaced(secret: str, key: str) -> None:
    """The bare secret stands where a form was wanted, in every place of that name; and beside it, under a wrong key."""
    text = json.dumps(_misplaced(document(secret), key, secret))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("c.json", "c.yaml"):
            path = Path(folder) / name
            path.write_text(text)
            with pytest.raises(ConfigurationError) as caught:
                load(path, {})
            assert MARKER not in everything_said(caught.value)


def _misplaced(node: object, key: str, secret: str) -> object:
    if isinstance(node, dict):
        wrong = {"secrt": secret, "passwd": [secret]} if "@type" in node else {}
        return {
            k: [secret, 1] if k == key == "secret" else secret if k == key else _misplaced(v, key, secret)
            for k, v in node.items()
        } | wrong
    return [_misplaced(item, key, secret) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    "line",
    [
        "*hunter2",
        "!hunter2",
        "&hunter2 [",
        "{hunter2",
        "'hunter2",
        '"hunter2\\q"',
        "hunter2: x: y",
        "@hunter2",
        "`hunter2",
    ],
)
def test_a_secret_that_breaks_the_yaml_is_not_in_the_error(place: Place, line: str) -> None:
    path = place.write(place.hook(f'signatureKey: {{"@type": Value}}\nfilter: {line}'))
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert MARKER not in everything_said(caught.value)


def test_a_secret_file_that_is_no_text_does_not_leak_through_the_error(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"hunter2\xff")
    with pytest.raises(SecretUnavailable) as caught:
        FileSecret(file_path=str(tmp_path / "key")).read()
    assert MARKER not in everything_said(caught.value)
    assert caught.value.__context__ is None


def test_a_secret_file_is_read_anew_each_time(tmp_path: Path) -> None:
    secret = FileSecret(file_path=str(tmp_path / "key"))
    (tmp_path / "key").write_text("one\n")
    assert secret.read() == "one"
    (tmp_path / "key").write_text("two\r\n")
    assert secret.read() == "two"


def test_two_secrets_are_told_apart_by_fingerprint() -> None:
    hidden = [redacted(ValueSecret.model_validate({"secret": text})) for text in ("a", "a", "b")]
    assert hidden[0] == hidden[1] != hidden[2]


@pytest.mark.parametrize(
    "url",
    ["https://me:hunter2@h/x", "https://h/x?hunter2", "https://h/x#hunter2", "https://[hunter2", "https://hunter2@h"],
)
def test_a_shown_url_hides_whatever_may_be_a_token(url: str) -> None:
    assert MARKER not in redacted_url(url)


@pytest.mark.parametrize("payload", [{"format": "slack"}, {"format": "template", "template": "slack-violation"}])
def test_the_address_of_a_chat_is_a_secret_and_still_tells_changes(payload: dict[str, str]) -> None:
    hooks = [
        Webhook.model_validate({"name": "chat", "url": f"https://hooks.slack.com/services/{path}", "payload": payload})
        for path in (MARKER, MARKER, "other")
    ]
    shown = [redacted(hook)["url"] for hook in hooks]
    assert MARKER not in shown[0]
    assert shown[0].startswith("https://hooks.slack.com/sha256:")
    assert shown[0] == shown[1] != shown[2]
    assert webhook_fingerprint(hooks[0]) == webhook_fingerprint(hooks[1]) != webhook_fingerprint(hooks[2])


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://hooks.slack.com/services/T/B/x", True),
        ("https://Discord.com/api/webhooks/1/x", True),
        ("https://acme.webhook.office.com/webhookb2/x", True),
        ("https://prod-1.westeurope.logic.azure.com/workflows/x", True),
        ("https://hooks.slack.com.example/x", False),
        ("https://siem.example/hooks.slack.com", False),
    ],
)
def test_the_hosts_of_chats_are_known_whatever_is_sent_there(url: str, secret: bool) -> None:
    assert is_secret(Webhook.model_validate({"name": "chat", "url": url})) is secret


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(["https://", "", "http:", "://"]))
def test_law_no_password_survives_in_a_url_of_an_error(user: str, rest: str, scheme: str) -> None:
    assert MARKER not in safe_url(f"{scheme}{user}:{MARKER}{rest}@host/path")


def test_a_value_in_an_error_is_dark_by_its_path_and_a_url_is_cut() -> None:
    text = Text(Mark("f", 1, 1), "x", "https://me:hunter2@h.example/hunter2")
    assert shown(text, ("url",)) == shown(text, ("egress", "proxy")) == " ('https://h.example')"
    assert shown(text, ("httpHeaders", "X-A")) == shown(text, ("signatureKey", "secret")) == ""
    assert shown(text, ("signatureKey", "@type")) != ""


def test_a_url_of_an_error_shows_scheme_and_host_only() -> None:
    assert safe_url("https://hooks.example:8443/services/T0/B0/hunter2") == "https://hooks.example:8443"

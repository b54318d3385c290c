"""`forwarder verify` and `forwarder jwks`: captured requests in every form, the keys of a webhook or keys given, none shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli.captures import Captured, Captures, read_captures
from forwarder.cli.rawhttp import Unreadable, assembled, read_request
from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.schemes import SCHEMES
from tests.unit.cli.conftest import Forwarder

KEYS = {name: f"hunter2-{name}-key" for name in ("new", "old", "next", "other")}
AT = 1_767_225_600  # 2026-01-01T00:00:00Z
BODY = b'[{"id":1}]'
Write = Callable[[dict[str, Any]], Path]


def secret(text: str) -> dict[str, str]:
    return {"@type": "Value", "secret": text}


@pytest.fixture
def config(write: Write) -> Path:
    keys = [
        {"key": secret(KEYS["next"]), "id": "next", "notBefore": "2026-06-01T00:00:00Z"},
        {"key": secret(KEYS["new"]), "id": "new", "notBefore": "2025-06-01T00:00:00Z"},
        {"key": secret(KEYS["old"]), "id": "old", "notAfter": "2025-12-01T00:00:00Z"},
    ]
    hooks = [
        {"name": "siem", "url": "https://siem.example/in", "signature": {"scheme": "stripe", "keys": keys}},
        {"name": "chat", "url": "https://chat.example/in", "signatureKey": secret(KEYS["other"])},
        {"name": "bare", "url": "https://bare.example/in"},
    ]
    return write({"sources": [{"topic": "falco"}], "webhooks": hooks})


def headers(key: str, scheme: str = "stripe", body: bytes = BODY, at: float = AT) -> dict[str, str]:
    read = read_key(KEYS.get(key, key), SCHEMES[scheme].algorithms, SCHEMES[scheme].key_form)
    seen = {"content-type": "application/json", "forwarder-batch-id": "fb_x"}
    made = sign(
        SCHEMES[scheme], [(read.kid, read)], Message("fb_x", "", body, url="https://siem.example/in", headers=seen), at
    )
    return {"Host": "siem.example", "Content-Type": "application/json", "Forwarder-Batch-Id": "fb_x", **dict(made)}


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., Path]:
    def write(given: dict[str, str], body: bytes = BODY, end: str = "\r\n") -> Path:
        head = end.join(["POST /in HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""])
        path = tmp_path / "request.http"
        path.write_bytes(head.encode() + body)
        return path

    return write


def test_a_captured_request_was_sent_without_tls_where_its_webhook_says_so(
    forwarder: Forwarder, write: Write, raw: Callable[..., Path]
) -> None:
    url, keys = "http://siem.example/in", [secret(KEYS["new"])]
    signing = {"scheme": "rfc9421", "keys": keys, "components": ["@method", "@target-uri", "content-digest"]}
    hook = {"name": "siem", "url": url, "allowPlainHttp": True, "signature": signing}
    config = write({"sources": [{"topic": "falco"}], "webhooks": [hook]})
    key = read_key(KEYS["new"], SCHEMES["rfc9421"].algorithms, SCHEMES["rfc9421"].key_form)
    scheme = SCHEMES["rfc9421"]
    assert isinstance(scheme, HttpSignature)
    scheme = replace(scheme, components=("@method", "@target-uri", "content-digest"))
    made = sign(scheme, [(key.kid, key)], Message("fb_x", "", BODY, url=url), AT)
    path = raw({"Host": "siem.example", **dict(made)})
    result = forwarder("verify", path, "--webhook", "siem", "-c", config, "--at", "2026-01-01T00:00:30Z")
    assert (result.exit_code, "the signature holds" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("key", "code", "cause", "said"),
    [
        ("new", 0, "ok", "the signature holds, by key new"),
        ("old", 1, "key_out_of_time", "key old, which made it, has expired"),
        ("next", 1, "key_out_of_time", "key next, which made it, is not valid yet"),
        ("other", 1, "wrong_key", "of webhook chat"),
        ("hunter2-unknown", 1, "mismatch", "a key that is not here"),
    ],
)
def test_the_key_that_signed_is_named(
    forwarder: Forwarder, config: Path, raw: Callable[..., Path], key: str, code: int, cause: str, said: str
) -> None:
    path = raw(headers(key))
    options = ("verify", path, "--webhook", "siem", "-c", config, "--at", "2026-01-01T00:01:00Z")
    result = forwarder(*options)
    assert (result.exit_code, said in result.stdout) == (code, True), result.output
    told = json.loads(forwarder(*options, "-o", "json").stdout)
    assert (told["holds"], told["cause"]) == (code == 0, cause)
    assert [one["state"] for one in told["keys"]] == ["upcoming", "active", "expired"]
    assert "hunter2" not in result.output


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_of_the_head_do_not_matter(
    forwarder: Forwarder, config: Path, raw: Callable[..., Path], end: str
) -> None:
    result = forwarder(
        "verify", raw(headers("new"), end=end), "--webhook", "siem", "-c", config, "--at", "2026-01-01T00:00:00Z"
    )
    assert result.exit_code == 0


def test_a_request_from_standard_input_with_a_key_of_the_environment(
    forwarder: Forwarder, raw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEYS["new"])
    given = raw(headers("new", "github")).read_bytes()
    result = forwarder("verify", "-", "--scheme", "github", "--key", "x", "--key-env", "MY_KEY", stdin=given)
    assert (result.exit_code, "by key 2" in result.stdout) == (0, True)


def test_the_whole_url_is_known_from_the_request(forwarder: Forwarder, raw: Callable[..., Path]) -> None:
    given = ("--scheme", "rfc9421", "--key", KEYS["new"], "--at", "2026-01-01T00:00:00Z")
    assert forwarder("verify", raw(headers("new", "rfc9421")), *given).exit_code == 0
    result = forwarder("verify", raw(headers("new", "rfc9421")), *given, "--url", "https://siem.example/elsewhere")
    assert result.exit_code == 1


@pytest.mark.parametrize("form", ["lines", "object", "pairs", "curl"])
def test_headers_and_body_in_files_of_their_own(forwarder: Forwarder, tmp_path: Path, form: str) -> None:
    given = headers("new", "github")
    lines = [f"{name}: {value}" for name, value in given.items()]
    text = {
        "lines": "\n".join(lines),
        "object": json.dumps({name: [value] for name, value in given.items()}),
        "pairs": json.dumps(list(given.items())),
        "curl": "\n".join(["> POST /in HTTP/1.1", *(f"> {line}" for line in lines), ">"]),
    }[form]
    (tmp_path / "headers").write_text(text)
    (tmp_path / "body").write_bytes(BODY)
    options = ("verify", "--headers", tmp_path / "headers", "--body", tmp_path / "body", "--scheme", "github")
    assert forwarder(*options, "--key", KEYS["new"]).exit_code == 0
    (tmp_path / "body").write_bytes(BODY + b"\n")
    result = forwarder(*options, "--key", KEYS["new"])
    assert (result.exit_code, "without the line break at its end" in result.stdout) == (1, True)


def test_a_captured_file_is_checked_as_of_its_own_time(forwarder: Forwarder, config: Path, tmp_path: Path) -> None:
    captures = Captures(tmp_path / "c.jsonl")
    for number, key in enumerate(("new", "other")):
        lower = {name.lower(): value for name, value in headers(key).items()}
        captures.write(
            Captured("POST", "https://siem.example/in", lower | {"webhook-id": f"b{number}"}, BODY, AT + 10.0)
        )
    captures.close()
    assert (tmp_path / "c.jsonl").stat().st_mode & 0o777 == 0o600
    options = ("verify", "--capture", tmp_path / "c.jsonl", "--webhook", "siem", "-c", config, "-o", "json")
    result = forwarder(*options)
    assert (result.exit_code, [json.loads(line)["cause"] for line in result.stdout.splitlines()]) == (
        1,
        ["ok", "wrong_key"],
    )
    assert forwarder(*options, "--batch", "b0").exit_code == 0
    assert forwarder(*options, "--at", "2026-01-02T00:00:00Z", "--batch", "b0").exit_code == 1
    assert forwarder(*options, "--at", "2026-01-02T00:00:00Z", "--batch", "b0", "--tolerance", "2d").exit_code == 0
    assert forwarder(*options, "--batch", "b9").exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scheme", "github", "--key", "k"), "give one of"),
        (("FILE", "--headers", "FILE", "--body", "FILE", "--scheme", "github", "--key", "k"), "give one of"),
        (("--headers", "FILE", "--scheme", "github", "--key", "k"), "give one of"),
        (("FILE",), "give either --webhook, or --scheme"),
        (("FILE", "--webhook", "siem", "--scheme", "github"), "give either --webhook, or --scheme"),
        (("FILE", "--scheme", "gitub", "--key", "k"), "--scheme is one of stalwart"),
        (("FILE", "--webhook", "simm"), "no webhook is called 'simm'"),
        (("FILE", "--webhook", "bare"), "signs nothing"),
        (("FILE", "--scheme", "github", "--key-env", "FORWARDER_TEST_UNSET"), "is not set or empty"),
        (("FILE", "--scheme", "github", "--key", "k", "--at", "today"), "--at: a time is expected"),
        (("FILE", "--scheme", "github", "--key", "k", "--tolerance", "x"), "--tolerance: a duration"),
        (("/nowhere/request", "--scheme", "github", "--key", "k"), "cannot be read"),
        (("--capture", "FILE", "--scheme", "github", "--key", "k"), "line 1 is no request"),
    ],
)
def test_a_wrong_use_is_told(
    forwarder: Forwarder, config: Path, raw: Callable[..., Path], options: tuple[str, ...], said: str
) -> None:
    path = str(raw(headers("new")))
    result = forwarder("verify", *(path if option == "FILE" else option for option in options), "-c", config)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_repeated_headers_are_joined_and_bodies_kept_byte_for_byte() -> None:
    found = read_request(b"POST https://h/x HTTP/1.1\r\nA: 1\r\na: 2\r\nB:\t3 \r\n\r\n\r\n\x00\r\n\r\n")
    assert (found.headers, found.body) == ({"a": "1, 2", "b": "3"}, b"\r\n\x00\r\n\r\n")
    assert (found.method, found.url) == ("POST", "https://h/x")
    assert read_request(b"A: 1").body == b""


@pytest.mark.parametrize("head", ["no header", "{not json", '{"a": 1}', "A: 1\nwhat is this"])
def test_a_head_that_cannot_be_read_is_told_without_quoting_it(head: str) -> None:
    with pytest.raises(Unreadable) as caught:
        assembled(head, b"")
    assert head not in str(caught.value)


@pytest.mark.parametrize("line", ["x", "{}", '{"headers":{},"body":"?"}'])
def test_a_capture_that_cannot_be_read_names_the_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(read_captures(b"\n" + line.encode()))


def test_jwks_are_printed_for_static_hosting(forwarder: Forwarder, write: Write) -> None:
    private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
    keys = [{"key": secret(private), "id": "2026-a"}]
    hooks = [
        {"name": "siem", "url": "https://h/", "signature": {"scheme": "standard-webhooks", "keys": keys}},
        {"name": "chat", "url": "https://h/", "signatureKey": secret("hunter2")},
    ]
    config = write({"sources": [{"topic": "falco"}], "webhooks": hooks})
    found = json.loads(forwarder("jwks", "-c", config).stdout)
    [key] = found["keys"]
    assert key == {
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "2026-a",
        "x": "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4",
    }  # fmt: skip
    assert json.loads(forwarder("jwks", "-c", config, "--webhook", "chat").stdout) == {"keys": []}
    assert forwarder("jwks", "-c", config, "--webhook", "nobody").exit_code == 2

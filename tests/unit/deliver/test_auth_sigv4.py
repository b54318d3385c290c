"""AWS Signature Version 4 against AWS's published test suite (aws-sig-v4-test-suite: `.req` in, `.authz` out)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from forwarder.deliver.auth import sigv4
from forwarder.deliver.credentials import Credentials
from forwarder.deliver.sign.message import Message
from forwarder.settings.auth import AwsSigV4
from tests.unit.deliver.make import secret, webhook

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI"
    "/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
    "38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
AUTH = {
    "@type": "AwsSigV4",
    "region": "us-east-1",
    "service": "service",
    "accessKeyId": "AKIDEXAMPLE",
    "secretAccessKey": secret(KEY),
}


def authorization(method: str, path: str, session: str = "", content_type: str = "", body: bytes = b"") -> str:
    auth = AwsSigV4.model_validate({**AUTH, **({"sessionToken": secret(session)} if session else {})})
    headers = {"content-type": content_type} if content_type else {}
    url = f"https://example.amazonaws.com{path}"
    added = dict(sigv4.headers(auth, Message("", "", body, "", method, url, headers), NOW))
    assert added["X-Amz-Date"] == "20150830T123600Z"
    assert added.get("X-Amz-Security-Token", "") == session
    return added["Authorization"]


@pytest.mark.parametrize(
    ("name", "method", "path", "signature"),
    [
        ("get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "get-vanilla-empty-query-key",
            "GET",
            "/?Param1=value1",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            "get-vanilla-query-order-key",
            "GET",
            "/?Param1=value2&Param1=Value1",
            "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
        ),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-order-value",
            "GET",
            "/?Param1=value2&Param1=value1",
            "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
        ),
        (
            "get-unreserved",
            "GET",
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        ("get-relative", "GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "get-slash-pointless-dot",
            "GET",
            "/./example",
            "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        ),
        ("get-slashes", "GET", "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ],
)
def test_the_published_vectors(name: str, method: str, path: str, signature: str) -> None:
    scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    expected = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    assert authorization(method, path) == expected, name


def test_the_published_vector_of_a_form() -> None:
    """post-x-www-form-urlencoded"""
    proof = authorization("POST", "/", "", "application/x-www-form-urlencoded", b"Param1=value1")
    assert "SignedHeaders=content-type;host;x-amz-date, " in proof
    assert proof.endswith("Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")


def test_the_published_vector_of_temporary_credentials() -> None:
    """post-sts-header-before"""
    proof = authorization("POST", "/", SESSION)
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token, " in proof
    assert proof.endswith("Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")


def test_the_usual_port_is_not_signed_and_another_is() -> None:
    auth = AwsSigV4.model_validate(AUTH)

    def signed(url: str) -> str:
        return dict(sigv4.headers(auth, Message("", "", b"", "", "POST", url), NOW))["Authorization"]

    assert signed("https://h.example:443/") == signed("https://h.example/") == signed("https://H.example/")
    assert signed("https://h.example:8443/") != signed("https://h.example/")


def test_what_is_secret_about_it_is_known() -> None:
    credentials = Credentials(webhook(httpAuth={**AUTH, "sessionToken": secret(SESSION)}))
    assert {KEY, SESSION} <= set(credentials.values())
    assert "x-amz-security-token" in credentials.seal().secret_names
    signed = credentials.sign(Message("", "", b"", "", "POST", "https://h.example/"), NOW)
    assert [name for name, _ in signed] == ["X-Amz-Date", "X-Amz-Security-Token", "Authorization"]

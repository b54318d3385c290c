"""What is sent to log in: the login's fields, the token request's parameters, and the signed assertion."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from forwarder.deliver.auth.account import Account, account_of
from forwarder.settings.secrets import SecretUnavailable
from tests.unit.deliver.auth_rig import LOGIN
from tests.unit.deliver.make import secret, webhook

NOW = 1_700_000_000.9
OAUTH: dict[str, Any] = {
    "@type": "OAuth2",
    "tokenUrl": "https://login.example/token",
    "clientId": "for:warder",
    "clientSecret": secret("hun ter/2"),
}


def account(auth: dict[str, Any], **settings: Any) -> Account:
    made = account_of(webhook(httpAuth=auth, **settings))
    assert made is not None
    return made


def form(auth: dict[str, Any]) -> dict[str, str]:
    asking = account(auth).asking(NOW)
    assert asking.content_type == "application/x-www-form-urlencoded"
    return dict(parse_qsl(asking.content.decode(), keep_blank_values=True, strict_parsing=True))


def keyed(pem: str, **more: Any) -> dict[str, Any]:
    return {**{k: v for k, v in OAUTH.items() if k != "clientSecret"}, "privateKey": secret(pem), **more}


def pem(key: PrivateKeyTypes) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class TestLogin:
    def test_is_a_json_object_of_user_name_and_password(self) -> None:
        asking = account(LOGIN).asking(NOW)
        assert (asking.url, asking.content_type) == ("https://login.example/session", "application/json")
        assert json.loads(asking.content) == {"username": "anna", "password": "hunter2-password"}

    def test_can_be_a_form_with_other_names_and_more_fields(self) -> None:
        more = {
            "as": "form",
            "usernameField": "user",
            "passwordField": "pass",
            "fields": {"tenant": "a&b=\u00fc", "k": secret("s")},
        }
        assert form({**LOGIN, **more}) == {"user": "anna", "pass": "hunter2-password", "tenant": "a&b=\u00fc", "k": "s"}

    def test_can_carry_headers(self) -> None:
        made = account({**LOGIN, "headers": {"X-Version": "2", "X-Key": secret("hunter2-key")}})
        request = made.request(made.asking(NOW))
        assert (request.headers["X-Version"], request.headers["X-Key"]) == ("2", "hunter2-key")
        assert (request.headers["Accept"], request.method) == ("application/json", "POST")

    def test_a_header_that_would_inject_another_is_refused(self) -> None:
        with pytest.raises(SecretUnavailable, match="line break"):
            account({**LOGIN, "headers": {"X-Key": secret("a\r\nb: c")}}).asking(NOW)

    def test_goes_out_with_the_webhooks_trust_and_time_limits_of_its_own(self) -> None:
        tls = {"caFile": "/ca.pem", "serverName": "siem.internal"}
        made = account(LOGIN, tls=tls, timeout="7s", connectTimeout="2s", allowInvalidCerts=True)
        request = made.request(made.asking(NOW))
        assert (request.timeout, request.connect_timeout, request.allow_invalid_certs) == (30, 10, True)
        assert (request.tls.ca_file, request.tls.server_name) == ("/ca.pem", None)
        same = account({**LOGIN, "url": "https://siem.example/login"}, tls=tls)
        assert same.request(same.asking(NOW)).tls.server_name == "siem.internal"


class TestOAuth2:
    def test_the_client_secret_goes_into_a_header_escaped_as_in_a_form(self) -> None:
        asking = account(OAUTH).asking(NOW)
        [(name, value)] = asking.headers
        assert name == "Authorization"
        assert base64.b64decode(value.removeprefix("Basic ")) == b"for%3Awarder:hun+ter%2F2"
        assert asking.content == b"grant_type=client_credentials"

    def test_or_into_the_body(self) -> None:
        asked = form({**OAUTH, "authStyle": "body"})
        assert asked == {"grant_type": "client_credentials", "client_id": "for:warder", "client_secret": "hun ter/2"}
        assert account({**OAUTH, "authStyle": "body"}).asking(NOW).headers == ()

    def test_scopes_audience_and_parameters_are_asked_for(self) -> None:
        asked = form({**OAUTH, "scopes": ["a", "b"], "audience": "siem", "params": {"resource": "r", "k": secret("s")}})
        assert asked == {
            "grant_type": "client_credentials",
            "scope": "a b",
            "audience": "siem",
            "resource": "r",
            "k": "s",
        }

    @pytest.mark.parametrize(
        "missing", [{"@type": "None"}, {"@type": "EnvironmentVariable", "variableName": "FORWARDER_UNSET"}]
    )
    def test_fails_closed_without_its_secret(self, missing: dict[str, str]) -> None:
        with pytest.raises(SecretUnavailable):
            account({**OAUTH, "clientSecret": missing}).asking(NOW)


def verified(token: str, key: PrivateKeyTypes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims. Raises InvalidSignature."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    signed, signature = token.rpartition(".")[0].encode(), parts[2]
    match key:
        case rsa.RSAPrivateKey():
            key.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
        case ec.EllipticCurvePrivateKey():
            assert len(signature) == 64
            halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            key.public_key().verify(encode_dss_signature(*halves), signed, ec.ECDSA(SHA256()))
        case ed25519.Ed25519PrivateKey():
            key.public_key().verify(signature, signed)
    return json.loads(parts[0]), json.loads(parts[1])


RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, PrivateKeyTypes] = {
    "RS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


class TestAssertion:
    @pytest.mark.parametrize("algorithm", KEYS)
    def test_is_signed_by_the_kind_of_the_key(self, algorithm: str) -> None:
        key = KEYS[algorithm]
        asked = form(keyed(pem(key), keyId="k1"))
        header, claims = verified(asked.pop("client_assertion"), key)
        assert header == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
        assert len(claims.pop("jti")) >= 16
        assert claims == {
            "iss": "for:warder",
            "sub": "for:warder",
            "aud": "https://login.example/token",
            "iat": 1_700_000_000,
            "exp": 1_700_000_300,
        }
        assert asked == {
            "grant_type": "client_credentials",
            "client_id": "for:warder",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }

    def test_is_never_the_same_twice(self) -> None:
        made = account(keyed(pem(RSA)))
        assert made.asking(NOW).content != made.asking(NOW).content

    def test_its_audience_and_subject_can_be_chosen(self) -> None:
        asked = form(keyed(pem(RSA), assertionAudience="https://issuer.example", subject="robot"))
        _, claims = verified(asked["client_assertion"], RSA)
        assert (claims["aud"], claims["sub"]) == ("https://issuer.example", "robot")

    def test_can_be_the_grant_itself(self) -> None:
        asked = form(keyed(pem(RSA), grant="jwtBearer", scopes=["a", "b"]))
        header, claims = verified(asked["assertion"], RSA)
        assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert (header, claims["scope"], "sub" in claims) == ({"alg": "RS256", "typ": "JWT"}, "a b", False)
        assert "client_assertion" not in asked

    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("hunter2", "not a private key in PEM"),
            (pem(ec.generate_private_key(ec.SECP384R1())), "neither RSA, P-256 nor Ed25519"),
            (pem(rsa.generate_private_key(65537, 1024)), "less than 2048 bits"),
            (pem(RSA).replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "not a private key in PEM"),
        ],
    )
    def test_an_unusable_key_is_refused_without_being_shown(self, key: str, text: str) -> None:
        with pytest.raises(SecretUnavailable, match=text) as caught:
            account(keyed(key)).asking(NOW)
        assert key not in str(caught.value)

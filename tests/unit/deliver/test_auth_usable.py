"""What is checked of a login at load beyond its settings: its paths, its private key, and the client certificate's end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from forwarder.configuration import load_checked
from forwarder.errors import ConfigurationError

HOOK = """
sources: [{{topic: events}}]
webhooks:
  - name: siem
    url: https://siem.example/in
    {}
"""
LOGIN = (
    'httpAuth: {{"@type": Login, url: "https://l.example/", username: u, secret: {{"@type": Value, secret: s}}, {}}}'
)
OAUTH = 'httpAuth: {{"@type": OAuth2, tokenUrl: "https://l.example/", clientId: c, privateKey: {{"@type": File, filePath: "{}"}}}}'


def said(folder: Path, line: str) -> list[str]:
    """Errors, or else warnings."""
    config = folder / "forwarder.yaml"
    config.write_text(HOOK.format(line))
    try:
        return list(load_checked(config).warnings)
    except ConfigurationError as error:
        return error.problems


@pytest.mark.parametrize("field", ["tokenPath", "expiresInPath", "expiresAtPath"])
def test_what_is_no_path_is_refused(tmp_path: Path, field: str) -> None:
    [problem] = said(tmp_path, LOGIN.format(f"{field}: 'a..b'"))
    assert f"httpAuth.{field}: a path is expected" in problem
    assert said(tmp_path, LOGIN.format(f"{field}: 'a.b[0]'")) == []


def test_a_key_that_cannot_sign_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("hunter2")
    [problem] = said(tmp_path, OAUTH.format(tmp_path / "key.pem"))
    assert "httpAuth.privateKey: privateKey is not a private key in PEM" in problem
    assert "hunter2" not in problem
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*kinds))
    assert said(tmp_path, OAUTH.format(tmp_path / "key.pem")) == []


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=5, minutes=30), "the certificate expires in 5 hours, on 20"),
        (timedelta(hours=1, minutes=30), "the certificate expires in 1 hour, on 20"),
        (timedelta(days=13, hours=12), "the certificate expires in 13 days, on 20"),
        (timedelta(hours=-1), "the certificate has expired, on 20"),
        (timedelta(days=15), ""),
    ],
)
def test_a_client_certificate_that_ends_soon_is_a_warning(tmp_path: Path, left: timedelta, words: str) -> None:
    issued = trustme.CA().issue_cert("forwarder.example", not_after=datetime.now(UTC) + left)
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    files = f"certificateFile: {tmp_path}/client.pem, keyFile: {tmp_path}/client.key"
    warnings = said(tmp_path, f"tls: {{clientCertificate: {{{files}}}}}")
    assert len(warnings) == bool(words)
    for warning in warnings:
        assert f"tls.clientCertificate.certificateFile: {words}" in warning


def test_files_that_openssl_cannot_use_are_told_at_load(tmp_path: Path) -> None:
    authority = trustme.CA()
    one, other = (authority.issue_cert("forwarder.example") for _ in range(2))
    one.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    (tmp_path / "junk.pem").write_text("hunter2")
    [problem] = said(tmp_path, f"tls: {{caFile: {tmp_path}/junk.pem}}")
    assert f"tls.caFile: cannot be used: {tmp_path}/junk.pem: not a usable PEM file" in problem
    pair = f"certificateFile: {tmp_path}/client.pem, keyFile: {tmp_path}/client.key"
    [warning] = said(tmp_path, f"tls: {{clientCertificate: {{{pair}}}}}")
    assert "tls.clientCertificate: cannot be used, and nothing is sent until it can" in warning
    assert "KEY_VALUES_MISMATCH" in warning
    one.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert said(tmp_path, f"tls: {{caFile: {tmp_path}/ca.pem, clientCertificate: {{{pair}}}}}") == []

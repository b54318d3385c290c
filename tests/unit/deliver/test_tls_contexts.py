"""TLS contexts: shared, rebuilt when files change, and clear about files that cannot be used."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from forwarder.deliver import tls as module
from forwarder.deliver.tls import TlsContexts, TlsUnusable
from forwarder.settings.tls import Tls
from tests.unit.deliver.make import secret


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def identity(authority: trustme.CA, folder: Path, password: bytes | None = None) -> dict[str, object]:
    """A client certificate on disk, its key encrypted when a password is given."""
    issued = authority.issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (folder / "client.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    )
    return {"certificateFile": str(folder / "client.pem"), "keyFile": str(folder / "client.key")}


def test_equal_settings_share_one_context() -> None:
    contexts = TlsContexts()
    assert contexts.context(Tls(), False) is contexts.context(Tls(), False)
    assert contexts.context(Tls(server_name="a.example"), False) is contexts.context(Tls(), False)
    assert contexts.context(Tls(), True) is not contexts.context(Tls(), False)


def test_certificates_are_checked_unless_told_otherwise() -> None:
    contexts = TlsContexts()
    strict, lax = contexts.context(Tls(), False), contexts.context(Tls(), True)
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_the_least_version_is_kept() -> None:
    contexts = TlsContexts()
    assert contexts.context(Tls(), False).minimum_version == ssl.TLSVersion.TLSv1_2
    assert contexts.context(Tls(min_version="1.3"), False).minimum_version == ssl.TLSVersion.TLSv1_3


def test_a_ca_file_replaces_the_systems_trust(ca_file: Path) -> None:
    assert TlsContexts().context(Tls(ca_file=str(ca_file)), False).cert_store_stats()["x509_ca"] == 1


def test_a_changed_file_makes_a_new_context(ca_file: Path) -> None:
    contexts, tls = TlsContexts(), Tls(ca_file=str(ca_file))
    before = contexts.context(tls, False)
    assert contexts.context(tls, False) is before
    os.utime(ca_file, (1, 1))
    assert contexts.context(tls, False) is not before


def test_a_missing_or_broken_file_is_named(tmp_path: Path, ca_file: Path) -> None:
    with pytest.raises(TlsUnusable, match=r"gone\.pem: No such file"):
        TlsContexts().context(Tls(ca_file=str(tmp_path / "gone.pem")), False)
    ca_file.write_text("not a certificate")
    with pytest.raises(TlsUnusable, match=r"ca\.pem: not a usable PEM file"):
        TlsContexts().context(Tls(ca_file=str(ca_file)), False)


def test_an_encrypted_key_opens_with_its_password(authority: trustme.CA, tmp_path: Path) -> None:
    files = identity(authority, tmp_path, b"hunter2")
    tls = Tls.model_validate({"clientCertificate": {**files, "keyPassword": secret("hunter2")}})
    assert TlsContexts().context(tls, False)


@pytest.mark.parametrize("password", [None, "wrong!"])
def test_an_encrypted_key_without_its_password_fails_at_once(
    authority: trustme.CA, tmp_path: Path, password: str | None
) -> None:
    """OpenSSL would otherwise ask on the terminal."""
    given = {"keyPassword": secret(password)} if password else {}
    tls = Tls.model_validate({"clientCertificate": {**identity(authority, tmp_path, b"hunter2"), **given}})
    with pytest.raises(TlsUnusable, match=r"client\.key: not a usable PEM file") as caught:
        TlsContexts().context(tls, False)
    assert "wrong!" not in str(caught.value)


def test_without_any_system_trust_the_bundled_one_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert TlsContexts().context(Tls(), False).cert_store_stats()["x509_ca"] > 50


def test_contexts_of_settings_long_gone_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ca_file: Path
) -> None:
    monkeypatch.setattr(module, "_MOST_CONTEXTS", 2)
    contexts = TlsContexts()
    first = contexts.context(Tls(ca_file=str(ca_file)), False)
    for version in ("1.2", "1.3"):
        contexts.context(Tls(min_version=version), False)
    assert contexts.context(Tls(ca_file=str(ca_file)), False) is not first

"""TLS contexts, built once per setting and file contents, because building one costs tens of milliseconds. Opens no connection."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from forwarder.settings.tls import Tls

_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_MOST_CONTEXTS = 1024

Stamp = tuple[tuple[int, int, int], ...]


class TlsUnusable(Exception):
    """A certificate, key or CA file cannot be used. The text names the path, never a password."""


class TlsContexts:
    """Webhooks with equal TLS settings share one context, and through it their connections."""

    def __init__(self) -> None:
        self._built: dict[tuple[Tls, bool], tuple[Stamp, ssl.SSLContext]] = {}

    def context(self, tls: Tls, allow_invalid_certs: bool) -> ssl.SSLContext:
        """The context for these settings; made anew when a file changed. Raises TlsUnusable, SecretUnavailable."""
        key = (tls.model_copy(update={"server_name": None}) if tls.server_name else tls, allow_invalid_certs)
        stamp = tuple(_stamp(path) for path in _files(tls))
        built = self._built.pop(key, None)
        if built is None or built[0] != stamp:
            built = (stamp, build(tls, allow_invalid_certs))
        self._built[key] = built  # last used last, so that the first is the one to forget
        if len(self._built) > _MOST_CONTEXTS:
            del self._built[next(iter(self._built))]
        return built[1]


def build(tls: Tls, allow_invalid_certs: bool) -> ssl.SSLContext:
    """System trust, or only `ca_file` when given. Raises TlsUnusable, SecretUnavailable."""
    context = trusting(tls.ca_file)
    context.minimum_version = _MINIMUM[tls.min_version]
    context.set_alpn_protocols(["http/1.1"])
    if allow_invalid_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    identify(tls, context)
    return context


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """A context that trusts the authorities of a file, else those of the system. Raises TlsUnusable."""
    if ca_file is None:
        context = ssl.create_default_context()
        if not _system_trusts_anybody():
            _trust_bundled(context)
        return context
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise TlsUnusable(f"tls.caFile {ca_file}: {_words(error)}") from None


def identify(tls: Tls, context: ssl.SSLContext | None = None) -> None:
    """Give a context the client certificate; without one, only try it. Raises TlsUnusable, SecretUnavailable."""
    identity = tls.client_certificate
    if identity is None:
        return
    # Without a password OpenSSL would ask for one on the terminal, and wait for ever.
    password = identity.key_password.read() or ""
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(identity.certificate_file, identity.key_file, password=password)
    except (OSError, ValueError) as error:
        files = f"{identity.certificate_file}, {identity.key_file}"
        raise TlsUnusable(f"tls.clientCertificate {files}: {_words(error)}") from None


def _system_trusts_anybody() -> bool:
    """Whether OpenSSL's default places hold a certificate; a minimal container image often has none."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile and Path(paths.cafile).stat().st_size > 0:
        return True
    return paths.capath is not None and any(Path(paths.capath).iterdir())


def _trust_bundled(context: ssl.SSLContext) -> None:
    try:
        import certifi
    except ImportError:
        return  # then every handshake fails as untrusted, which is the safe way to find out
    context.load_verify_locations(cafile=certifi.where())


def _files(tls: Tls) -> list[str]:
    identity = tls.client_certificate
    pair = [identity.certificate_file, identity.key_file] if identity else []
    return ([tls.ca_file] if tls.ca_file else []) + pair


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise TlsUnusable(f"{path}: {_words(error)}") from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a usable PEM file ({error.reason or 'no certificate or key found'})"
    return getattr(error, "strerror", None) or type(error).__name__

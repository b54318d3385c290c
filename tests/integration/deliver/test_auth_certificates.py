"""Client certificates over real TLS: a rotated one is shown on the next new connection, without a restart."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import trustme
from cryptography import x509

from forwarder.model.attempt import Failure, Fault
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.login_server import attempted, status
from tests.integration.deliver.servers import Received, answer, receiver


def rotate(authority: trustme.CA, folder: Path) -> int:
    """A new certificate and key in the places of the old ones. Returns its serial number."""
    issued = authority.issue_cert("forwarder.example")
    pem = issued.cert_chain_pems[0].bytes()
    for name, content in (("client.pem", pem), ("client.key", issued.private_key_pem.bytes())):
        (folder / f"{name}.new").write_bytes(content)
        (folder / f"{name}.new").replace(folder / name)
    return x509.load_pem_x509_certificate(pem).serial_number


async def test_a_rotated_certificate_is_shown_without_a_restart(sender: Making, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(trust)
    authority.configure_trust(trust)
    trust.verify_mode = ssl.CERT_REQUIRED
    shown: list[int] = []

    async def note(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(int(writer.get_extra_info("peercert")["serialNumber"], 16))
        await answer()(request, reader, writer)

    first = rotate(authority, tmp_path)
    identity = {"certificateFile": str(tmp_path / "client.pem"), "keyFile": str(tmp_path / "client.key")}
    async with receiver(note, trust) as server:
        tls = {"caFile": str(tmp_path / "ca.pem"), "clientCertificate": identity}
        sending = sender(url=f"https://127.0.0.1:{server.port}/", tls=tls)
        assert [status(await attempted(sending)) for _ in range(2)] == [200, 200]
        second = rotate(authority, tmp_path)
        assert [status(await attempted(sending)) for _ in range(2)] == [200, 200]
        assert shown == [first, first, second, second]
        assert server.connections == 2


async def test_a_key_that_does_not_belong_to_its_certificate_is_named_and_passes_when_it_is_mended(
    sender: Making, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(trust)
    rotate(authority, tmp_path)
    identity = {"certificateFile": str(tmp_path / "client.pem"), "keyFile": str(tmp_path / "client.key")}
    async with receiver(answer(), trust) as server:
        tls = {"caFile": str(tmp_path / "ca.pem"), "clientCertificate": identity}
        sending = sender(url=f"https://127.0.0.1:{server.port}/", tls=tls)
        (tmp_path / "client.key").write_bytes(authority.issue_cert("other.example").private_key_pem.bytes())
        broken = (await attempted(sending)).result
        assert isinstance(broken, Failure)
        assert broken.fault is Fault.TLS
        assert "client.key" in broken.text
        rotate(authority, tmp_path)
        assert status(await attempted(sending)) == 200

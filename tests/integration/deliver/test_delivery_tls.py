"""TLS against real servers with certificates of a private authority."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from forwarder.deliver.sender import Sender
from forwarder.model.attempt import Attempt, Failure, Fault
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.servers import answer, handshakes, receiver
from tests.unit.deliver.make import batch, event

BATCH = batch(event())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_side(authority: trustme.CA, *names: str, clients: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    if clients:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def attempted(sending: Sender) -> Attempt:
    return await sending.attempt(sending.prepare(BATCH), 1, {})


def refusal(attempt: Attempt) -> str:
    assert isinstance(attempt.result, Failure), attempt.result
    assert attempt.result.fault is Fault.TLS
    return attempt.result.text


async def test_a_private_authority_is_trusted_through_ca_file_and_connections_are_kept(
    sender: Making, authority: trustme.CA, ca_file: str
) -> None:
    async with receiver(answer(), server_side(authority)) as server:
        sending = sender(url=f"https://127.0.0.1:{server.port}/", tls={"caFile": ca_file})
        assert [(await attempted(sending)).outcome_class for _ in range(3)] == ["http_2xx"] * 3
    assert server.connections == 1


async def test_an_unknown_authority_is_a_tls_fault_that_says_so(sender: Making, authority: trustme.CA) -> None:
    async with receiver(answer(), server_side(authority)) as server:
        text = refusal(await attempted(sender(url=f"https://127.0.0.1:{server.port}/")))
    assert text.startswith("the certificate is not trusted: ")
    assert server.requests == []


async def test_a_certificate_for_another_name_is_a_tls_fault(
    sender: Making, authority: trustme.CA, ca_file: str
) -> None:
    async with receiver(answer(), server_side(authority, "siem.example")) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert "not valid for" in refusal(await attempted(sender(url=url, tls={"caFile": ca_file})))
        named = sender(url=url, tls={"caFile": ca_file, "serverName": "siem.example"})
        assert (await attempted(named)).outcome_class == "http_2xx"


async def test_an_invalid_certificate_is_accepted_only_when_asked_for(sender: Making, authority: trustme.CA) -> None:
    async with receiver(answer(), server_side(authority, "other.example")) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert (await attempted(sender(url=url, allowInvalidCerts=True))).outcome_class == "http_2xx"
        refusal(await attempted(sender(url=url)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_opens_what_is_closed_without_it(
    sender: Making, authority: trustme.CA, ca_file: str, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    issued = authority.issue_cert("forwarder.example")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    identity = {"certificateFile": str(tmp_path / "client.pem"), "keyFile": str(tmp_path / "client.key")}
    trust = server_side(authority, clients=True)
    trust.maximum_version = version
    async with receiver(answer(), trust) as server:
        url = f"https://127.0.0.1:{server.port}/"
        known = sender(url=url, tls={"caFile": ca_file, "clientCertificate": identity})
        assert (await attempted(known)).outcome_class == "http_2xx"
    async with handshakes(trust) as port:
        unknown = sender(url=f"https://127.0.0.1:{port}/", tls={"caFile": ca_file})
        assert "alert" in refusal(await attempted(unknown)) or version is ssl.TLSVersion.TLSv1_2


async def test_a_server_too_old_is_a_tls_fault(sender: Making, authority: trustme.CA, ca_file: str) -> None:
    trust = server_side(authority)
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    async with handshakes(trust) as port:
        newest = sender(url=f"https://127.0.0.1:{port}/", tls={"caFile": ca_file, "minVersion": "1.3"})
        assert "version" in refusal(await attempted(newest))


async def test_plain_http_behind_an_https_url_is_a_tls_fault(sender: Making) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.write_eof()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "version" in refusal(await attempted(sender(url=f"https://127.0.0.1:{port}/")))


async def test_a_file_that_is_gone_is_a_tls_fault_that_names_it(sender: Making, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.pem")
    text = refusal(await attempted(sender(url="https://127.0.0.1:1/", tls={"caFile": gone})))
    assert gone in text

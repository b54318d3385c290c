"""Settings become connection options; what cannot be used is refused with the setting's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from forwarder.errors import StartupError
from forwarder.kafka.connection import (
    TokenFile,
    broker_address,
    client_options,
    faust_brokers,
    faust_credentials,
)
from forwarder.settings.kafka import Kafka


def kafka(brokers: str = "k:1", **security: object) -> Kafka:
    return Kafka.model_validate({"brokers": brokers, "security": security})


@pytest.mark.parametrize(
    ("broker", "address"),
    [
        ("k1:9093", ("k1", 9093)),
        ("k1", ("k1", 9092)),
        ("[::1]:9093", ("::1", 9093)),
        ("[::1]", ("::1", 9092)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
    ],
)
def test_a_broker_is_a_host_and_a_port(broker: str, address: tuple[str, int]) -> None:
    assert broker_address(broker) == address


@pytest.mark.parametrize(
    "broker", ["", ":9092", "k:0", "k:65536", "k:x", "kafka://k:9092", "user:pw@k:9092", "k:9092/x"]
)
def test_anything_else_is_refused(broker: str) -> None:
    with pytest.raises(StartupError, match="is not host:port") as refused:
        broker_address(broker)
    assert not refused.value.retryable


def test_plaintext_needs_no_credentials() -> None:
    options = client_options(kafka("a:1,[::1]:2"))
    assert options["bootstrap_servers"] == ["a:1", "[::1]:2"]
    assert options["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_mechanism"} & options.keys()
    assert faust_credentials(kafka()) is None
    assert faust_brokers(kafka("a:1,[::1]:2")) == "kafka://a:1;kafka://[::1]:2"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_a_login_reaches_both_kinds_of_client(mechanism: str, protocol: str) -> None:
    secret = {"@type": "Value", "secret": "pw"}
    settings = kafka(protocol=protocol, mechanism=mechanism, username="u", password=secret)
    options, credentials = client_options(settings), faust_credentials(settings)
    assert (options["sasl_mechanism"], options["sasl_plain_username"], options["sasl_plain_password"]) == (
        mechanism,
        "u",
        "pw",
    )
    assert (credentials.mechanism.value, credentials.username, credentials.password) == (mechanism, "u", "pw")
    assert options["security_protocol"] == credentials.protocol.value == protocol
    assert ("ssl_context" in options) == (protocol == "SASL_SSL") == (credentials.ssl_context is not None)


async def test_a_token_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    settings = kafka(protocol="SASL_PLAINTEXT", mechanism="OAUTHBEARER", token_file=str(path))
    provider = client_options(settings)["sasl_oauth_token_provider"]
    assert isinstance(provider, TokenFile)
    assert await provider.token() == "one"
    path.write_text("two")
    assert await provider.token() == "two"
    path.write_text(" ")
    with pytest.raises(StartupError, match="is empty"):
        await provider.token()
    path.unlink()
    with pytest.raises(StartupError, match="No such file"):
        await provider.token()


@pytest.mark.parametrize(
    ("security", "text"),
    [
        ({"protocol": "SASL_PLAINTEXT", "mechanism": "OAUTHBEARER"}, "needs tokenFile"),
        ({"protocol": "SSL", "ca_file": "missing.pem"}, "cannot load missing.pem"),
        (
            {
                "protocol": "SASL_PLAINTEXT",
                "password": {"@type": "EnvironmentVariable", "variableName": "FORWARDER_NO_SUCH"},
            },
            "FORWARDER_NO_SUCH is not set",
        ),
    ],
)
def test_what_cannot_be_read_is_named(security: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError, match=text):
        client_options(kafka(**security))

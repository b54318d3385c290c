"""Logins and TLS against a Kafka that asks for them: what works, and that each mistake is named as what it is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from forwarder.errors import StartupError
from forwarder.kafka.preflight import check_connections, preflight
from forwarder.kafka.producer import Produced, ProduceFailed, RecordProducer
from forwarder.settings.kafka import Kafka
from forwarder.settings.process import Settings
from tests.integration.kafka.fleet import ToyWorker
from tests.support.kafka import RealKafka, java_command
from tests.support.process import free_port

PLAIN_LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="admin" password="admin-pw" user_admin="admin-pw" user_forwarder="right" '
    'user_nobody="right" user_groupless="right" user_readonly="right";'
)


def pkcs8(certificate: trustme.LeafCert) -> bytes:
    """The private key in the only form that Kafka reads."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Secured:
    """One broker with listeners PLAINTEXT (for the harness), SASL_PLAINTEXT, SASL_SSL and SSL with client certificates."""

    def __init__(self, folder: Path) -> None:
        self.ports = {name: free_port() for name in ("SASL_PLAINTEXT", "SASL_SSL", "SSL")}
        authority = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        server, client = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert("client@forwarder")
        self.certificate_file, self.key_file = str(folder / "client.pem"), str(folder / "client-key.pem")
        client.cert_chain_pems[0].write_to_path(self.certificate_file)
        client.private_key_pem.write_to_path(self.key_file)
        keystore = folder / "server.pem"
        keystore.write_bytes(pkcs8(server) + b"".join(part.bytes() for part in server.cert_chain_pems))
        other = trustme.CA()
        self.other_ca_file = str(folder / "other.pem")
        other.cert_pem.write_to_path(self.other_ca_file)
        self.kafka = RealKafka(folder / "kafka", overrides=self._overrides(keystore), heap="512m")
        self.kafka_ports = ""

    def _overrides(self, keystore: Path) -> dict[str, str]:
        overrides = {
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.ca_file,
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^.*$/certified/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:admin;User:certified",
        }
        for name in ("sasl_plaintext", "sasl_ssl"):
            overrides[f"listener.name.{name}.plain.sasl.jaas.config"] = PLAIN_LOGIN
        return overrides

    def start(self) -> None:
        """The harness fixes the plain port when it is built, so the listeners are complete only now."""
        extra = ",".join(f"{name}://127.0.0.1:{port}" for name, port in self.ports.items())
        plain = f"PLAINTEXT://127.0.0.1:{self.kafka.port}"
        controller = f"CONTROLLER://127.0.0.1:{self.kafka._controller_port}"
        self.kafka._overrides["listeners"] = f"{plain},{controller},{extra}"
        self.kafka._overrides["advertised.listeners"] = f"{plain},{extra}"
        self.kafka.start()
        self._allow("forwarder", "All", "--topic", "--group")
        self._allow("groupless", "All", "--topic")
        self._allow("readonly", "Describe", "--topic", "--group")

    def _allow(self, user: str, operation: str, *kinds: str) -> None:
        resources = [word for kind in kinds for word in (kind, "*")]
        command = [*java_command("-Xmx64m"), "org.apache.kafka.tools.AclCommand", "--add", "--force"]
        command += ["--bootstrap-server", self.kafka.bootstrap, "--allow-principal", f"User:{user}"]
        done = subprocess.run(
            [*command, "--operation", operation, *resources], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def settings(self, listener: str, **security: Any) -> Kafka:
        port = self.kafka.port if listener == "PLAINTEXT" else self.ports[listener]
        return Kafka.model_validate(
            {"brokers": f"127.0.0.1:{port}", "group": "g", "security": {"protocol": listener, **security}}
        )

    def login(self, password: str = "right", username: str = "forwarder") -> dict[str, Any]:
        return {"username": username, "password": {"@type": "Value", "secret": password}}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    broker = Secured(tmp_path_factory.mktemp("secured"))
    broker.start()
    yield broker
    broker.kafka.kill()


def works(secured: Secured) -> list[Kafka]:
    certificate = {"certificate_file": secured.certificate_file, "key_file": secured.key_file}
    return [
        secured.settings("SASL_PLAINTEXT", **secured.login()),
        secured.settings("SASL_SSL", ca_file=secured.ca_file, **secured.login()),
        secured.settings("SSL", ca_file=secured.ca_file, **certificate),
    ]


@pytest.mark.parametrize("index", range(3), ids=["SASL_PLAINTEXT", "SASL_SSL", "SSL"])
async def test_with_the_right_login_everything_works(secured: Secured, index: int) -> None:
    topic = await secured.kafka.topics.create()
    kafka = works(secured)[index]
    found = await preflight(Settings.model_validate({"kafka": kafka, "sources": [{"topic": topic}]}))
    assert found.unchecked == ()
    producer = RecordProducer(kafka)
    assert await producer.produce(topic, None, b"v", ()) == Produced(topic, 0, 0)
    await producer.close()


@pytest.mark.parametrize("index", range(3), ids=["SASL_PLAINTEXT", "SASL_SSL", "SSL"])
async def test_a_worker_logs_in_too(secured: Secured, tmp_path: Path, index: int) -> None:
    topic = await secured.kafka.topics.create()
    await secured.kafka.topics.produce(topic, [b"a"])
    kafka = works(secured)[index].model_dump(mode="python", by_alias=True)
    if index < 2:
        kafka["security"]["password"] = {"@type": "Value", "secret": "right"}
    worker = ToyWorker(
        "w", secured.kafka, secured.kafka.topics.unique("g"), topic, tmp_path, security=kafka["security"]
    )
    worker.command[2] = kafka["brokers"][0]
    worker.start()
    worker.wait_for("d")
    assert worker.terminate() == 0


async def refusal(kafka: Kafka) -> StartupError:
    with pytest.raises(StartupError) as refused:
        await check_connections(kafka)
    return refused.value


async def test_a_wrong_password_is_named(secured: Secured) -> None:
    error = await refusal(secured.settings("SASL_PLAINTEXT", **secured.login("wrong")))
    assert "refused the login of 'forwarder'" in str(error)
    assert "wrong" not in str(error)
    assert not error.retryable


async def test_a_mechanism_that_is_not_offered_is_named(secured: Secured) -> None:
    error = await refusal(secured.settings("SASL_PLAINTEXT", mechanism="SCRAM-SHA-512", **secured.login()))
    assert "does not offer SCRAM-SHA-512" in str(error)


async def test_a_certificate_from_somebody_else_is_named(secured: Secured) -> None:
    error = await refusal(secured.settings("SASL_SSL", ca_file=secured.other_ca_file, **secured.login()))
    assert "is not trusted" in str(error)
    assert not error.retryable


async def test_a_missing_client_certificate_is_named(secured: Secured) -> None:
    error = await refusal(secured.settings("SSL", ca_file=secured.ca_file))
    assert "certificateFile" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    ("spoken", "listener", "text"),
    [
        ("PLAINTEXT", "SASL_SSL", "speaks TLS: set kafka.security.protocol to SSL"),
        ("SASL_PLAINTEXT", "SASL_SSL", "speaks TLS: set kafka.security.protocol to SASL_SSL"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "takes no login: set kafka.security.protocol to PLAINTEXT"),
        ("SSL", "PLAINTEXT", "is SSL right for this listener"),
    ],
)
async def test_the_wrong_protocol_is_named(secured: Secured, spoken: str, listener: str, text: str) -> None:
    there = secured.settings(listener)
    kafka = secured.settings(spoken, ca_file=secured.ca_file, **secured.login())
    error = await refusal(kafka.model_copy(update={"brokers": there.brokers}))
    assert text in str(error)


async def test_no_login_where_one_is_wanted_is_named(secured: Secured) -> None:
    kafka = secured.settings("PLAINTEXT").model_copy(update={"brokers": secured.settings("SASL_PLAINTEXT").brokers})
    with pytest.raises(StartupError, match="is PLAINTEXT right for this listener"):
        await preflight(Settings.model_validate({"kafka": kafka, "sources": [{"topic": "t"}]}))


async def denied(secured: Secured, username: str) -> StartupError:
    topic = await secured.kafka.topics.create()
    kafka = secured.settings("SASL_PLAINTEXT", **secured.login(username=username))
    with pytest.raises(StartupError) as refused:
        await preflight(Settings.model_validate({"kafka": kafka, "sources": [{"topic": topic}]}))
    assert not refused.value.retryable
    return refused.value


async def test_a_source_that_may_not_be_read_is_named(secured: Secured) -> None:
    """Faust alone runs on and idles."""
    assert "may not read topic" in str(await denied(secured, "nobody"))


async def test_a_group_that_may_not_be_used_is_named(secured: Secured) -> None:
    """Faust alone runs on and idles without one line."""
    assert "may not use group g" in str(await denied(secured, "groupless"))


async def test_topics_that_may_not_be_made_are_named(secured: Secured) -> None:
    assert "may not create topic g-checkpoint-" in str(await denied(secured, "readonly"))


async def test_a_login_that_may_not_write_dead_letters_is_told_what_to_grant(secured: Secured) -> None:
    topic = await secured.kafka.topics.create()
    producer = RecordProducer(secured.settings("SASL_PLAINTEXT", **secured.login(username="readonly")))
    answer = await producer.produce(topic, None, b"v", ())
    await producer.close()
    assert isinstance(answer, ProduceFailed)
    assert f"grant Write and Describe on topic {topic}" in answer.text

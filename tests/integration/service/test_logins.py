"""Authentication in the running service: one login for many lanes, one that fails and harms nobody else, and no secret in any line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

from forwarder.cli.receiver import Receiver
from tests.integration.deliver.login_server import doors
from tests.integration.deliver.servers import answer, receiver
from tests.integration.service.scenario import accepted, config_for, event, forwarder, until_received
from tests.support.kafka import RealKafka


def client_certificate(folder: Path, ends: datetime) -> dict[str, Any]:
    issued = trustme.CA().issue_cert("forwarder.example", not_after=ends)
    issued.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    issued.private_key_pem.write_to_path(str(folder / "client.key"))
    return {"certificateFile": str(folder / "client.pem"), "keyFile": str(folder / "client.key")}


async def test_lanes_share_a_login_and_one_that_fails_stops_only_its_own(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=1)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    certificate = client_certificate(tmp_path, ends)
    async with (
        Receiver() as one,
        Receiver() as two,
        Receiver() as shut,
        doors() as door,
        receiver(answer(403)) as closed,
    ):
        wrong = door.login(url=f"http://127.0.0.1:{closed.port}/")
        hooks = [
            {"name": "one", "url": one.url, "throttle": "50ms", "httpAuth": door.login()},
            {"name": "two", "url": two.url, "throttle": "50ms", "httpAuth": door.login()},
            {"name": "shut", "url": shut.url, "throttle": "50ms", "httpAuth": wrong},
        ]
        hooks[2]["tls"] = {"clientCertificate": certificate}
        async with forwarder(config_for(tmp_path, kafka, topic, [topic], hooks)) as worker:
            await kafka.topics.produce(topic, [event(n, 0) for n in range(20)], partition=0)
            assert (await until_received(one, range(20))).clean
            assert (await until_received(two, range(20))).clean
            failed = "forwarder_attempts_total"
            labels = {"webhook": "shut", "class": "credentials"}
            await asyncio.to_thread(worker.wait_metric, failed, lambda n: n > 0, 20.0, **labels)
            assert accepted(shut) == []
            assert len(door.logins.requests) == 1
            assert worker.logged("login at 127.0.0.1: answered 403")
            end = "forwarder_certificate_not_after_timestamp_seconds"
            found = await asyncio.to_thread(
                worker.wait_metric, end, lambda n: n > 0, 20.0, webhook="shut", kind="client"
            )
            assert found == ends.timestamp()
            assert worker.logged("a client certificate ends")
            assert "hunter2" not in worker.process.output()

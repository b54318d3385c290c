"""When client certificates end: a metric for each webhook that shows one, and a warning while there is time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from forwarder.flow.certificates import Certificates
from tests.unit.flow.flow_rig import WALL, Flow, hook

METRIC = "forwarder_certificate_not_after_timestamp_seconds"
NOW = datetime.fromtimestamp(WALL, UTC)

pytestmark = pytest.mark.looptime


def shown(folder: Path, ends: datetime) -> dict[str, Any]:
    """Settings that name a certificate which ends then; one that is there is replaced."""
    issued = trustme.CA().issue_cert("forwarder.example", not_before=NOW - timedelta(days=90), not_after=ends)
    issued.cert_chain_pems[0].write_to_path(str(folder / "new.pem"))
    (folder / "new.pem").replace(folder / "client.pem")
    files = {"certificateFile": str(folder / "client.pem"), "keyFile": str(folder / "client.key")}
    return {"tls": {"clientCertificate": files}}


def end_of(flow: Flow, webhook: str) -> float | None:
    found: float | None = flow.metrics.registry.get_sample_value(METRIC, {"webhook": webhook, "kind": "client"})
    return found


def told(flow: Flow) -> list[str]:
    return [line["why"] for line in flow.lines.told("a client certificate ends")]


async def test_the_end_is_a_metric_of_the_webhooks_that_show_a_certificate(tmp_path: Path) -> None:
    flow = Flow(hook(**shown(tmp_path, NOW + timedelta(days=90))), hook("plain"))
    Certificates(flow.roster, flow.observer, flow.clock).look()
    assert end_of(flow, "siem") == (NOW + timedelta(days=90)).timestamp()
    assert end_of(flow, "plain") is None
    assert told(flow) == []


async def test_one_that_ends_tonight_is_told_and_a_new_one_is_noticed(tmp_path: Path) -> None:
    flow = Flow(hook(**shown(tmp_path, NOW + timedelta(hours=5, seconds=30))))
    certificates = Certificates(flow.roster, flow.observer, flow.clock)
    for _ in range(3):
        certificates.look()
        await flow.clock.sleep(1)
    [why] = told(flow)
    assert why.startswith("expires in 5 hours, on ")
    shown(tmp_path, NOW + timedelta(days=90))
    certificates.look()
    assert end_of(flow, "siem") == (NOW + timedelta(hours=5, seconds=30)).timestamp()
    await flow.clock.sleep(60)
    certificates.look()
    assert end_of(flow, "siem") == (NOW + timedelta(days=90)).timestamp()
    assert len(told(flow)) == 1


async def test_a_file_that_is_gone_has_no_end(tmp_path: Path) -> None:
    flow = Flow(hook(**shown(tmp_path, NOW + timedelta(days=90))))
    certificates = Certificates(flow.roster, flow.observer, flow.clock)
    certificates.look()
    (tmp_path / "client.pem").unlink()
    await flow.clock.sleep(60)
    certificates.look()
    assert end_of(flow, "siem") is None

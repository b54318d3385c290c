"""Tenants, sets and types on a real Kafka: a company's events go to its tenant, and `forwarder events` says who gets what."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli.receiver import Receiver
from forwarder.errors import StartupError
from forwarder.kafka.tail import tail
from forwarder.settings.kafka import Kafka
from tests.integration.service.scenario import accepted, config_for, forwarder
from tests.support.kafka import ROOT, RealKafka

KINDS = ["site_script.new_script", "site.header_change", "site_script.new_behavior", "odd.one"]
ACCOUNTS = ["9001", "shop-eu", "globex", "9001"]


def source_defense(number: int) -> bytes:
    """An event as Source Defense writes it; four kinds for four accounts, in turn."""
    turn = number % 4
    return json.dumps({
        "event_name": KINDS[turn], "event_type": turn, "timestamp": "2026-11-22T10:00:00", "account_id": ACCOUNTS[turn],
        "data": {"n": number, "p": 0},
    }).encode()  # fmt: skip


async def events(config: Path, *arguments: str) -> list[dict[str, Any]]:
    """What the command prints, started as people start it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "forwarder", "events", "-c", str(config), "-o", "json", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, told = await child.communicate()
    assert child.returncode == 0, told.decode()
    return list(json.loads(out)["types"])


async def test_a_company_is_its_tenant_and_the_types_seen_tell_who_gets_them(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as shop, Receiver() as scripts:
        hooks = [
            {"name": "shop", "url": shop.url, "throttle": "50ms", "tenants": ["shop"], "includeChildren": True,
             "eventsPolicy": "include", "events": ["site*"]},
            {"name": "scripts", "url": scripts.url, "throttle": "50ms", "eventsPolicy": "include",
             "eventSets": ["sourcedefense.script-changes"], "filter": "data.data.n > 3"},
        ]  # fmt: skip
        tree = {"shop": {"companies": ["9001"], "children": ["shop-eu"]}}
        sources = [{"topic": topic, "preset": "sourcedefense", "startAt": "earliest"}]
        config = config_for(tmp_path, kafka, topic, sources, hooks, tenants=tree)
        async with forwarder(config) as worker:
            for partition in (0, 1):
                values = [source_defense(n) for n in range(40) if n % 2 == partition]
                await kafka.topics.produce(topic, values, partition=partition)
            async with asyncio.timeout(30):
                while len(accepted(shop)) < 20 or len(accepted(scripts)) < 18:
                    await asyncio.sleep(0.1)
            assert sorted(data["n"] for data in accepted(shop)) == [n for n in range(40) if n % 4 in (0, 1)]
            assert sorted(data["n"] for data in accepted(scripts)) == [n for n in range(4, 40) if n % 4 in (0, 2)]
            asked = await events(config, "--url", f"http://127.0.0.1:{worker.port}")
            filtered = await events(config, "--url", f"http://127.0.0.1:{worker.port}", "--webhook", "scripts")
        read = await events(config, "--from-kafka", "--last", "1000")
        newest = await events(config, "--from-kafka", "--last", "8")
    assert (
        {row["type"]: row["count"] for row in asked}
        == {row["type"]: row["count"] for row in read}
        == dict.fromkeys(KINDS, 10)
    )
    assert {row["type"]: row["webhooks"] for row in asked} == {
        "site_script.new_script": {"shop": "yes", "scripts": "filter"}, "site.header_change": {"shop": "yes"},
        "site_script.new_behavior": {"scripts": "filter"}, "odd.one": {},
    }  # fmt: skip
    assert {row["type"]: list(row["webhooks"]) for row in read} == {
        "site_script.new_script": ["shop", "scripts"], "site.header_change": ["shop"],
        "site_script.new_behavior": ["scripts"], "odd.one": [],
    }  # fmt: skip
    assert (
        [row["type"] for row in asked if row["nobody"]] == ["odd.one"] == [row["type"] for row in read if row["nobody"]]
    )
    assert {row["title"] for row in asked if row["type"] == "site.header_change"} == {"New PCI Header Changes"}
    assert {row["type"] for row in filtered} == {"site_script.new_script", "site_script.new_behavior"}
    assert sum(row["count"] for row in newest) == 8


async def test_the_tail_of_a_topic_that_is_not_there_is_an_error_that_names_it(kafka: RealKafka) -> None:
    with pytest.raises(StartupError, match="topic no-such-topic does not exist"):
        async for _ in tail(Kafka(brokers=(kafka.bootstrap,)), "no-such-topic", 10):
            pass

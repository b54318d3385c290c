"""What is said at load of options and URLs that a format cannot use: all of it, each in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from forwarder.configuration import load_checked
from forwarder.deliver.conversation import target
from forwarder.deliver.verdict import judge
from forwarder.errors import ConfigurationError
from forwarder.model.attempt import Response
from forwarder.model.verdict import Pace, Retry
from tests.unit.deliver.make import webhook


def configured(folder: Path, url: str, payload: str) -> Path:
    path = folder / "forwarder.yaml"
    path.write_text(
        f"sources: [{{topic: t}}]\nwebhooks:\n  - name: siem\n    url: {url}\n    payload: {payload}\n", "utf-8"
    )
    return path


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{format: splunk, endpoint: raw, index: main}", "webhooks[siem].payload.index: needs `endpoint: event`"),
        ("{format: splunk, channel: mine}", "webhooks[siem].payload.channel: a UUID is expected"),
        ("{format: elastic, index: 'a-{yyyy.QQ}'}", "webhooks[siem].payload.index: {yyyy.QQ} is no date"),
        ("{format: opensearch, index: Sec}", "webhooks[siem].payload.index: names of indexes are lower case"),
        ("{format: loki, labels: {a-b: x}}", "webhooks[siem].payload.labels: 'a-b' is no label name"),
        ("{format: elastic}", "index"),
    ],
)
def test_an_option_that_cannot_be_used_refuses_the_configuration(tmp_path: Path, payload: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_checked(configured(tmp_path, "https://siem.example/", payload), {})
    (problem,) = caught.value.problems
    assert said in problem


@pytest.mark.parametrize(
    ("url", "payload", "warned"),
    [
        ("https://s.example/services/collector/event", "{format: splunk, endpoint: raw}", True),
        ("https://s.example/services/collector/raw", "{format: splunk}", True),
        ("https://s.example/services/collector/raw", "{format: splunk, endpoint: raw}", False),
        ("https://s.example/services/collector", "{format: splunk}", False),
        ("https://s.example/crowd/strike", "{format: splunk}", False),
        ("https://s.example", "{format: splunk, endpoint: raw}", False),
        ("https://e.example/logs/_bulk", "{format: elastic, index: i}", False),
        ("https://e.example/", "{format: opensearch, index: i}", False),
        ("https://e.example/logs/_doc", "{format: elastic, index: i}", True),
    ],
)
def test_a_url_that_leads_elsewhere_is_warned_of(tmp_path: Path, url: str, payload: str, warned: bool) -> None:
    warnings = load_checked(configured(tmp_path, url, payload), {}).warnings
    assert any("webhooks[siem].url" in str(warning) for warning in warnings) is warned


@pytest.mark.parametrize(
    ("payload", "compression", "warned"),
    [("{format: splunk}", "zstd", True), ("{format: loki}", "gzip", False), ("{format: otlp}", "zstd", False)],
)
def test_a_compression_that_the_receiver_does_not_know_is_warned_of(
    tmp_path: Path, payload: str, compression: str, warned: bool
) -> None:
    path = configured(tmp_path, "https://siem.example/", f"{payload}\n    compression: {compression}")
    assert any("webhooks[siem].compression" in str(each) for each in load_checked(path, {}).warnings) is warned


@pytest.mark.parametrize(
    ("url", "payload", "used"),
    [
        ("https://s.example:8088", {"format": "splunk"}, "https://s.example:8088/services/collector/event"),
        (
            "https://s.example/?q=1",
            {"format": "splunk", "endpoint": "raw"},
            "https://s.example/services/collector/raw?q=1",
        ),
        ("https://s.example/mine", {"format": "splunk"}, "https://s.example/mine"),
        ("https://l.example/", {"format": "loki"}, "https://l.example/loki/api/v1/push"),
        ("https://o.example:4318", {"format": "otlp"}, "https://o.example:4318/v1/logs"),
    ],
)
def test_a_url_without_a_path_gets_the_formats_own(url: str, payload: dict[str, str], used: str) -> None:
    assert target(webhook(url=url, payload=payload)) == used


@pytest.mark.parametrize("name", ["splunk", "elastic", "opensearch", "loki", "otlp"])
@pytest.mark.parametrize("status", [401, 403, 404, 405, 415])
def test_a_request_that_is_wrong_whatever_its_events_refuses_none_of_them(name: str, status: int) -> None:
    index = {"index": "i"} if name in ("elastic", "opensearch") else {}
    hook = webhook(payload={"format": name, **index})
    verdict = judge(Response(status), events=2, webhook=hook, now_wall=0.0)
    assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW


def test_bulk_requests_ask_for_no_more_of_the_answer_than_is_read() -> None:
    used = target(webhook(url="https://e.example:9200", payload={"format": "elastic", "index": "i"}))
    assert used.startswith("https://e.example:9200/_bulk?filter_path=errors,items.*.status")


def test_a_query_of_the_urls_own_stays() -> None:
    used = target(webhook(url="https://e.example/?pipeline=p", payload={"format": "elastic", "index": "i"}))
    assert used.startswith("https://e.example/_bulk?pipeline=p&filter_path=errors")

"""Real receivers as child processes on 127.0.0.1, from the binaries that `scripts/test-providers fetch` builds into .cache/receivers.

They end with the test process, whatever happens to it (tests/support/process.py).
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.process import Child, free_port

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60.0


class ReceiverMissing(Exception):
    """It was not built. In CI that is a failure; elsewhere its tests are skipped, and say so."""


def built(name: str) -> Path:
    """Where a receiver lies: `TESTS_RECEIVERS`, else `.cache/receivers` of the repository. Raises ReceiverMissing."""
    path = Path(os.environ.get("TESTS_RECEIVERS") or ROOT / ".cache" / "receivers") / name
    if not path.exists():
        raise ReceiverMissing(f"{name} is not in {path.parent}: `scripts/test-providers fetch` builds it")
    return path


def ask(
    url: str, body: bytes | None = None, method: str | None = None, content_type: str = "application/json"
) -> bytes:
    """One request to a receiver itself, past everything that is tested. Raises urllib.error.URLError."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type}, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return bytes(response.read())


def answers(url: str) -> bool:
    try:
        ask(url)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class OtelSink:
    """OpenTelemetry's receivers for HEC (with acknowledgements), Loki, OTLP and webhooks; what came is read from files."""

    NAMES = ("splunk_hec", "loki", "otlp", "webhookevent", "webhookevent/lines")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in self.NAMES}
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "sink.yaml"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        self.process = Child("otel", [str(built("otel")), str(configuration)], folder / "otel.log")

    def start(self) -> None:
        self.process.start()
        for name, port in self.ports.items():
            self.process.wait_until(
                f"{name} answers", lambda port=port: answers(f"http://127.0.0.1:{port}/"), START_SECONDS
            )

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def received(self, name: str, least: int, key: str = "") -> list[dict[str, Any]]:
        """Log records that came in by one receiver so far, `resource` attributes among them; waits for `least` that hold `key`."""

        def found() -> list[dict[str, Any]]:
            return [record for record in self._records(name) if key in json.dumps(record)]

        self.process.wait_until(f"{least} records of {name}", lambda: len(found()) >= least, START_SECONDS)
        return found()

    def _records(self, name: str) -> Iterator[dict[str, Any]]:
        path = self._file(name)
        whole = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        for line in whole:
            for resource in json.loads(line)["resourceLogs"]:
                attributes = resource["resource"].get("attributes", [])
                for scope in resource["scopeLogs"]:
                    yield from ({**record, "resource": attributes} for record in scope["logRecords"])

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '-')}.jsonl"

    def _configuration(self) -> dict[str, Any]:
        at = {name: {"endpoint": f"127.0.0.1:{port}"} for name, port in self.ports.items()}
        required = {"required_header": {"key": "X-Api-Key", "value": "sesame-of-the-test"}}
        receivers: dict[str, Any] = {
            "splunk_hec": {**at["splunk_hec"], "ack": {"extension": "ack"}},
            "loki": {"protocols": {"http": at["loki"]}, "use_incoming_timestamp": True},
            "otlp": {"protocols": {"http": at["otlp"]}},
            "webhookevent": {**at["webhookevent"], "path": "/events", **required},
            "webhookevent/lines": {
                **at["webhookevent/lines"],
                "path": "/events",
                "split_logs_at_newline": True,
                **required,
            },
        }
        files = {f"file/{name.replace('/', '-')}": self._file(name) for name in self.NAMES}
        pipelines = {
            f"logs/{name.replace('/', '-')}": {"receivers": [name], "exporters": [f"file/{name.replace('/', '-')}"]}
            for name in self.NAMES
        }
        return {
            "extensions": {"ack": {}},
            "receivers": receivers,
            "exporters": {key: {"path": str(path), "flush_interval": "100ms"} for key, path in files.items()},
            "service": {
                "extensions": ["ack"],
                "pipelines": pipelines,
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            },
        }


class OpenSearch:
    """One OpenSearch node."""

    def __init__(self, folder: Path) -> None:
        home, java = built("opensearch"), shutil.which("java")
        if java is None:
            raise ReceiverMissing("OpenSearch needs java on PATH")
        self.port = free_port()
        (folder / "config").mkdir(parents=True, exist_ok=True)
        options = [
            "-Xmx512m",
            "-XX:-UsePerfData",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{home / 'classes'}:{home / 'libs'}/*",
        ]
        command = [java, *options, "OpenSearchNode", str(folder), str(self.port), str(free_port())]
        self.process = Child("opensearch", command, folder / "opensearch.log")

    def start(self) -> None:
        self.process.start()
        self.process.wait_until("OpenSearch answers", lambda: answers(self.url()), START_SECONDS)

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def make_index(self, name: str, properties: dict[str, Any]) -> None:
        """An index that takes only these fields."""
        body = {"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": "strict", "properties": properties}}
        ask(self.url(f"/{name}"), json.dumps(body).encode(), "PUT")

    def documents(self, index: str) -> dict[str, Any]:
        """All documents by id."""
        ask(self.url(f"/{index}/_refresh"), b"", "POST")
        found = json.loads(ask(self.url(f"/{index}/_search?size=10000")))
        return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


class VictoriaLogs:
    """One VictoriaLogs: takes `_bulk`, Loki's push and Datadog's logs."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        options = [
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={folder / 'data'}",
            "-retentionPeriod=100y",
        ]
        self.process = Child("victorialogs", [str(built("victorialogs")), *options], folder / "victorialogs.log")

    def start(self) -> None:
        self.process.start()
        self.process.wait_until("VictoriaLogs answers", lambda: answers(self.url("/health")), START_SECONDS)

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def received(self, query: str, least: int) -> list[dict[str, str]]:
        """Entries that a LogsQL query finds; waits for `least` of them."""

        def found() -> list[dict[str, str]]:
            ask(self.url("/internal/force_flush"))
            answer = ask(self.url("/select/logsql/query"), f"query={query}&limit=10000".encode(), "POST", _FORM)
            return [json.loads(line) for line in answer.splitlines()]

        self.process.wait_until(f"{least} entries of {query}", lambda: len(found()) >= least, START_SECONDS)
        return found()


_FORM = "application/x-www-form-urlencoded"

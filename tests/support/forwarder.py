"""The real `forwarder run` as a child process: its configuration, readiness, metrics and log, all waits bounded."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.kafka import ROOT
from tests.support.process import Child, ChildError, free_port

Labels = frozenset[tuple[str, str]]
Metrics = dict[tuple[str, Labels], float]

LOOPBACK = {"allow": ["127.0.0.0/8", "::1/128"]}
"""Receivers of tests are on loopback, which the egress guard refuses by default."""


def write_config(
    folder: Path, *, brokers: str, sources: Sequence[str | Mapping[str, Any]], webhooks: Sequence[Mapping[str, Any]],
    group: str = "forwarder", name: str = "forwarder.yaml", **sections: Mapping[str, Any],
) -> Path:  # fmt: skip
    """A configuration file in `folder`. A source may be just its topic; a webhook gets `allowPlainHttp`; `sections` are merged
    over the defaults (`kafka={"sessionTimeout": "6s"}`)."""
    settings: dict[str, Any] = {
        "kafka": {"brokers": brokers, "group": group, "cluster": "test"},
        "sources": [{"topic": source} if isinstance(source, str) else dict(source) for source in sources],
        "egress": dict(LOOPBACK),
        "webhooks": [{"allowPlainHttp": True, **webhook} for webhook in webhooks],
    }
    for section, values in sections.items():
        settings[section] = {**settings.get(section, {}), **values}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


class ForwarderProcess:
    """One worker. `start` returns at once; `wait_ready` and the other waits raise ChildError with the end of its log.

    `kill`, `pause`, `resume` and `terminate` are those of `process`. Blocking: in a coroutine use `asyncio.to_thread`.
    """

    def __init__(
        self, config: Path, *, name: str = "forwarder", environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (), command: Sequence[str] = ("run",),
    ) -> None:  # fmt: skip
        self.port = free_port()
        # nothing of the shell's own settings may leak into a test
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FORWARDER_")}
        env = {**clean, "FORWARDER_HTTP_LISTEN": f"127.0.0.1:{self.port}", **(environ or {})}
        arguments = [sys.executable, "-m", "forwarder", *command, "-c", str(config), *options]
        self.process = Child(name, arguments, config.parent / f"{name}.log", env=env, cwd=ROOT)
        self.kill = self.process.kill
        self.pause = self.process.pause
        self.resume = self.process.resume

    def start(self) -> None:
        self.process.start()

    def terminate(self, timeout: float = 40.0) -> int:
        """SIGTERM; the exit code, within `timeout` seconds."""
        return self.process.terminate(timeout)

    def wait_ready(self, timeout: float = 40.0) -> None:
        """Until /readyz answers 200: partitions assigned, checkpoints loaded."""
        try:
            self.process.wait_until("/readyz answers 200", lambda: self.get("/readyz")[0] == 200, timeout)
        except ChildError as error:
            status, body = self.get("/readyz")
            raise ChildError(f"{error}\n--- /readyz: {status} ---\n{body}") from None

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; (0, reason) when nobody answers within two seconds."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2.0) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self) -> Metrics:
        """All samples now, by name and labels. Raises ChildError when /metrics does not answer."""
        status, body = self.get("/metrics")
        if status != 200:
            raise self.process.failure(f"/metrics: {status} {body}")
        return parse_metrics(body)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of `name` that have these labels (and any others). 0 when there is none."""
        return total(self.metrics(), name, **labels)

    def wait_metric(self, name: str, wanted: Callable[[float], bool], timeout: float = 30.0, **labels: str) -> float:
        """Until `wanted(sum of name with labels)`; that value."""
        deadline = time.monotonic() + timeout
        while True:
            value = self.metric(name, **labels)
            if wanted(value):
                return value
            if time.monotonic() > deadline:
                raise self.process.failure(f"after {timeout:g} s {name}{labels} is still {value:g}")
            time.sleep(0.1)

    def logs(self) -> list[dict[str, Any]]:
        """The JSON lines it logged since its last start; what is not JSON comes as `{"raw": line}`."""
        return [_log_line(line) for line in self.process.output().splitlines() if line.strip()]

    def logged(self, text: str) -> list[dict[str, Any]]:
        """The log lines that contain `text` anywhere."""
        return [line for line in self.logs() if text in json.dumps(line)]


def parse_metrics(exposition: str) -> Metrics:
    """Samples of the Prometheus text format, by name and labels."""
    families = text_string_to_metric_families(exposition)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def total(metrics: Metrics, name: str, **labels: str) -> float:
    """The sum over all samples of `name` that have at least these labels."""
    wanted = set(labels.items())
    return sum(value for (found, with_labels), value in metrics.items() if found == name and wanted <= with_labels)


def _log_line(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {"raw": line}
    return found if isinstance(found, dict) else {"raw": line}

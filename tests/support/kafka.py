"""A real Apache Kafka (one KRaft node) as a child process. Its records are reached by the clients in `topics.py`.

Never skips: without Java or the jars it raises KafkaUnavailable, which says what is missing and what fetches it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from string import Template

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.support.process import Child, free_port
from tests.support.topics import Topics

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "kafka"
START_SECONDS = 90.0


class KafkaUnavailable(AssertionError):
    """Java or Kafka's jars are missing: the tests that need them fail, they are not skipped."""


def libs() -> Path:
    """The folder with Kafka's jars: `TESTS_KAFKA_LIBS`, else `.cache/kafka/libs` of the repository."""
    return Path(os.environ.get("TESTS_KAFKA_LIBS") or ROOT / ".cache" / "kafka" / "libs")


def java_command(*options: str) -> list[str]:
    """`java ... -cp libs/*`, ready for a main class. Raises KafkaUnavailable."""
    java = shutil.which("java")
    if java is None:
        raise KafkaUnavailable("no `java` on PATH: Kafka needs Java 17; `scripts/test` installs it where it may")
    if not any(libs().glob("kafka_2.13-*.jar")):
        raise KafkaUnavailable(f"no Kafka jars in {libs()}: run `scripts/test kafka` to fetch them")
    return [java, *options, "-cp", f"{libs()}/*"]


class RealKafka:
    """One broker with a fixed port and data directory: stopped, killed or paused, it comes back with all its records.

    `start`, `stop` and `kill` block; in a coroutine call them through `asyncio.to_thread`. `overrides` are server properties.
    """

    def __init__(self, folder: Path, *, overrides: dict[str, str] | None = None, heap: str = "768m") -> None:
        self.folder = folder
        self.port = free_port()
        self._controller_port = free_port()
        self._overrides = overrides or {}
        self._formatted = False
        command = java_command(
            f"-Xmx{heap}", "-XX:-UsePerfData", f"-Dlog4j2.configurationFile={FILES / 'log4j2.properties'}",
            "-Djava.awt.headless=true",
        )  # fmt: skip
        self.process = Child("kafka", [*command, "kafka.Kafka", str(self._properties)], folder / "kafka.log")
        self.topics = Topics(self.bootstrap)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def start(self, timeout: float = START_SECONDS) -> None:
        """Starts (formatting the data directory the first time) and waits until the broker serves metadata."""
        if not self._formatted:
            self._format()
        self.process.start()
        self.wait_ready(timeout)

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        self.process.wait_until(f"Kafka answers on {self.bootstrap}", self._answers, timeout)

    def stop(self) -> None:
        """SIGTERM: a clean shutdown."""
        self.process.terminate(60.0)

    def kill(self) -> None:
        """SIGKILL: no shutdown at all; the next start recovers the log."""
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        template = Template((FILES / "server.properties").read_text(encoding="utf-8"))
        ports = {"port": str(self.port), "controller_port": str(self._controller_port)}
        lines = [template.substitute(ports, data=str(self.folder / "data"))]
        lines += [f"{name}={value}" for name, value in self._overrides.items()]
        self._properties.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = java_command("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        arguments = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(self._properties)]
        done = subprocess.run(
            [*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise KafkaUnavailable(f"kafka.tools.StorageTool format failed:\n{done.stdout}\n{done.stderr}")
        self._formatted = True

    def _answers(self) -> bool:
        """Cheap first: a port that is closed needs no client. The client needs a loop of its own, hence the thread."""
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _serves_metadata(self.bootstrap)).result()


async def _serves_metadata(bootstrap: str) -> bool:
    """True when the broker is registered (a node that is still fenced lists no brokers)."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await client.start()
        return bool((await client.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        with suppress(KafkaError, OSError):
            await client.close()


def _cluster_id() -> str:
    """A random id in Kafka's form: 22 characters of URL-safe base64 that do not start with a dash."""
    return "F" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]

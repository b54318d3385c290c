"""Two minutes of `scripts/chaos`: every promise under faults, judged by the judge. For more see `scripts/chaos --help`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kafka import ROOT, libs


@pytest.mark.kafka
@pytest.mark.timeout(900)
def test_two_minutes_of_faults_violate_no_promise(tmp_path: Path) -> None:
    assert any(libs().glob("kafka_2.13-*.jar")), "Kafka is missing: run `scripts/test kafka`"
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "2", "--seed", "1", "--keep", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=840, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""The exposition passes `promtool check metrics`, where promtool is; where it must be and is not, this fails."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from forwarder.model.event import TP
from forwarder.observe.metrics import Metrics


def test_promtool_finds_nothing_to_complain_about(metrics: Metrics) -> None:
    promtool = shutil.which(os.environ.get("PROMTOOL", "promtool"))
    if promtool is None:
        if os.environ.get("TESTS_REQUIRE_PROMTOOL") == "1":
            pytest.fail("promtool is required and not found: install the Debian package prometheus, or set PROMTOOL")
        pytest.skip("promtool is not installed; the same rules are checked by test_declared.py")
    bound = metrics.add_webhook("siem")
    bound.event_age.observe_many(0.3, 100)
    bound.attempts["http_2xx"].inc()
    metrics.own([TP("falco-events", 0)])
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=metrics.expose()[0], capture_output=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stdout.decode(), checked.stderr.decode()) == (0, "", "")

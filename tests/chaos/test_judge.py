"""The judge as a program: it reads a journal from disk, says what is wrong in a table and in words, and knows nothing of Forwarder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.judge import COLUMNS, main

ROOT = Path(__file__).resolve().parents[2]
PLAN = {"webhooks": {"siem": {"wants": {"types": ["a"]}}}, "checkpoint_interval": 1.0, "books": False, "workers": 1}


def produced(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "topic": "logs", "partition": 0, "offset": number, "t": 1.0, "type": "a", **more}


def received(number: int, **more: Any) -> dict[str, Any]:
    line = {"t": 2.0, "webhook": "siem", "batch_id": f"b{number}", "attempt": 1, "ids": [f"e{number}"], "count": 1}
    return {**line, "offsets": f"logs/0:{number}", "status": 200, "accepted": True, "told": True, **more}


def write(folder: Path, name: str, *lines: dict[str, Any], end: str = "\n") -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(json.dumps(line) for line in lines) + end)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A journal in which two events arrived."""
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    write(tmp_path, "produced.jsonl", produced(1), produced(2))
    write(tmp_path, "received/r0.jsonl", received(1), received(2))
    return tmp_path


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_a_clean_run_ends_with_0_and_a_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run)]) == 0
    assert result(run)["ok"] and result(run)["webhooks"]["siem"]["received"] == 2
    assert set(result(run)["webhooks"]["siem"]) == set(COLUMNS)
    assert "siem" in (printed := capsys.readouterr().out) and "no violation" in printed


def test_a_violation_ends_with_1_and_says_which_event_and_which_faults_were_near(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(run, "produced.jsonl", produced(1), produced(2), produced(3, t=50.0))
    write(run, "faults.jsonl", {"t0": 51.0, "t1": 52.0, "kind": "kill9", "target": "w1", "class": "kill", "n": 1})
    assert main([str(run)]) == 1
    (finding,) = result(run)["findings"]
    assert "siem: 1 events lost" in finding and "e3 (logs/0/3)" in finding and "kill9 w1" in finding
    assert result(run)["webhooks"]["siem"]["lost"] == 1 and result(run)["rules"] == ["LOST"]
    assert result(run)["faults"] == {"process": 1, "kill": 1}
    assert "e3 (logs/0/3)" in capsys.readouterr().out


def test_a_line_that_was_cut_off_by_a_kill_is_no_line(run: Path) -> None:
    with (run / "received/r0.jsonl").open("a") as file:
        file.write('{"t": 3.0, "webhook": "si')
    assert main([str(run)]) == 0


def test_every_receiver_process_is_read(run: Path) -> None:
    write(run, "received/r0.jsonl", received(1))
    write(run, "received/r1.jsonl", received(2))
    assert main([str(run)]) == 0


def test_a_receiver_may_take_back_that_it_told_the_sender(run: Path) -> None:
    untold = {"t": 2.1, "webhook": "siem", "batch_id": "b1", "attempt": 1, "untold": True}
    again = received(1, attempt=2, t=3.0)
    write(run, "received/r0.jsonl", received(1), again, received(2))
    assert main([str(run)]) == 1
    write(run, "received/r0.jsonl", received(1), untold, again, received(2))
    assert main([str(run)]) == 0


def test_a_fault_that_never_ended_lasts_for_ever(run: Path) -> None:
    begin = {"begin": True, "t0": 2.5, "t1": 0, "kind": "sigstop", "target": "w1", "class": "zombie", "n": 1}
    write(run, "received/r0.jsonl", received(1), received(2), received(2, t=30.0))
    assert main([str(run)]) == 1
    write(run, "faults.jsonl", begin)
    assert main([str(run)]) == 0
    assert result(run)["excused"] == {"kill": 1}


def test_without_a_journal_it_ends_with_2(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2


def test_the_judge_imports_nothing_of_what_it_judges(run: Path) -> None:
    program = (
        "import runpy, sys; sys.argv = ['judge', sys.argv[1]]\n"
        "try: runpy.run_module('tests.chaos.judge', run_name='__main__')\n"
        "finally: print(sorted(n for n in sys.modules if n.partition('.')[0] in ('forwarder', 'aiokafka', 'faust')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr

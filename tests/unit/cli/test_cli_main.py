"""The command as a whole: help that teaches and is quick, versions, exit codes, and errors without tracebacks."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from forwarder import __version__
from forwarder.cli.main import _COMMANDS, app, main
from tests.unit.cli.conftest import ROOT, Forwarder

NAMES = list(_COMMANDS)


def test_help_lists_every_command_and_the_exit_codes(forwarder: Forwarder) -> None:
    result = forwarder("--help")
    assert result.exit_code == 0
    for name, (_, line) in _COMMANDS.items():
        assert re.search(rf"\b{name}\b +{re.escape(line)}", result.stdout), name
    assert "78" in result.stdout


@pytest.mark.parametrize("name", [name for name in NAMES if name != "config"])
def test_every_command_teaches_by_example(forwarder: Forwarder, name: str) -> None:
    result = forwarder(name, "--help")
    assert result.exit_code == 0
    assert re.search(rf"^ +(\w+=\S+ |.*\| )?forwarder {name}\b", result.stdout, re.MULTILINE), result.stdout


def test_config_show_teaches_by_example(forwarder: Forwarder) -> None:
    assert "forwarder config show -o json" in forwarder("config", "show", "--help").stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_can_be_loaded(name: str) -> None:
    module = import_module(_COMMANDS[name][0])
    assert hasattr(module, "app") or callable(getattr(module, name.replace("-", "_")))


def test_help_loads_nothing_heavy() -> None:
    """Half a second instead of three: nobody asks for help twice from a command that thinks about it."""
    heavy = ["faust", "aiokafka", "aiohttp", "pydantic", "cel", "structlog", "prometheus_client"]
    code = (
        "import sys; sys.argv = ['forwarder', '--help']\n"
        "from forwarder.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_version_is_the_packages(forwarder: Forwarder) -> None:
    result = forwarder("--version")
    assert (result.exit_code, result.stdout) == (0, f"forwarder {__version__}\n")


def test_a_mistyped_command_is_a_usage_error_with_a_suggestion(forwarder: Forwarder) -> None:
    result = forwarder("vaildate")
    assert result.exit_code == 2
    assert "Did you mean 'validate'" in result.stderr


def test_a_configuration_that_is_not_there_is_refused_with_78(forwarder: Forwarder) -> None:
    result = forwarder("config", "show", "-c", "not/here.yaml")
    assert result.exit_code == 78
    assert "not/here.yaml: cannot be read" in result.stderr
    assert result.stdout == ""


def test_the_configuration_may_be_named_by_the_environment(
    forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDER_CONFIG", "from/environment.yaml")
    assert "from/environment.yaml: cannot be read" in forwarder("config", "show").stderr


def _explode() -> Any:
    raise RuntimeError("wires crossed, token=sesame-0815")


def test_a_defect_of_ours_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FORWARDER_LOG_LEVEL", raising=False)
    monkeypatch.setattr("forwarder.cli.main.app", _explode)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "internal error: RuntimeError: wires crossed" in said
    assert "Traceback" not in said
    assert "sesame" not in said


def test_a_defect_of_ours_shows_where_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDER_LOG_LEVEL", "debug")
    monkeypatch.setattr("forwarder.cli.main.app", _explode)
    with pytest.raises(RuntimeError, match="wires crossed"):
        main()


def test_the_schema_is_the_one_that_is_shipped(forwarder: Forwarder) -> None:
    with open(ROOT / "config/schema.json", encoding="utf-8") as shipped:
        assert forwarder("schema").stdout == shipped.read()


def test_app_is_what_the_entry_point_calls() -> None:
    assert app.info.name == "forwarder"

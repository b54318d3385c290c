"""What README and docs say about commands and configuration holds: their examples load, their tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forwarder.cli.main import _COMMANDS
from forwarder.configuration import load_checked
from tests.unit.cli.conftest import ROOT, Forwarder

PAGES = (
    ROOT / "README.md", ROOT / "docs" / "first-ten-minutes.md", ROOT / "docs" / "tenants.md", ROOT / "docs" / "dialects.md",
    ROOT / "docs" / "templates.md",
)  # fmt: skip


def blocks(language: str) -> list[tuple[str, str]]:
    """`(page, text)` of every fenced block in the language."""
    found = [(page.name, re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)) for page in PAGES]
    return [(page, text) for page, texts in found for text in texts]


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_every_configuration_shown_is_valid(
    page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in re.findall(r"variableName: (\w+)", text):
        monkeypatch.setenv(variable, "a-long-random-key")
    path = tmp_path / "forwarder.yaml"
    path.write_text(text)
    assert load_checked(path).settings.webhooks


def test_every_page_shows_a_configuration() -> None:
    assert {page for page, _ in blocks("yaml")} == {page.name for page in PAGES}


def test_readmes_table_has_every_command() -> None:
    listed = set(re.findall(r"^\| `forwarder ([a-z-]+)", PAGES[0].read_text(), re.MULTILINE))
    assert listed == set(_COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_every_option_shown_exists(page: Path, forwarder: Forwarder) -> None:
    used = re.findall(r"\bforwarder ([a-z-]+)((?: [^\n`#|]*)?)", page.read_text())
    for name, rest in used:
        if name in _COMMANDS:
            inner = {"config": ("show",), "import": ("stalwart",)}.get(name, ())
            arguments = (name, *inner)
            known = forwarder(*arguments, "--help").stdout
            for option in re.findall(r"(?<= )--[a-z-]+", rest):
                assert re.search(rf"{option}\b", known), f"{name} {option}"


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_named_exists(page: Path) -> None:
    declared = (ROOT / "docs" / "metrics.md").read_text()
    for name in re.findall(r"`(forwarder_\w+)`", page.read_text()):
        assert f"`{name}`" in declared, name

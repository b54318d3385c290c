"""The page in docs/ is what the declarations say today, and every declaration is on it."""

from __future__ import annotations

from pathlib import Path

from forwarder.observe.declared import METRICS
from forwarder.observe.reference import documented, render

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "docs/metrics.md is stale: run python -m forwarder.observe.reference docs/metrics.md"
    )


def test_every_metric_and_every_occurrence_is_on_the_page() -> None:
    page = render()
    for metric in METRICS:
        assert f"| `{metric.name}` | {metric.kind.value} |" in page
    for occurrence in documented():
        assert f"\n| {occurrence.__name__} | " in page
        assert f"\n- **{occurrence.__name__}**: " in page


def test_every_row_of_a_table_has_all_its_cells() -> None:
    columns = 0
    for line in render().splitlines():
        if line.startswith("|---"):
            columns = line.count("|")
        elif line.startswith("|") and columns:
            assert line.count("|") == columns, line
        elif not line.startswith("|"):
            columns = 0

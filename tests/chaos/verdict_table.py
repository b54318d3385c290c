"""The judge's numbers as a table of text. Formats; counts nothing but the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH = 10


def table(columns: Sequence[str], rows: Mapping[str, Mapping[str, int]]) -> str:
    """One line per webhook and one for the sums; a zero is a dot, so that what matters is seen."""
    name_width = max([len(name) for name in rows] + [len("webhook")])
    titles = [_title(column) for column in columns]
    lines = ["  ".join(["webhook".ljust(name_width), *(title.rjust(WIDTH) for title in titles)])]
    for name, row in rows.items():
        lines.append("  ".join([name.ljust(name_width), *(_number(row[column]) for column in columns)]))
    sums = [sum(row[column] for row in rows.values()) for column in columns]
    lines.append("  ".join(["all".ljust(name_width), *(_number(n) for n in sums)]))
    return "\n".join(lines)


def _title(column: str) -> str:
    return {"unexcused_duplicates": "unexcused", "aborted_seen": "aborted", "out_of_order": "disordered"}.get(
        column, column
    )


def _number(value: int) -> str:
    return (str(value) if value else ".").rjust(WIDTH)

"""Three refused commits in ten seconds are too many; the same number spread out is a day of rolling updates."""

from __future__ import annotations

import pytest

from forwarder.kafka.refusals import Refusals


@pytest.mark.parametrize(
    ("times", "verdicts"),
    [
        ([0, 1], [False, False]),
        ([0, 1, 2], [False, False, True]),
        ([0, 5, 10], [False, False, True]),
        ([0, 5, 10.1], [False, False, False]),
        ([0, 5, 10.1, 11], [False, False, False, True]),
        ([0, 100, 200, 300], [False] * 4),
    ],
)
def test_refusals_close_together_are_too_many(times: list[float], verdicts: list[bool]) -> None:
    refusals = Refusals()
    assert [refusals.too_many(now) for now in times] == verdicts

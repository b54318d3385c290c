"""The verdict table, its overrides and Retry-After."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.retry_after import retry_after
from forwarder.deliver.status_policy import override
from forwarder.deliver.verdict import judge
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.verdict import (
    Bisect,
    Delivered,
    Disable,
    Drop,
    Halve,
    Held,
    Interrupted,
    Pace,
    Retry,
    Verdict,
)
from tests.unit.deliver.make import webhook

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the date in RFC 9110


def verdict(result: Response | Failure, **settings: Any) -> Verdict:
    return judge(result, events=3, webhook=webhook(**settings), now_wall=NOW)


def kind(found: Verdict) -> object:
    return found.pace if isinstance(found, Retry) else type(found)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([200, 201, 202, 204, 299], Delivered),
        ([410], Disable),
        ([401, 403, 404, 407], Pace.SLOW),
        ([408, 425, 429, 500, 502, 503, 504, 599], Pace.NORMAL),
        ([413], Halve),
        ([400, 422, 402, 405, 409, 411, 415, 418, 431, 451, 499], Bisect),
        ([300, 301, 302, 303, 304, 307, 308, 399], Pace.SLOW),
        ([100, 101, 199, 0], Pace.SLOW),
        ([600, 999], Pace.NORMAL),
    ],
)
def test_each_status_has_its_verdict(statuses: list[int], expected: object) -> None:
    assert {status: kind(verdict(Response(status))) for status in statuses} == dict.fromkeys(statuses, expected)


SLOW_FAULTS = {Fault.TLS, Fault.EGRESS, Fault.CREDENTIALS}


def test_a_broken_way_out_is_no_attempt_on_the_endpoint() -> None:
    assert isinstance(verdict(Failure(Fault.WAY_OUT, "words")), Held)


@pytest.mark.parametrize("fault", [one for one in Fault if one not in (Fault.CANCELLED, Fault.WAY_OUT)])
def test_no_answer_is_retried_slowly_only_when_a_person_must_mend_it(fault: Fault) -> None:
    found = verdict(Failure(fault, "words"))
    assert isinstance(found, Retry)
    assert found.pace is (Pace.SLOW if fault in SLOW_FAULTS else Pace.NORMAL)
    assert found.reason == f"{fault.value}: words"
    assert found.after is None


def test_cancellation_is_no_attempt() -> None:
    assert verdict(Failure(Fault.CANCELLED, "")) == Interrupted()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("deliver", Delivered),
        ("retry", Pace.NORMAL),
        ("retrySlow", Pace.SLOW),
        ("halve", Halve),
        ("bisect", Bisect),
        ("disable", Disable),
        ("drop", Drop),
    ],
)
def test_the_owner_may_override_any_status(action: str, expected: object) -> None:
    for status in (200, 404, 500):
        assert kind(verdict(Response(status), statusPolicy={str(status): action})) == expected


def test_exact_beats_range_beats_class_and_narrow_beats_wide() -> None:
    policy: Any = {"4xx": "drop", "400-499": "retry", "404-409": "bisect", "404": "deliver"}
    assert [override(status, policy) for status in (404, 405, 420)] == ["deliver", "bisect", "retry"]
    assert override(404, {"4xx": "drop", "400-499": "retry"}) == "retry"
    assert override(500, policy) is None


@given(st.integers(100, 599), st.permutations(["4xx", "400-499", "404-409", "404"]))
def test_the_order_of_overrides_does_not_matter(status: int, order: list[str]) -> None:
    actions: Any = {"4xx": "drop", "400-499": "retry", "404-409": "bisect", "404": "deliver"}
    assert override(status, {pattern: actions[pattern] for pattern in order}) == override(status, actions)


@given(st.integers(0, 999))
def test_every_status_has_exactly_one_verdict_with_a_reason(status: int) -> None:
    found = verdict(Response(status))
    assert isinstance(found, Delivered) or str(status) in found.reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("999999999999999999", 3600.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Sun, 06 Nov 2044 08:00:00 GMT", 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("١٢", None),
        ("Sun, 99 Nov 1994 08:00:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_understood_capped_or_ignored(header: str | None, expected: float | None) -> None:
    assert retry_after(header, now_wall=NOW, cap=3600.0) == expected


@given(st.text(max_size=60) | st.from_regex(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [A-Z+\-0-9]{1,5}"))
def test_whatever_a_receiver_sends_gives_a_wish_within_the_cap_or_none(header: str) -> None:
    wish = retry_after(header, now_wall=NOW, cap=3600.0)
    assert wish is None or 0 <= wish <= 3600


@pytest.mark.parametrize("status", [429, 503, 404, 302])
def test_retry_after_is_honoured_on_every_retry_up_to_the_cap(status: int) -> None:
    found = verdict(Response(status, {"retry-after": "120"}), retry={"retryAfterCap": "1m"})
    assert isinstance(found, Retry)
    assert found.after == 60.0

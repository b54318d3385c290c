"""What Forwarder tells the receiver in headers."""

from __future__ import annotations

from forwarder.deliver.headers import Headers, delivery, discards, overlay
from forwarder.model.attempt import DiscardReason


def test_every_attempt_carries_its_identity_and_place() -> None:
    assert dict(delivery("fb_x", 3, 2, "t/0:1-2", "prod", test=False)) == {
        "Forwarder-Batch-Id": "fb_x",
        "Forwarder-Attempt": "3",
        "Forwarder-Events": "2",
        "Forwarder-Offsets": "t/0:1-2",
        "Forwarder-Cluster": "prod",
    }


def test_a_test_says_so() -> None:
    assert ("Forwarder-Test", "true") in list(delivery("fb_x", 1, 1, "", "prod", test=True))


def test_discards_are_told_in_one_fixed_order_and_only_when_there_are_any() -> None:
    assert list(discards({DiscardReason.SHED: 1, DiscardReason.EXPIRED: 3, DiscardReason.ATTEMPTS: 0})) == [
        ("Forwarder-Discarded", "expired=3;shed=1")
    ]
    assert list(discards({})) == list(discards({DiscardReason.SHED: 0})) == []


def test_a_later_layer_replaces_a_name_in_any_case() -> None:
    headers: Headers = {}
    overlay(headers, [("Content-Type", "a"), ("X-Own", "b")])
    overlay(headers, [("content-TYPE", "c")])
    assert dict(headers.values()) == {"content-TYPE": "c", "X-Own": "b"}

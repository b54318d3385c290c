"""What ends a worker before it has joined is waited out only where waiting can help."""

from __future__ import annotations

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)

from forwarder.errors import LeftGroupError
from forwarder.kafka.worker import may_pass


@pytest.mark.parametrize(
    "crash",
    [
        KafkaConnectionError("Unable to bootstrap"),
        NodeNotReadyError("node"),
        RequestTimedOutError("metadata"),
        ConnectionResetError("gone"),
        TimeoutError("late"),
    ],
)
def test_a_broker_that_went_away_comes_back(crash: Exception) -> None:
    assert may_pass(crash)


@pytest.mark.parametrize(
    "crash",
    [
        GroupAuthorizationFailedError("g"),
        TopicAuthorizationFailedError("t"),
        KafkaError("of a kind that nobody knows"),
        LeftGroupError("twin"),
        RuntimeError("a defect"),
    ],
)
def test_a_refusal_or_a_defect_does_not_mend_itself(crash: Exception) -> None:
    assert not may_pass(crash)

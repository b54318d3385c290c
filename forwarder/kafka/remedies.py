"""What an operator can do when a topic of ours does not take a record. Texts only."""

from __future__ import annotations

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    KafkaStorageError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownTopicOrPartitionError,
)

from forwarder.kafka.private.producing import GivenUp

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)
_REPLICAS = (NotEnoughReplicasError, NotEnoughReplicasAfterAppendError)


def remedy(error: KafkaError | None, topic: str) -> str:
    """One clause; `error` is None where no answer came."""
    match error:
        case GivenUp():
            return "nothing to do"
        case _ if isinstance(error, _TOO_LARGE):
            return f"raise max.message.bytes of topic {topic}: its records are copies, and our headers come on top"
        case _ if isinstance(error, _DENIED):
            return f"grant Write and Describe on topic {topic} to this login"
        case UnknownTopicOrPartitionError():
            return f"topic {topic} does not exist: create it (cleanup.policy=delete), or restart Forwarder, which does"
        case _ if isinstance(error, _REPLICAS):
            return f"too few replicas of topic {topic} are in sync: look at the brokers, and at its min.insync.replicas"
        case KafkaStorageError():
            return "the broker cannot write: look at its disk"
        case InvalidTopicError() | PolicyViolationError() | UnknownError():  # the library does not know INVALID_RECORD
            return f"look at the settings of topic {topic}: it must not be compacted (cleanup.policy=delete)"
        case _:
            return f"look whether topic {topic} exists and its brokers can write (disk, replicas in sync)"

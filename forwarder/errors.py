"""Every exception that Forwarder raises on purpose. Holds no behaviour beyond an exit code.

ForwarderError
├── ConfigurationError    a configuration is refused as a whole (exit 78)
├── StartupError          Kafka cannot be used as configured; names the fix (exit 1)
├── TopicGrown            a source has got more partitions; start again (exit 1)
├── CheckpointError       a checkpoint cannot be written or understood (exit 1)
└── LeftGroupError        partitions were taken from this worker; nothing more may be written
"""

from __future__ import annotations


class ForwarderError(Exception):
    """Base of all. `exit_code` is what the process ends with when nothing handles it."""

    exit_code = 1


class ConfigurationError(ForwarderError):
    """The configuration is refused; `problems` holds one line of text per mistake, ready to print."""

    exit_code = 78

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StartupError(ForwarderError):
    """Kafka refuses what we were told to do. `retryable` says whether waiting can help."""

    def __init__(self, text: str, *, retryable: bool) -> None:
        super().__init__(text)
        self.retryable = retryable


class TopicGrown(ForwarderError):
    """A source topic has got more partitions while it was read; only a new worker can read them."""


class CheckpointError(ForwarderError):
    """A checkpoint record is too large, too new or not understood."""


class LeftGroupError(ForwarderError):
    """The group gave our partitions to somebody else."""

"""Every exception that Forwarder raises on purpose. Holds no behaviour beyond an exit code.

ForwarderError
├── ConfigurationError    a configuration is refused as a whole (exit 78)
├── StartupError          Kafka cannot be used as configured; names the fix (exit 1)
├── StartAgain            only a new process can go on: it takes this one's place (exit 1)
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


class StartAgain(ForwarderError):
    """Only a new process can go on: a source topic has grown, or Kafka went away before the group was joined."""


class CheckpointError(ForwarderError):
    """A checkpoint record is too large, too new or not understood."""


class LeftGroupError(ForwarderError):
    """The group gave our partitions to somebody else."""

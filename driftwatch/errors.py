"""What can go wrong, grouped by who can mend it.

DriftwatchError
├── UsageError            the command line            mended by the person at the keyboard
├── ConfigError           driftwatch.yaml, policies   mended by the operator
├── CouldNotLook          one environment's check     mended where `cause` says
├── CouldNotSend          one message                 mended where its text says
└── StoreError            the data directory          mended by the operator
"""

from enum import StrEnum


class DriftwatchError(Exception):
    """Stop what is being done and tell a person why."""


class UsageError(DriftwatchError):
    """Reject a command line that asks for something that is not there."""


class ConfigError(DriftwatchError):
    """Reject a configuration or policy; the message holds all `problems`, one a line."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (message,)


class StoreError(DriftwatchError):
    """Refuse a data directory that cannot be used safely."""


class SeatTakenError(StoreError):
    """Refuse a second daemon in one data directory."""


class Cause(StrEnum):
    """Say who can mend a check that could not look."""

    GIT = "git"
    CONFIGURATION = "configuration"
    CREDENTIALS = "credentials"
    PROVIDER = "provider"
    STATE = "state"
    TERRAFORM = "terraform"
    TIMEOUT = "timeout"
    PLAN = "plan"
    MACHINE = "machine"
    INTERNAL = "internal"


class CouldNotLook(DriftwatchError):  # noqa: N818 - it reads as the sentence that people see
    """End one environment's check without a verdict.

    `message` is one sentence for people; `detail` is the end of what the failing program printed.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: Cause,
        retryable: bool = False,
        command: tuple[str, ...] = (),
        exit_code: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.retryable = retryable
        self.command = command
        self.exit_code = exit_code
        self.detail = detail


class CouldNotSend(DriftwatchError):  # noqa: N818 - it reads as the sentence that people see
    """End the sending of one message to all who should get it; none of them got it.

    `permanent` means that trying again is of no use; `retry_after` is in seconds, where told.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after

"""What exit codes mean: Terraform's 0, 1 and 2, and sysexits' 64 for the command line."""

from collections.abc import Iterable
from datetime import datetime

from driftwatch.domain.model import Report, Status

IN_SYNC = 0
COULD_NOT_LOOK = 1
DRIFT = 2
SEAT_TAKEN = 75  # EX_TEMPFAIL: another daemon works there
BAD_CONFIGURATION = 78  # EX_CONFIG; systemd must not start the daemon again and again
USAGE = 64  # EX_USAGE; click's own 2 would read as drift
INTERRUPTED = 130

_NOT_SEEN = frozenset({Status.FAILED, Status.UNKNOWN, Status.STALE, Status.NEVER})
_MOVED = frozenset({Status.DRIFTED, Status.DRIFTED_AND_PENDING})


def exit_code(reports: Iterable[Report], now: datetime) -> int:
    """Sum reports up; not having seen everything outranks drift, pending changes are no drift."""
    statuses = {report.status_at(now) for report in reports}
    if statuses & _NOT_SEEN:
        return COULD_NOT_LOOK
    return DRIFT if statuses & _MOVED else IN_SYNC

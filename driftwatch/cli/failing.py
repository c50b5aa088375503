"""How errors read on standard error."""

from collections.abc import Iterator

from driftwatch.errors import ConfigError, CouldNotLook, DriftwatchError
from driftwatch.render.text import visible


def error_lines(error: DriftwatchError) -> Iterator[str]:
    """Write an error, one problem a line.

    No line begins with what somebody else wrote: CI systems take some beginnings for orders.
    """
    for problem in error.problems if isinstance(error, ConfigError) else (str(error),):
        yield f"Error: {visible(problem)}"
    if isinstance(error, CouldNotLook):
        for line in error.detail.splitlines():
            yield f"| {visible(line)}"

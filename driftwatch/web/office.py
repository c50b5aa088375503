"""What the web needs from the process that it runs in."""

from collections.abc import Sequence
from typing import Protocol

from driftwatch.bootstrap import Installation
from driftwatch.web.measures import Measures


class Office(Protocol):
    """The daemon, as the web sees it."""

    @property
    def installation(self) -> Installation:
        """Return the installation that holds now; a reload replaces it."""
        ...

    @property
    def measures(self) -> Measures:
        """Return what this process counted since it began."""
        ...

    def problems(self) -> Sequence[str]:
        """Say why the daemon is not healthy; nothing where it is."""
        ...

    def wake(self) -> None:
        """Say that there is a new job, or a message to send."""
        ...

"""Shows a pass as it goes on, on standard error: a bar on a terminal, lines elsewhere."""

import sys
import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from driftwatch.domain.model import Report
from driftwatch.render.text import visible


class PassProgress:
    """Tell what the checks of a pass are doing; silent where `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not sys.stderr.isatty(),
        )
        self._lock = threading.Lock()
        self._task = self._bar.add_task("checking", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def expect(self, total: int) -> None:
        """Say how many checks there will be."""
        self._bar.update(self._task, total=total)

    def doing(self, environment: str, what: str) -> None:
        """Say what one check is doing now; called from the checks' threads."""
        with self._lock:
            text = visible(f"{environment}: {what}")[:60]
            self._bar.update(self._task, description=text.ljust(60))

    def done(self, report: Report) -> None:
        """Say how one check ended."""
        self._bar.advance(self._task)
        self.say(f"{report.environment}: {report.status} ({report.duration:.1f} s)")

    def say(self, text: str) -> None:
        """Write one line, above the bar where there is one."""
        if not self._quiet:
            self._console.print(Text(visible(text)), soft_wrap=True)

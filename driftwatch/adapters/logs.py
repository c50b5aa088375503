"""Writes the log: one line an event on standard error, for people at a terminal, JSON elsewhere.

`structlog.stdlib.get_logger(__name__)` and the loggers of libraries end in the same handler, so no
line escapes the masking, and a log that cannot be written never stops what it tells of.
"""

import logging
import secrets as randomness
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from json import dumps
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from driftwatch.adapters.log_values import Cleaner, one_line
from driftwatch.config.load import process_environment
from driftwatch.errors import UsageError

LEVELS = ("debug", "info", "warning", "error")

# What libraries must exceed to be heard, even when driftwatch itself tells everything: below, they
# write a line for every request and job, and botocore the requests themselves.
_FLOORS = {
    "apprise": logging.WARNING,
    "apscheduler": logging.WARNING,
    "asyncio": logging.WARNING,
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "git": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx2": logging.WARNING,
    "PIL": logging.WARNING,
    "s3transfer": logging.WARNING,
    "urllib3": logging.WARNING,
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}
_META = frozenset({"_record", "_from_structlog", "exc_info", "stack_info"})


def configure_logging(
    *, json: bool | None = None, level: str = "info", secrets: Sequence[str] = ()
) -> None:
    """Send all logging of this process to standard error; calling it again replaces what was set.

    `json` is decided by whether standard error is a terminal, if None. `secrets` are masked
    wherever they turn up. Raises `UsageError` for an unknown level.
    """
    if level not in LEVELS:
        raise UsageError(f"There is no log level {level!r}; there are: {', '.join(LEVELS)}.")
    cleaner = Cleaner(randomness.token_bytes(32), tuple(secrets))
    plain = not _is_terminal() if json is None else json
    line = _json_line if plain else _terminal_line(process_environment())
    handler = StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[_cleaned_by(cleaner), line],
            # A message and arguments that do not fit together are then no reason to lose it.
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _take_over(handler, threshold)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class StandardError(logging.Handler):
    """Writes lines to whatever standard error is now, and swallows what goes wrong there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that cannot be told is told of."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a bad log call must not stop its caller
            line = _unwritable(record, error)
        # The pipe may be broken and the disk full; there is nowhere left to say so.
        with suppress(Exception):
            if sys.stderr is not None:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()


def _take_over(handler: logging.Handler, threshold: int) -> None:
    """Make the handler the end of all logging, warnings and uncaught exceptions included."""
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, StandardError)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(threshold)
    for name, floor in _FLOORS.items():
        logging.getLogger(name).setLevel(max(floor, threshold))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("driftwatch").critical(
            "uncaught exception", exc_info=(kind, error, trace)
        )


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    if error is not None and not isinstance(error, SystemExit):
        name = arguments.thread.name if arguments.thread else "unknown"
        told = (type(error), error, arguments.exc_traceback)
        logging.getLogger("driftwatch").critical(
            "uncaught exception in thread %s", name, exc_info=told
        )


def _cleaned_by(cleaner: Cleaner) -> Processor:
    """Build the step that every event passes: its own keys first, each value cleaned."""

    def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event["_record"]
        cleaned: EventDict = {
            "timestamp": _moment(record.created),
            "level": record.levelname.lower(),
            "event": _sentence(cleaner, event),
            "logger": record.name,
        }
        for name, value in event.items():
            if name not in _META and name not in cleaned and name != "positional_args":
                cleaned[cleaner.text(str(name))] = cleaner.value(value)
        error = _exception(event.get("exc_info"))
        if error is not None:
            cleaned["exception"] = cleaner.exception(error)
        return cleaned

    return clean


def _sentence(cleaner: Cleaner, event: EventDict) -> str:
    text = event.get("event")
    arguments = event.get("positional_args")
    if isinstance(text, str) and arguments:
        with suppress(Exception):
            return cleaner.text(text % arguments)
    value = cleaner.value(text)
    return value if isinstance(value, str) else dumps(value)


def _exception(given: object) -> BaseException | None:
    """Find the exception in what a log call may say of it: itself, a tuple, or just true."""
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case None | False | tuple():
            return None
        case _:
            return sys.exc_info()[1]


def _json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return dumps(event)  # in ASCII: no stream's encoding can then break a line


def _terminal_line(environ: Mapping[str, str]) -> Processor:
    colors = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    render = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, sort_keys=False)

    def line(logger: WrappedLogger, method: str, event: EventDict) -> str:
        exception: dict[str, Any] | None = event.pop("exception", None)
        text = str(render(logger, method, event))
        return f"{text}\n{one_line(exception)}" if exception else text

    return line


def _unwritable(record: logging.LogRecord, error: Exception) -> str:
    return dumps(
        {
            "timestamp": _moment(record.created),
            "level": record.levelname.lower(),
            "event": "a log record that cannot be written",
            "logger": record.name,
            "place": f"{record.filename}:{record.lineno}",
            "reason": type(error).__name__,
        }
    )


def _moment(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _is_terminal() -> bool:
    with suppress(Exception):
        return sys.stderr.isatty()
    return False

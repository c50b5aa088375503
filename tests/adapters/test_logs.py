import json
import logging
import sys
import textwrap
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from _pytest.logging import LogCaptureHandler
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.adapters.log_values import LONGEST, Cleaner
from driftwatch.adapters.logs import LEVELS, StandardError, configure_logging
from driftwatch.adapters.process import Outcome, run
from driftwatch.config.load import process_environment
from driftwatch.errors import UsageError
from driftwatch.render.text import visible
from tests.render.hostile import HOSTILE

SECRET = 'pa"ss/wörd&<1>=='
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, list(root.handlers), sys.excepthook, threading.excepthook
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    sys.excepthook, threading.excepthook = before[2:]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Log:
    """What was written to standard error, line by line."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capture.readouterr().err.splitlines()]

    def line(self) -> dict[str, Any]:
        (only,) = self.lines()
        return only


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    configure_logging(json=True, secrets=[SECRET, "abc", "dev"])
    return Log(capsys)


def logger(name: str = "driftwatch.daemon") -> structlog.stdlib.BoundLogger:
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found


def program(folder: Path, code: str, shell: str = "exec {command}", **extra: str) -> Outcome:
    """Run Python code in a process of its own, whose streams the shell line sets up."""
    script = folder / "program.py"
    head = """
        import logging, os, sys, threading, warnings
        import structlog
        from driftwatch.adapters.logs import configure_logging
        log = structlog.stdlib.get_logger("driftwatch.daemon")
    """
    script.write_text(textwrap.dedent(head) + textwrap.dedent(code), encoding="utf-8")
    env = {"PATH": process_environment()["PATH"], "PYTHONPATH": str(ROOT), **extra}
    command = f"{sys.executable} {script}"
    argv = ["sh", "-c", shell.format(command=command)]
    return run(argv, cwd=folder, env=env, timeout=60)


def on_a_terminal(folder: Path, code: str, **extra: str) -> str:
    """Run Python code on a real pseudo-terminal and return what it wrote there."""
    spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    outcome = program(folder, code, f"exec {sys.executable} -c '{spawn}' {{command}}", **extra)
    assert outcome.exit_code == 0, outcome
    return outcome.stdout.decode().replace("\r\n", "\n")


def test_an_event_is_one_line_of_json_with_its_time_in_utc(log: Log) -> None:
    logger().info("check done", environment="prod", took=1.5, drifts=0, first=True, none=None)
    line = log.line()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {
        "level": "info",
        "event": "check done",
        "logger": "driftwatch.daemon",
        "environment": "prod",
        "took": 1.5,
        "drifts": 0,
        "first": True,
        "none": None,
    }


def test_what_is_bound_to_the_context_is_on_every_line(log: Log) -> None:
    with structlog.contextvars.bound_contextvars(environment="prod"):
        logger().info("begins")
    logger().bind(worker=3).warning("ends %s", "well")
    first, second = log.lines()
    assert first["environment"] == "prod"
    assert (second["worker"], second["event"]) == (3, "ends well")
    assert "environment" not in second


def test_libraries_write_through_the_same_pipeline_at_their_own_levels(log: Log) -> None:
    logging.getLogger("uvicorn.error").warning("about %s", SECRET)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    logging.getLogger("httpx2").info("HTTP Request: GET https://hooks.example.com/T0/B0")
    logging.getLogger("botocore.endpoint").debug("Authorization: …")
    logging.getLogger("some.library").info("started")
    first, second = log.lines()
    assert first["event"].startswith("about (sensitive #")
    assert (second["logger"], second["event"]) == ("some.library", "started")


def test_levels_are_obeyed_and_an_unknown_one_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for level in LEVELS:
        configure_logging(json=True, level=level)
        for told in LEVELS:
            getattr(logger(), told)(told)
        written = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
        assert written == list(LEVELS[LEVELS.index(level) :])
    configure_logging(json=True, level="debug")
    logging.getLogger("botocore").debug("the request with its signature")
    assert capsys.readouterr().err == ""
    with pytest.raises(UsageError, match="debug, info, warning, error"):
        configure_logging(level="loud")


def test_configuring_again_replaces_what_was_configured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(json=True, secrets=["first-secret"])
    configure_logging(json=True, secrets=["second-secret"])
    logger().info("told", first="first-secret", second="second-secret")
    line = Log(capsys).line()
    assert line["first"] == "first-secret"
    assert line["second"].startswith("(sensitive #")


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET, safe=""),
        f"https://x:{quote(SECRET, safe='')}@git.example.org/",
        b64encode(f"x-access-token:{SECRET}".encode()).decode(),
        repr(SECRET),
    ],
)
def test_no_spelling_of_a_secret_is_written(
    capsys: pytest.CaptureFixture[str], log: Log, spelling: str
) -> None:
    logger().info(f"event {spelling}", value=f"a {spelling} b", nested={"k": [spelling]})
    logging.getLogger("x").warning("told %s", spelling)
    logger().error("failed", exc_info=ValueError(spelling))
    written = capsys.readouterr().err
    assert written.count("(sensitive #") >= 5
    for form in (SECRET, json.dumps(SECRET)[1:-1], quote(SECRET), "pa\\", "ZDpwYSJzcy"):
        assert form not in written


def test_short_secrets_hide_themselves_but_not_half_of_every_text(log: Log) -> None:
    logger().info("development", password="abc", label="dev", path="abcdef")
    line = log.line()
    assert line["event"] == "development"
    assert line["password"].startswith("(sensitive #")
    assert line["label"].startswith("(sensitive #")
    assert line["path"] == "abcdef"


def test_a_secret_is_never_cut_into_a_half_that_could_be_read() -> None:
    secret = "s3cr3t-" * 40
    cleaner = Cleaner(b"key", (secret,))
    for before in (LONGEST - 20, 16 * LONGEST - 20, 16 * LONGEST - len(secret) + 1):
        assert "s3cr3t" not in cleaner.text("x" * before + secret + "y")
    # what is masked shrinks: the end of what was searched can then come into sight
    assert "s3cr3t" not in cleaner.text(secret * 200)[-len(secret) :]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_can_neither_forge_a_line_nor_drive_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, log: Log, value: str
) -> None:
    # What pytest captures goes to its main process, which cannot take half of a surrogate pair.
    ours = [h for h in logging.getLogger().handlers if not isinstance(h, LogCaptureHandler)]
    monkeypatch.setattr(logging.getLogger(), "handlers", ours)
    logger().info("check done", address=value, k={value: [value]})
    logging.getLogger("x").warning(value)
    logging.getLogger("x").warning("%s", value)
    logger().error(value, exc_info=RuntimeError(value))
    lines = capsys.readouterr().err
    assert lines.isascii()
    assert len([json.loads(line) for line in lines.splitlines()]) == 4
    for line in map(json.loads, lines.splitlines()):
        for text in (line["event"], line.get("address", ""), str(line.get("exception", ""))):
            assert visible(text) == text


def test_long_and_wide_values_are_cut_and_say_how_long_they_were(log: Log) -> None:
    logger().info("wide", text="x" * 5000, items=list(range(10_000)), deep=_deep(50))
    line = log.line()
    assert line["text"] == "x" * LONGEST + "… (5000 characters)"
    assert line["items"][-1] == "…"
    assert len(json.dumps(line)) < 4 * LONGEST
    logger().info("x" * 5000, many={f"k{n}": "y" * 500 for n in range(90)})
    line = log.line()
    assert len(line["event"]) < LONGEST + 30
    assert isinstance(line["many"], str)
    assert len(line["many"]) < LONGEST + 30


def _deep(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = [value]
    return value


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_what_cannot_be_shown_says_so_and_stops_nothing(tmp_path: Path) -> None:
    code = """
        import datetime, pathlib
        class Unspeakable:
            def __repr__(self): raise RuntimeError("no")
        circle, deep = [], []
        circle.append(circle)
        for _ in range(5000): deep = [deep]
        configure_logging()
        log.info(
            "odd", unspeakable=Unspeakable(), circle=circle, deep=deep, huge=10**5000,
            nan=float("nan"), surrogate="\\ud800", raw=bytes(2),
            when=datetime.datetime(2026, 11, 24, 8, tzinfo=datetime.timezone.utc),
            place=pathlib.Path("/a"), some={1}, error=ValueError("x"),
            timestamp="mine", level="mine",
        )
    """
    line = json.loads(program(tmp_path, code).stderr)
    assert line["unspeakable"] == "(a Unspeakable that cannot be shown)"
    assert line["deep"] == line["circle"] == [[[[[["…"]]]]]]
    assert line["huge"] == "(a number of 16610 bits)"
    assert line["nan"] == "nan"
    assert line["surrogate"] == "<U+D800>"
    assert line["raw"] == "(2 bytes)"
    assert line["when"] == "2026-11-24T08:00:00+00:00"
    assert line["some"] == [1]
    assert line["error"] == "x"
    assert line["level"] == "info"
    assert line["timestamp"] != "mine"


def test_a_wrong_log_call_is_told_and_raises_nothing(tmp_path: Path) -> None:
    code = """
        configure_logging()
        class Unspeakable:
            def __repr__(self): raise RuntimeError("no")
        logging.getLogger("x").warning("bad %s %s", 1)
        logging.getLogger("x").warning(Unspeakable())
        log.info("bad %d", "x")
        log.info(None)
    """
    lines = [json.loads(line) for line in program(tmp_path, code).stderr.splitlines()]
    first, second, third, fourth = lines
    assert first["event"] == "bad %s %s"
    assert second["event"] == "a log record that cannot be written"
    assert second["place"].startswith("program.py:")
    assert third["event"] == "bad %d"
    assert fourth["event"] == "null"


def test_an_exception_is_short_structured_and_without_variables(
    capsys: pytest.CaptureFixture[str], log: Log
) -> None:
    def fail(depth: int) -> None:
        hidden = "local-value"
        if depth:
            fail(depth - 1)
        raise ValueError(f"bad {SECRET}") from KeyError(hidden[:0])

    try:
        fail(30)
    except ValueError:
        logger().exception("failed", environment="prod")
    written = capsys.readouterr().err
    assert "local-value" not in written
    told = json.loads(written)["exception"]
    assert told["type"] == "ValueError"
    assert told["message"].startswith("bad (sensitive #")
    assert len(told["frames"]) == 8
    assert told["frames"][-1].startswith("tests/adapters/test_logs.py:")
    assert told["frames"][-1].endswith(" fail")
    assert told["cause"] == {"type": "KeyError", "message": "''"}


def test_exceptions_are_taken_however_they_are_given(log: Log) -> None:
    group = ExceptionGroup("several", [ValueError("a"), UnspeakableError(), OSError("c")] * 2)
    logger().error("one", exc_info=group)
    logger().error("two", exc_info=(KeyError, KeyError("k"), None))
    logger().error("three", exc_info=True)
    logger().error("four", exc_info=(None, None, None))
    first, second, third, fourth = log.lines()
    assert [each["message"] for each in first["exception"]["exceptions"]] == [
        "a",
        "(a message that cannot be shown)",
        "c",
    ]
    assert second["exception"]["type"] == "KeyError"
    assert "exception" not in third
    assert "exception" not in fourth


def test_a_chain_of_causes_ends(log: Log) -> None:
    error: Exception = ValueError("0")
    for number in range(1, 50):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    error.__traceback__ = None
    logger().error("chain", exc_info=error)
    told, depth = log.line()["exception"], 0
    while told := told.get("cause"):
        depth += 1
    assert depth == 3


def test_standard_error_that_is_gone_is_survived(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    logger().info("nobody hears")
    configure_logging()


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-", "2>&1 | :"])
def test_a_full_disk_a_closed_stream_and_a_broken_pipe_stop_nothing(
    tmp_path: Path, redirect: str
) -> None:
    code = """
        configure_logging()
        for number in range(2000):
            log.info("line", number=number, text="x" * 1000)
        open("done", "w").close()
    """
    program(tmp_path, code, "{command} " + redirect)
    assert (tmp_path / "done").exists()


def test_lines_are_whole_though_many_threads_write(tmp_path: Path) -> None:
    code = """
        configure_logging(level="debug")
        def write(number):
            for at in range(200):
                log.info("line", thread=number, at=at, text="x" * 500)
        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    outcome = program(tmp_path, code)
    lines = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert outcome.stdout == b""
    assert len({(line["thread"], line["at"]) for line in lines}) == 1600


def test_uncaught_exceptions_and_warnings_are_events_too(tmp_path: Path) -> None:
    code = f"""
        configure_logging(secrets=[{SECRET!r}])
        warnings.warn("this ages")
        def fail(): raise KeyError({SECRET!r})
        def leave(): raise SystemExit
        for target in (fail, leave):
            thread = threading.Thread(target=target, name="worker-1")
            thread.start()
            thread.join()
        raise RuntimeError("the end")
    """
    outcome = program(tmp_path, code)
    warned, thread, end = (json.loads(line) for line in outcome.stderr.splitlines())
    assert outcome.exit_code == 1
    assert (warned["logger"], warned["level"]) == ("py.warnings", "warning")
    assert thread["event"] == "uncaught exception in thread worker-1"
    assert "(sensitive #" in thread["exception"]["message"]
    assert (end["level"], end["exception"]["message"]) == ("critical", "the end")


def test_an_interrupt_is_no_event(tmp_path: Path) -> None:
    outcome = program(tmp_path, "configure_logging()\nraise KeyboardInterrupt")
    assert outcome.stderr == b""


TOLD = """
configure_logging()
log.info("check done", environment="prod", evil="a\\x1b[2Jb\\nc")
try:
    raise ValueError("bad") from ExceptionGroup("several", [KeyError("k")])
except ValueError:
    log.exception("failed")
"""


def test_a_terminal_gets_readable_lines_in_colour(tmp_path: Path) -> None:
    written = on_a_terminal(tmp_path, TOLD, TERM="xterm")
    assert "\x1b[" in written
    assert "\x1b[2J" not in written
    assert len(written.splitlines()) == 7
    assert "ValueError: bad" in written
    assert "  | KeyError: 'k'" in written


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colours_are_left_out_where_they_are_not_wanted(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    written = on_a_terminal(tmp_path, TOLD, **variables)
    assert "\x1b" not in written
    assert "check done" in written
    assert "environment=prod" in written


def test_json_may_be_asked_for_on_a_terminal(tmp_path: Path) -> None:
    code = 'configure_logging(json=True)\nlog.info("check done")'
    assert json.loads(on_a_terminal(tmp_path, code, TERM="xterm"))["event"] == "check done"


def test_any_locale_can_take_the_log(tmp_path: Path) -> None:
    code = 'configure_logging()\nlog.info("geprüft \\u2028 ✓", name="Zoë")'
    outcome = program(tmp_path, code, PYTHONIOENCODING="ascii:strict")
    assert json.loads(outcome.stderr)["name"] == "Zoë"


@given(st.recursive(st.text() | st.floats() | st.integers() | st.none(), st.lists))
def test_whatever_is_logged_becomes_json_that_reads_back(value: Any) -> None:
    plain = Cleaner(b"key", ("secret-one",)).value(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_only_the_own_handler_is_replaced() -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    configure_logging(json=True)
    configure_logging(json=True)
    handlers = logging.getLogger().handlers
    assert other in handlers
    assert len([h for h in handlers if isinstance(h, StandardError)]) == 1

"""Programs run to their end, within limits, and leave nothing behind."""

import os
import signal
import subprocess  # noqa: TID251 - here a driftwatch is killed
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from driftwatch.adapters import process
from driftwatch.adapters.process import Grace, Outcome, run
from driftwatch.errors import Cause, CouldNotLook

ENV = {"PATH": os.defpath, "LANG": "C"}
SOON = Grace(0.2, 0.2)
LONG = 60.0


def start(argv: Sequence[str], folder: Path, timeout: float = LONG, **more: object) -> Outcome:
    return run(argv, cwd=folder, env=ENV, timeout=timeout, grace=SOON, **more)  # type: ignore[arg-type]


def shell(script: str, folder: Path, timeout: float = LONG, **more: object) -> Outcome:
    return start(["sh", "-c", script], folder, timeout, **more)


def python(script: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(script)]


# A daemon as daemons are made, in a session of its own; it writes its id to `pid`.
DAEMON = """
    import os, signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open("pid.new", "w").write(str(os.getpid()))
            os.rename("pid.new", "pid")
            time.sleep(300)
        os._exit(0)
    while not os.path.exists("pid"):
        time.sleep(0.01)
"""


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def daemon_of(folder: Path) -> int:
    wait_for((folder / "pid").exists)
    return int((folder / "pid").read_text())


def test_exit_code_and_both_streams_are_returned(tmp_path: Path) -> None:
    assert shell("echo out; echo err >&2; exit 3", tmp_path) == Outcome(3, b"out\n", b"err\n")


def test_a_program_that_exits_127_by_itself_did_start(tmp_path: Path) -> None:
    assert shell("exit 127", tmp_path).exit_code == 127


def test_a_program_killed_by_a_signal_has_a_negative_exit_code(tmp_path: Path) -> None:
    assert shell("kill -KILL $$", tmp_path).exit_code == -9
    assert shell("kill -SEGV $$", tmp_path).exit_code == -11


def test_the_program_gets_the_given_environment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWATCH_SECRET", "s3cret")
    outcome = run(["/usr/bin/env"], cwd=tmp_path, env={"ONLY": "this"}, timeout=LONG)
    assert outcome.stdout == b"ONLY=this\n"


def test_the_program_runs_in_the_given_directory_and_makes_private_files(tmp_path: Path) -> None:
    shell("touch here", tmp_path)
    assert (tmp_path / "here").stat().st_mode & 0o777 == 0o600


def test_the_program_inherits_no_file_but_its_streams(tmp_path: Path) -> None:
    listing = python("import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    assert start(listing, tmp_path).stdout == b"[0, 1, 2, 3]\n"  # 3 is the listing's own


def test_the_program_can_be_interrupted_like_any_other(tmp_path: Path) -> None:
    status = Path("/proc/self/status").read_text()
    assert "SigIgn" in status
    lines = shell("grep Sig /proc/self/status", tmp_path).stdout.decode()
    ignored = next(line for line in lines.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) == 0


def test_no_program_may_leave_its_memory_in_a_core_file(tmp_path: Path) -> None:
    assert shell("ulimit -c", tmp_path).stdout == b"0\n"


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program", "./plain-text"])
def test_a_program_that_cannot_be_started_is_an_error_that_names_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "plain-text").write_text("not executable")
    with pytest.raises(CouldNotLook, match=name) as caught:
        start([name, "argument"], tmp_path)
    assert caught.value.cause is Cause.MACHINE
    assert caught.value.command == (name, "argument")


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CouldNotLook, match="Cannot start sh"):
        shell("true", tmp_path / "missing")


def test_an_argument_that_no_system_accepts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CouldNotLook, match="null"):
        start(["echo", "a\0b"], tmp_path)


def test_arguments_are_never_seen_by_a_shell(tmp_path: Path) -> None:
    hostile = "$(touch canary); `touch canary` && touch canary"
    assert start(["echo", hostile], tmp_path).stdout.decode() == hostile + "\n"
    assert not (tmp_path / "canary").exists()


def test_standard_input_is_empty(tmp_path: Path) -> None:
    assert start(["cat"], tmp_path) == Outcome(0, b"", b"")


def test_lines_are_told_as_they_come_the_last_one_too(tmp_path: Path) -> None:
    told: list[bytes] = []
    outcome = shell("printf 'one\\ntwo\\n\\nlast'", tmp_path, on_line=told.append)
    assert told == [b"one", b"two", b"", b"last"]
    assert outcome.stdout == b"one\ntwo\n\nlast"


def test_a_line_is_told_before_the_program_ends(tmp_path: Path) -> None:
    def answer(line: bytes) -> None:
        (tmp_path / line.decode()).touch()

    script = "echo told; until [ -e told ]; do sleep 0.05; done"
    assert shell(script, tmp_path, on_line=answer).exit_code == 0


def test_a_listener_that_fails_neither_stops_the_program_nor_is_forgotten(tmp_path: Path) -> None:
    def refuse(line: bytes) -> None:
        raise LookupError(line.decode())

    with pytest.raises(LookupError, match="first"):
        shell("echo first; seq 100000; touch done", tmp_path, on_line=refuse)
    assert (tmp_path / "done").exists()


def test_a_gigabyte_of_output_stays_small_in_memory(tmp_path: Path) -> None:
    longest: list[int] = []
    peak, stop = [0], threading.Event()
    own = psutil.Process()
    before = own.memory_info().rss

    def watch() -> None:
        while not stop.wait(0.02):
            peak[0] = max(peak[0], own.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        outcome = shell(
            "head -c 1000000000 /dev/zero; head -c 20000000 /dev/zero >&2",
            tmp_path,
            max_output=1000,
            on_line=lambda line: longest.append(len(line)),
        )
    finally:
        stop.set()
        watcher.join()
    assert outcome.exit_code == 0
    assert outcome.truncated
    assert (len(outcome.stdout), len(outcome.stderr)) == (1000, 1000)
    assert max(longest) <= 1 << 20
    assert peak[0] - before < 50 << 20


def test_of_too_many_messages_the_last_are_kept(tmp_path: Path) -> None:
    outcome = shell("seq 100000 >&2; echo 'the reason' >&2", tmp_path, max_output=17)
    assert (outcome.stderr, outcome.truncated) == (b"00000\nthe reason\n", True)


def test_output_that_just_fits_is_not_truncated(tmp_path: Path) -> None:
    outcome = shell("printf 12345", tmp_path, max_output=5)
    assert (outcome.stdout, outcome.truncated) == (b"12345", False)


def test_a_program_that_hangs_is_ended_and_what_it_said_is_kept(tmp_path: Path) -> None:
    outcome = shell("echo before; exec sleep 300", tmp_path, timeout=2.0)
    assert outcome == Outcome(-signal.SIGTERM, b"before\n", b"", timed_out=True)


def test_a_program_may_need_to_be_asked_twice(tmp_path: Path) -> None:
    script = """
        trap 'echo again; trap "echo bye; exit 5" TERM' TERM
        echo ready; while :; do sleep 0.05; done
    """
    patient = Grace(1.0, 30.0)
    outcome = run(["sh", "-c", script], cwd=tmp_path, env=ENV, timeout=2.0, grace=patient)
    assert outcome == Outcome(5, b"ready\nagain\nbye\n", b"", timed_out=True)


def test_a_program_that_ignores_requests_is_killed_with_all_its_children(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 300 & echo $!; sleep 301; sleep 302"
    outcome = shell(script, tmp_path, timeout=2.0)
    assert outcome.timed_out
    assert outcome.exit_code == -signal.SIGKILL
    assert gone(int(outcome.stdout))


def test_a_daemon_does_not_survive_the_end_of_the_program(tmp_path: Path) -> None:
    assert start(python(DAEMON), tmp_path).exit_code == 0
    assert gone(daemon_of(tmp_path))


def test_a_daemon_does_not_survive_a_timeout(tmp_path: Path) -> None:
    hanging = DAEMON + "\n    time.sleep(300)"
    assert start(python(hanging), tmp_path, timeout=3.0).timed_out
    assert gone(daemon_of(tmp_path))


def test_a_daemon_does_not_survive_when_the_program_is_killed(tmp_path: Path) -> None:
    killed = DAEMON + "\n    os.kill(os.getpid(), signal.SIGKILL)"
    assert start(python(killed), tmp_path).exit_code == -signal.SIGKILL
    assert gone(daemon_of(tmp_path))


def test_nothing_survives_when_driftwatch_is_killed(tmp_path: Path) -> None:
    hanging = DAEMON + "\n    open('leader', 'w').write(str(os.getpid())); time.sleep(300)"
    parent = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(process.__file__).parents[2])!r})
        from driftwatch.adapters.process import run
        run({python(hanging)!r}, cwd=Path({str(tmp_path)!r}), env={ENV!r}, timeout=300)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(parent)]) as driftwatch:
        daemon = daemon_of(tmp_path)
        wait_for((tmp_path / "leader").exists)
        family = psutil.Process(driftwatch.pid).children(recursive=True)
        driftwatch.kill()
    assert {daemon} < {member.pid for member in family}
    assert psutil.wait_procs(family, timeout=LONG)[1] == []


def test_nothing_of_the_session_survives_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = "sleep 300 & echo $! > child; kill -KILL $PPID; sleep 301"
    outcome = shell(script, tmp_path)
    assert outcome.exit_code == -signal.SIGKILL
    assert not outcome.timed_out
    assert gone(int((tmp_path / "child").read_text()))


def test_a_supervisor_that_is_told_to_end_ends_the_program_first(tmp_path: Path) -> None:
    outcome = shell("kill -TERM $PPID; exec sleep 300", tmp_path)
    assert outcome.exit_code == -signal.SIGTERM


def test_many_programs_can_run_at_once_from_short_lived_threads(tmp_path: Path) -> None:
    codes: list[int] = []

    def one(code: int) -> None:
        codes.append(shell(f"sleep 0.1; exit {code}", tmp_path).exit_code)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == list(range(12))


def test_no_file_descriptor_is_left_open(tmp_path: Path) -> None:
    shell("true", tmp_path)
    before = psutil.Process().num_fds()
    for _ in range(5):
        shell("true", tmp_path)
    assert psutil.Process().num_fds() == before

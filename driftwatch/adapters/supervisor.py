"""Runs one program so that nothing of it is left behind, whoever dies first.

Started by `process.py` as a script of its own, with few imports: every run waits for them. A socket
ties it to driftwatch. A byte on it means that time is up; its end, that driftwatch is gone. Either
way the program and all that it started are ended. Orphans come to us (we are their subreaper), so
that a provider whose terraform was killed is found and ended as well.

Arguments: socket's file descriptor, seconds of grace after a first and a second SIGTERM, whether
LC_CTYPE is the program's (1) or Python's own invention (0, see PEP 538), the program and its
arguments. The answer on the socket is `exit N`, `signal N` or `unstartable ERRNO`.
"""

import ctypes
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_HURRIED = 1.0  # seconds of grace, at most, where nobody waits for a polite end any more
_EXPENDABLE = b"500"  # the kernel, short of memory, takes the program before driftwatch


def main() -> None:
    """Run the program named on the command line to its end, or to ours."""
    line, graces, argv = int(sys.argv[1]), [float(sys.argv[2]), float(sys.argv[3])], sys.argv[5:]
    if sys.argv[4] == "0":
        os.unsetenv("LC_CTYPE")
    os.set_inheritable(line, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    program, failed = _start(argv)
    answer = b"unstartable %d" % failed if failed else _answer(_watch(program, line, wake, graces))
    _end_the_rest(program)
    try:
        os.write(line, answer)
    except OSError:
        return  # nobody listens any more


def _prctl(option: int, value: int) -> None:
    """Ask Linux for a favour; elsewhere, killing the process group has to do."""
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (AttributeError, OSError):
        return


def _start(argv: list[str]) -> tuple[int, int]:
    """Start the program in a process group of its own; returns its id and why it did not start."""
    us = os.getpid()
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(argv, us)
        except OSError as error:
            os.write(tell, b"%d" % (error.errno or 0))
        os._exit(127)
    os.close(tell)
    reason = os.read(told, 16)  # empty once the program runs: its end of the pipe closes by itself
    os.close(told)
    return pid, int(reason or b"0")


def _become(argv: list[str], parent: int) -> None:
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # should we be killed; we have one thread alone
    if os.getppid() != parent:
        os._exit(127)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):  # whoever started us may have ignored any of them
            signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its memory holds credentials
    try:
        with open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 - pathlib takes 8 ms
            file.write(_EXPENDABLE)
    except OSError:
        pass
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted


def _watch(program: int, line: int, wake: int, graces: list[float]) -> int:
    """Wait for the program's end; once nobody wants it any more, hasten it step by step."""
    listening = [line, wake]
    deadline = float("inf")
    while (status := _reap(program)) is None:
        patience = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(listening, [], [], patience)
        if wake in ready and signal.SIGTERM in os.read(wake, 64):
            deadline = min(deadline, 0.0)
        if line in ready:
            if not _word(line):
                listening.remove(line)
                graces[:] = [min(grace, _HURRIED) for grace in graces]
            deadline = 0.0
        if time.monotonic() >= deadline:
            deadline = time.monotonic() + _hasten(program, graces)
    return status


def _word(line: int) -> bytes:
    """Read what driftwatch says; nothing, where it is gone."""
    try:
        return os.read(line, 1)
    except OSError:
        return b""


def _hasten(program: int, graces: list[float]) -> float:
    """Ask politely, ask again, then kill; returns how many seconds to wait for an effect.

    Only the leader is asked: terraform must end its providers itself, and may release a lock only
    upon the second signal.
    """
    if graces:
        _kill(program, signal.SIGTERM)
        return graces.pop(0)
    _kill_group(program)
    return _HURRIED


def _reap(program: int) -> int | None:
    """Collect the dead; returns the program's status once it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == program:
            return status
        if pid == 0:
            return None


def _answer(status: int) -> bytes:
    code = os.waitstatus_to_exitcode(status)
    return b"signal %d" % -code if code < 0 else b"exit %d" % code


def _end_the_rest(program: int) -> None:
    """Kill what the program left behind, until nothing is left."""
    if not os.path.isdir("/proc/self"):  # noqa: PTH112 - pathlib takes 8 ms
        _kill_group(program)
    for _ in range(1000):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for pid in _descendants(os.getpid()):
            _kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _descendants(ancestor: int) -> list[int]:
    """List all that descend from a process. Format: proc(5), /proc/PID/stat."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes 8 ms
        try:
            with open(f"/proc/{int(name)}/stat", "rb") as file:  # noqa: PTH123
                # The name may hold blanks and brackets; what follows its last bracket may not.
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(name))
    found, waiting = [], [ancestor]
    while waiting:
        offspring = children.get(waiting.pop(), [])
        found += offspring
        waiting += offspring
    return found


def _kill_group(program: int) -> None:
    try:
        os.killpg(program, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _kill(program, signal.SIGKILL)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    main()

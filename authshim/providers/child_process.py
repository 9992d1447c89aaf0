"""Run a child process that is bounded in time and in output, and leave no descendant behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from glob import glob
from typing import IO, TYPE_CHECKING, Callable, NamedTuple

from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

MAX_STDOUT_BYTES = 1024 * 1024
"""A child that prints more is ended."""

MAX_STDERR_BYTES = 64 * 1024
"""The end of stderr is kept."""

MARK = "AUTHSHIM_CHILD"
"""The variable by which the descendants of a child are found; the value is random and no secret."""

_IS_WINDOWS = os.name == "nt"
_POLL_SECONDS = 0.05


class Result(SecretHolder):
    """A status and an output with which a child ended."""

    __slots__ = ("status", "stderr", "stdout", "stopped")

    def __init__(
        self,
        status: int,
        stdout: bytes = b"",
        stderr: bytes = b"",
        stopped: str | None = None,
    ) -> None:
        self.status = status
        """The exit status; on POSIX a negative number if a signal ended the child."""
        self.stdout = stdout
        self.stderr = stderr
        """Empty if the child wrote to our own stderr."""
        self.stopped = stopped
        """Why the child did not start or was ended here; None if it exited by itself."""


def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    deadline: float,
    pass_stderr: bool = False,
    grace: float = 1.0,
) -> Result:
    """Run a command with an empty stdin, and return its result.

    No exception is raised, since its frames would hold the output. All work is done in a thread:
    Ctrl-C may come after the child was started and before its id is known.

    :param command: the first word is an absolute path.
    :param deadline: in seconds; then the child and its descendants are ended.
    :param pass_stderr: let the child write to our own stderr.
    :param grace: seconds that a pipe may stay open after the exit of the child, and seconds
        between SIGTERM and SIGKILL.
    """
    results: list[Result] = []
    given_up, finished = threading.Event(), threading.Event()
    main = threading.main_thread()
    is_embedded = not main.is_alive()  # Python runs in another program, whose first thread is gone

    def is_given_up() -> bool:
        return given_up.is_set() or not (is_embedded or main.is_alive())

    def work() -> None:
        try:
            limits = _Limits(deadline, grace, is_given_up)
            results.append(_run(command, environ, pass_stderr, limits))
        finally:
            finished.set()

    try:
        # The interpreter waits for this thread when it exits, so that the child can be ended.
        threading.Thread(target=work, daemon=False).start()
        finished.wait()
    except RuntimeError:
        return _not_started("the system has no thread to spare")
    except BaseException:  # KeyboardInterrupt above all
        given_up.set()
        finished.wait(3 * grace + 1)
        raise
    return results[0]


class _Limits(NamedTuple):
    """Bounds in seconds, and a function that tells if the result is no longer needed."""

    deadline: float
    grace: float
    is_given_up: Callable[[], bool]


def _not_started(reason: str) -> Result:
    return Result(-1, stopped=f"it cannot be started: {reason}")


def _run(
    command: Sequence[str],
    environ: Mapping[str, str],
    pass_stderr: bool,
    limits: _Limits,
) -> Result:
    mark = os.urandom(16).hex()
    # The marks of outer runs stay, since this child descends from theirs.
    marks = f"{environ.get(MARK, '')} {mark}"
    try:
        process = _start(command, {**environ, MARK: marks}, pass_stderr)
    except OSError as error:
        return _not_started((error.strerror or "the system refused").lower())
    except ValueError:
        return _not_started("an argument has a character that none may have")
    stdout, stderr = _Reader(process.stdout), _Reader(process.stderr, keep_end=True)
    try:
        stdout.start()
        stderr.start()
        return _watch(process, stdout, stderr, mark, limits)
    except Exception as error:  # noqa: BLE001 - the system may have no thread to spare
        _end(process, mark, limits.grace)
        stdout.close()
        stderr.close()
        return Result(-1, stopped=f"it could not be watched ({type(error).__name__})")


def _start(command: Sequence[str], environ: Mapping[str, str], pass_stderr: bool) -> Popen[bytes]:
    import subprocess

    return subprocess.Popen(
        list(command),
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if pass_stderr else subprocess.PIPE,
        env=environ,
        start_new_session=True,  # POSIX only
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _watch(
    process: Popen[bytes],
    stdout: _Reader,
    stderr: _Reader,
    mark: str,
    limits: _Limits,
) -> Result:
    """Wait for the exit of a child, end what it leaves behind, and return its result."""
    in_time = _wait_for_exit(process, stdout, limits)
    if not in_time or not _finished(stdout, stderr, limits.grace) or stdout.flooded:
        _end(process, mark, limits.grace)
        _finished(stdout, stderr, limits.grace)
    stopped = None
    if stdout.flooded:
        stopped = f"it printed more than {MAX_STDOUT_BYTES // 1024} KiB"
    elif not in_time:
        stopped = f"it did not answer within {limits.deadline:g} s"
    status = process.returncode
    if status is None:
        status = -1
    return Result(status, bytes(stdout.data), bytes(stderr.data), stopped)


def _wait_for_exit(process: Popen[bytes], stdout: _Reader, limits: _Limits) -> bool:
    """Wait until the child exits; return False if it is out of time or printed too much."""
    until = time.monotonic() + limits.deadline
    while process.poll() is None and not stdout.flooded:
        if time.monotonic() >= until or limits.is_given_up():
            return False
        # A child that exits closes its stdout, which wakes this thread at once.
        if stdout.finished.wait(_POLL_SECONDS):
            _wait(process, _POLL_SECONDS)
    return not stdout.flooded


def _wait(process: Popen[bytes], seconds: float) -> None:
    import subprocess

    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _finished(stdout: _Reader, stderr: _Reader, seconds: float) -> bool:
    """Wait until both pipes are closed; return False if a process still holds one."""
    until = time.monotonic() + seconds
    if not stdout.finished.wait(seconds):
        return False
    return stderr.finished.wait(max(0, until - time.monotonic()))


def _end(process: Popen[bytes], mark: str, grace: float) -> None:
    """End the child and its descendants, with SIGTERM at first, and leave no zombie."""
    if _IS_WINDOWS:
        for force in (False, True):
            _kill_tree(process, force=force)
            _wait(process, grace)
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        # All have ended, or macOS refuses to signal a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        _signal_marked(mark, number)
        _wait(process, grace)
    until = time.monotonic() + grace
    # A descendant may have started another one while the list was made.
    while _signal_marked(mark, signal.SIGKILL) and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)


def _kill_tree(process: Popen[bytes], *, force: bool) -> None:
    """Do on Windows what ``killpg`` does on POSIX."""
    import subprocess

    # Given a bare name, Windows would look in the current folder first.
    system = os.environ.get("SYSTEMROOT", r"C:\Windows")
    taskkill = [rf"{system}\System32\taskkill.exe", "/T"]
    if force:
        taskkill.append("/F")
    taskkill += ["/PID", str(process.pid)]
    nothing = subprocess.DEVNULL
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(taskkill, stdin=nothing, capture_output=True, timeout=5, check=False)
    if force:
        process.kill()


def _signal_marked(mark: str, number: int) -> bool:
    """Signal each process whose environment has the mark, and tell if there was one (Linux only).

    Parents are not followed: the chain to a descendant breaks if a parent has ended.
    """
    found = False
    for path in glob("/proc/[0-9]*/environ"):
        # The process may have ended, or belong to another user.
        with suppress(OSError), open(path, "rb") as file:
            if mark.encode() in file.read():
                os.kill(int(path.split("/")[2]), number)
                found = True
    return found


class _Reader(SecretHolder):
    """A thread that reads a pipe to its end, and is the only one to close it."""

    __slots__ = ("_keep_end", "_pipe", "data", "finished", "flooded")

    def __init__(self, pipe: IO[bytes] | None, *, keep_end: bool = False) -> None:
        self.data = bytearray()
        self.finished = threading.Event()
        self.flooded = False
        self._keep_end = keep_end
        self._pipe = pipe

    def start(self) -> None:
        """Start to read.

        :raises RuntimeError: the system has no thread to spare.
        """
        if self._pipe is None:
            self.finished.set()
            return
        threading.Thread(target=self._work, args=(self._pipe,), daemon=True).start()
        self._pipe = None

    def close(self) -> None:
        """Close the pipe if no thread was started to read it."""
        if self._pipe is not None:
            self._pipe.close()

    def _work(self, pipe: IO[bytes]) -> None:
        try:
            with pipe, suppress(OSError):
                self._read(pipe)
        finally:
            self.finished.set()

    def _read(self, pipe: IO[bytes]) -> None:
        while not self.flooded:
            chunk = pipe.read(65536)
            if not chunk:
                return
            self.data += chunk
            if self._keep_end:
                del self.data[:-MAX_STDERR_BYTES]
            elif len(self.data) > MAX_STDOUT_BYTES:
                self.flooded = True

"""Run a child process that is bounded in time and in what it may print.

Nothing hangs, and nobody who still holds the pipes is left behind: a child that waits for a
person, floods its output, or forks and exits is ended together with its process group.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from authshim.hidden import Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from subprocess import Popen

STDOUT_LIMIT = 1024 * 1024
"""Bytes; a child that prints more is ended."""

STDERR_KEPT = 64 * 1024
"""Bytes; of what is printed to stderr the end is kept."""

_IS_WINDOWS = os.name == "nt"

_TURN = 0.05
"""Seconds between two looks at whether a child has exited whose stdout is still open."""


class Ended(Closed):
    """How a child ended."""

    __slots__ = ("status", "stderr", "stdout", "stopped")

    def __init__(self, status: int, stdout: bytes = b"", stderr: bytes = b"", stopped: str | None = None) -> None:
        self.status = status
        """The exit status; on POSIX less than 0 where a signal ended it."""
        self.stdout = stdout
        self.stderr = stderr
        """Empty where it was passed through."""
        self.stopped = stopped
        """Why it could not be started, or why we ended it; None where it exited by itself."""


def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    deadline: float,
    pass_stderr: bool = False,
    grace: float = 1.0,
) -> Ended:
    """Run a command with nothing on stdin, in a process group of its own, and wait for it.

    It raises nothing of its own: an exception's frames would hold what the child printed. All
    is done in a thread of its own, for Ctrl-C may come when a child is running and its id is
    not known yet. The child ends with the program, too.

    :param command: the first word is an absolute path.
    :param deadline: in seconds; then the whole process group is ended.
    :param pass_stderr: let the child write to our own stderr.
    :param grace: in seconds: how long a pipe may stay open once the child has exited, and
        how long the group has between SIGTERM and SIGKILL.
    """
    ended: list[Ended] = []
    given_up, over = threading.Event(), threading.Event()
    main = threading.main_thread()
    has_main = main.is_alive()  # where Python is embedded, it may have gone long ago

    def is_given_up() -> bool:
        return given_up.is_set() or (has_main and not main.is_alive())

    def work() -> None:
        try:
            ended.append(_run(command, environ, pass_stderr, deadline, grace, is_given_up))
        finally:
            over.set()

    try:
        try:
            threading.Thread(target=work, daemon=False).start()  # that of a daemon would be one as well
        except RuntimeError:
            return Ended(-1, stopped="it cannot be started: the system has no thread to spare")
        over.wait()
    except BaseException:  # KeyboardInterrupt above all
        given_up.set()
        over.wait(3 * grace + 1)
        raise
    return ended[0]


def _run(
    command: Sequence[str],
    environ: Mapping[str, str],
    pass_stderr: bool,
    deadline: float,
    grace: float,
    is_given_up: Callable[[], bool],
) -> Ended:
    try:
        process = _start(command, environ, pass_stderr)
    except OSError as error:
        return Ended(-1, stopped=f"it cannot be started: {(error.strerror or 'the system refused').lower()}")
    except ValueError:
        return Ended(-1, stopped="it cannot be started: an argument has a character that none may have")
    try:
        return _watch(process, deadline, grace, is_given_up)
    except Exception as error:  # noqa: BLE001 - a system that is out of threads, perhaps
        _end(process, grace)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return Ended(-1, stopped=f"it could not be watched ({type(error).__name__})")


def _start(command: Sequence[str], environ: Mapping[str, str], pass_stderr: bool) -> Popen[bytes]:
    import subprocess

    return subprocess.Popen(
        list(command),
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if pass_stderr else subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,  # POSIX only
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _watch(process: Popen[bytes], deadline: float, grace: float, is_given_up: Callable[[], bool]) -> Ended:
    until = time.monotonic() + deadline

    def is_time() -> bool:
        return time.monotonic() >= until or is_given_up()

    stdout, stderr = readers = _Reader(process.stdout, stop_at=STDOUT_LIMIT), _Reader(process.stderr)
    try:
        # Its stdout ends when it does: that wakes us at once, where Popen.wait sleeps up to 50 ms at a time.
        while not stdout.finished.wait(_TURN) and process.poll() is None and not is_time():
            pass
        while not stdout.flooded and not _wait(process, _TURN) and not is_time():
            pass
        in_time = not stdout.flooded and process.returncode is not None
        # One that it left behind may flood as well.
        if not in_time or not _finished(readers, grace) or stdout.flooded:
            _end(process, grace)
            _finished(readers, grace)
    finally:
        for reader in readers:
            reader.left.set()
    stopped = None if in_time else f"it did not answer within {deadline:g} s"
    if stdout.flooded:
        stopped = f"it printed more than {STDOUT_LIMIT // 1024} KiB"
    return Ended(-1 if process.returncode is None else process.returncode, stdout.text(), stderr.text(), stopped)


def _finished(readers: Sequence[_Reader], seconds: float) -> bool:
    """Wait until all pipes are closed; False where somebody still holds one."""
    until = time.monotonic() + seconds
    return all(reader.finished.wait(max(0.0, until - time.monotonic())) for reader in readers)


def _wait(process: Popen[bytes], seconds: float) -> bool:
    import subprocess

    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: Popen[bytes], grace: float) -> None:
    """End the child and all of its process group, politely at first; leave no zombie."""
    _signal(process, force=False)
    _wait(process, grace)
    _signal(process, force=True)
    _wait(process, grace)


def _signal(process: Popen[bytes], *, force: bool) -> None:
    if _IS_WINDOWS:
        _kill_tree(process, force=force)
        return
    # Not there: all have ended. Not permitted: macOS says so of a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)


def _kill_tree(process: Popen[bytes], *, force: bool) -> None:
    """Do what ``killpg`` does, on Windows."""
    import subprocess

    # By its whole path: Windows would look for it in the current folder first.
    system = os.environ.get("SYSTEMROOT", r"C:\Windows")
    taskkill = [rf"{system}\System32\taskkill.exe", "/T", *(["/F"] if force else []), "/PID", str(process.pid)]
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(taskkill, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
    if force:
        process.kill()


class _Reader:
    """Read a pipe in a thread of its own, which owns and closes it.

    It ends when the pipe does, or soon after ``left`` is set: somebody outside the group may hold the pipe for days.
    """

    def __init__(self, pipe: IO[bytes] | None, *, stop_at: int | None = None) -> None:
        self.finished = threading.Event()
        self.left = threading.Event()
        self.flooded = False
        self._stop_at = stop_at
        self._data = bytearray()
        if pipe is None:
            self.finished.set()
        else:
            threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def text(self) -> bytes:
        """Return what was read so far."""
        return bytes(self._data)

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(OSError):
            while not self.flooded and _is_readable(pipe, self.left):
                chunk = pipe.read(65536)
                if not chunk:
                    break
                self._keep(chunk)
        self.finished.set()

    def _keep(self, chunk: bytes) -> None:
        self._data += chunk
        if self._stop_at is None:
            del self._data[:-STDERR_KEPT]
        elif len(self._data) > self._stop_at:
            self.flooded = True


def _is_readable(pipe: IO[bytes], left: threading.Event) -> bool:
    """Wait for something to read, or for the end; False where nobody wants it any more."""
    if _IS_WINDOWS:
        return True  # nothing waits for a pipe there: the thread stays until it is closed
    import select

    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while not left.is_set():
        if waiting.poll(_TURN * 1000):
            return True
    return False

"""Run a child process that is bounded in time and in output, and leave no descendant behind."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from glob import glob
from typing import IO, TYPE_CHECKING

from authshim import files
from authshim.concurrency import start_in_thread
from authshim.secret import SecretHolder, clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_OUTPUT_BYTES = 1024 * 1024
"""A child that prints more to stdout or to stderr is ended."""

MARK = "AUTHSHIM_CHILD"
"""The variable by which the descendants of a child are found; the value is random and no secret."""

_exiting = threading.Event()
"""Is set when the program exits while a child runs."""

_EXITS = "it was ended: the program exits"

GRACE_SECONDS = 1.0
"""Seconds that a pipe may stay open after the exit of the child."""

_POLL_SECONDS = 0.05

_LATE_SECONDS = 5.0
"""Seconds for the reader of a pipe that no process holds any more; its thread may be late."""


class Result(SecretHolder):
    """The status and the output of a child, and the reason if it did not exit by itself.

    A negative status is the signal that ended the child.
    """

    __slots__ = ("status", "stderr", "stdout", "stopped")

    def __init__(
        self,
        status: int = -1,
        stdout: bytes = b"",
        stderr: bytes = b"",
        stopped: str = "",
    ) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.stopped = stopped

    @property
    def text(self) -> str:
        """The output, or an empty string if the child did not exit by itself with status 0."""
        if self.stopped or self.status:
            return ""
        return self.stdout.decode("utf-8", "replace")


@clears_frames
def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    deadline: float,
    pass_stderr: bool = False,
) -> Result:
    """Run a command with an empty stdin, and return its result.

    :param command: the first word is an absolute path.
    :param deadline: in seconds; then the child and its descendants are ended.
    :param pass_stderr: let the child write to our own stderr.
    """
    if _exiting.is_set():
        return Result(stopped=_EXITS)
    child = _Child(deadline)
    # The exit of the program does not wait for a daemon thread.
    atexit.register(child.end_at_exit)
    stderr = None
    if not pass_stderr:
        stderr = subprocess.PIPE
    try:
        return child.run(command, environ, stderr)
    except (OSError, ValueError) as error:
        return Result(stopped=f"it cannot be started: {files.reason(error)}")
    except RuntimeError:
        return Result(stopped="it cannot be started: the system has no thread to spare")
    finally:
        atexit.unregister(child.end_at_exit)


class _Child:
    """A child process, its output, and the threads that read it."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._mark = os.urandom(16).hex()
        self._parent = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._unread: list[tuple[IO[bytes], bytearray]] = []
        self._readers: list[Future[None]] = []

    def run(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        stderr: int | None,
    ) -> Result:
        """Return the result of the command, and end what it leaves behind."""
        # The marks of outer runs stay, since this child descends from theirs.
        marks = f"{environ.get(MARK, '')} {self._mark}"
        stopped = f"it did not answer within {self._deadline:g} s"
        is_over = False
        try:
            self._process = process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**environ, MARK: marks},
                start_new_session=True,  # POSIX only
            )
            if self._exits_in_time(process):
                stopped = ""
                is_over = self._is_read(GRACE_SECONDS) and not self._is_flooded
        finally:
            if not is_over:
                self.end()
        if self._is_flooded:
            stopped = f"it printed more than {MAX_OUTPUT_BYTES // 1024} KiB"
        if _exiting.is_set():
            stopped = _EXITS
        stdout = bytes(self._stdout)
        return Result(process.returncode, stdout, bytes(self._stderr), stopped)

    def _exits_in_time(self, process: subprocess.Popen[bytes]) -> bool:
        """Read the output until the child exits. Return False at the deadline, or for a flood."""
        until = time.monotonic() + self._deadline
        self._start_readers(process)
        while not self._is_flooded and time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
                return True
        return False

    def _start_readers(self, process: subprocess.Popen[bytes]) -> None:
        pipes = ((process.stdout, self._stdout), (process.stderr, self._stderr))
        self._unread = [(pipe, data) for pipe, data in pipes if pipe is not None]
        while self._unread:
            pipe, data = self._unread.pop()
            try:
                reader = start_in_thread(partial(_read, pipe, data))
            except RuntimeError:
                # It was not started: nobody else closes the pipe.
                pipe.close()
                raise
            self._readers.append(reader)

    @property
    def _is_flooded(self) -> bool:
        longest = max(len(self._stdout), len(self._stderr))
        return longest > MAX_OUTPUT_BYTES

    def _is_read(self, seconds: float) -> bool:
        """Wait until the pipes are closed. Return False if a process still holds one."""
        return not wait(self._readers, seconds).not_done

    def end_at_exit(self) -> None:
        """End the child, unless a fork exits, and any other one that a daemon thread starts."""
        if self._parent == os.getpid():
            _exiting.set()
            self.end()

    def end(self) -> None:
        """End the child and its descendants, and leave no zombie."""
        if self._process is not None:
            _kill_group(self._process)
        until = time.monotonic() + GRACE_SECONDS
        # A descendant may have started another one while the list was made.
        while _kill_marked(self._mark) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        self._is_read(_LATE_SECONDS)
        # Ctrl-C came before these had a reader.
        for pipe, _ in self._unread:
            pipe.close()


def _read(pipe: IO[bytes], data: bytearray) -> None:
    """Read a pipe to its end, or until there is too much of it. No other thread closes it."""
    with pipe, suppress(OSError):
        while chunk := pipe.read(65536):
            data += chunk
            if len(data) > MAX_OUTPUT_BYTES:
                return


def _kill_group(leader: subprocess.Popen[bytes]) -> None:
    """Kill a child and its process group. On Windows only the child is killed."""
    # All have ended, or macOS refuses to signal a group of zombies, or this is Windows.
    with suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.kill()
    with suppress(subprocess.TimeoutExpired):
        leader.wait(GRACE_SECONDS)


def _kill_marked(mark: str) -> bool:
    """Kill each process whose environment has the mark. Return True if there was one (Linux only).

    Parents are not followed: the chain to a descendant breaks if a parent has ended.
    """
    found = False
    for path in glob("/proc/[0-9]*/environ"):
        # The process may have ended, or belong to another user.
        with suppress(OSError), open(path, "rb") as file:
            if mark.encode() in file.read():
                pid = int(path.split("/")[2])
                os.kill(pid, signal.SIGKILL)
                found = True
    return found

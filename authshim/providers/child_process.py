"""Run a child process that is bounded in time and in output, and leave no descendant behind."""

from __future__ import annotations

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
from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_STDOUT_BYTES = 1024 * 1024
"""A child that prints more is ended."""

MAX_STDERR_BYTES = 64 * 1024
"""The end of stderr is kept."""

MARK = "AUTHSHIM_CHILD"
"""The variable by which the descendants of a child are found; the value is random and no secret."""

_IS_WINDOWS = os.name == "nt"
_POLL_SECONDS = 0.05

_DRAIN_SECONDS = 5.0
"""Seconds for the reader of a pipe that no process holds any more; its thread may be late."""


class Result(SecretHolder):
    """A status and an output with which a child ended.

    :param status: of the exit, if any; on POSIX a negative number if a signal ended the child.
    :param stderr: empty if the child wrote to our own stderr.
    :param stopped: why the child did not start or was ended here; None if it exited by itself.
    """

    __slots__ = ("status", "stderr", "stdout", "stopped")

    def __init__(
        self,
        status: int | None = None,
        stdout: bytes = b"",
        stderr: bytes = b"",
        stopped: str | None = None,
    ) -> None:
        self.status = -1 if status is None else status
        self.stdout = stdout
        self.stderr = stderr
        self.stopped = stopped

    @property
    def text(self) -> str:
        """The output, or an empty string if the child did not exit by itself with status 0."""
        if self.stopped or self.status:
            return ""
        return self.stdout.decode("utf-8", "replace")


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
    :param grace: seconds that a pipe may stay open after the exit of the child.
    """
    child = _Child(deadline, grace)
    try:
        # The interpreter waits for this thread when it exits, so that the child can be ended.
        work = partial(child.run, command, environ, pass_stderr)
        threading.Thread(target=work, daemon=False).start()
        child.finished.wait()
    except RuntimeError:
        pass  # there is no thread to spare: the first result says so
    except BaseException:  # KeyboardInterrupt above all
        child.is_given_up.set()
        child.finished.wait(3 * grace + 1)
        raise
    return child.result


class _Child:
    """A child process, its output, and the threads that read it."""

    def __init__(self, deadline: float, grace: float) -> None:
        self.result = Result(stopped="it cannot be started: the system has no thread to spare")
        self.finished, self.is_given_up = threading.Event(), threading.Event()
        self._deadline, self._grace = deadline, grace
        self._mark = os.urandom(16).hex()
        self._stdout, self._stderr = bytearray(), bytearray()
        self._readers: list[Future[None]] = []
        self._main = threading.main_thread()
        # If Python runs in another program, its first thread may be gone.
        self._has_main = self._main.is_alive()

    def run(self, command: Sequence[str], environ: Mapping[str, str], pass_stderr: bool) -> None:
        """Set the result of the command, and then ``finished``."""
        # The marks of outer runs stay, since this child descends from theirs.
        marks = f"{environ.get(MARK, '')} {self._mark}"
        try:
            process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if pass_stderr else subprocess.PIPE,
                env={**environ, MARK: marks},
                start_new_session=True,  # POSIX only
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            stopped = self._watch(process)
            output = bytes(self._stdout), bytes(self._stderr)
            self.result = Result(process.returncode, *output, stopped)
        except (OSError, ValueError) as error:
            self.result = Result(stopped=f"it cannot be started: {files.reason(error)}")
        except RuntimeError:
            pass  # as above
        finally:
            self.finished.set()

    def _watch(self, process: subprocess.Popen[bytes]) -> str | None:
        """Wait for the exit of the child, and end what it leaves behind.

        :returns: why it was ended, or None if it exited by itself.
        """
        in_time = False
        try:
            self._start_readers(process)
            in_time = self._exits_in_time(process)
        finally:
            if not in_time or not self._is_read(self._grace) or self._is_flooded:
                self._end(process)
        if self._is_flooded:
            return f"it printed more than {MAX_STDOUT_BYTES // 1024} KiB"
        return None if in_time else f"it did not answer within {self._deadline:g} s"

    def _start_readers(self, process: subprocess.Popen[bytes]) -> None:
        """Start a thread for each pipe. It alone closes the pipe.

        :raises RuntimeError: the system has no thread to spare.
        """
        pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        outputs = (partial(_read, self._stdout), partial(_read, self._stderr, keep_end=True))
        try:
            for pipe, read in zip(pipes, outputs):
                self._readers.append(start_in_thread(partial(read, pipe)))
        finally:
            for pipe in pipes[len(self._readers) :]:
                pipe.close()

    def _exits_in_time(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the exit of the child. Return False at the deadline, or if there is a flood."""
        until = time.monotonic() + self._deadline
        while not self._is_flooded:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
                return True
            is_orphan = self._has_main and not self._main.is_alive()
            if time.monotonic() >= until or is_orphan or self.is_given_up.is_set():
                break
        return False

    @property
    def _is_flooded(self) -> bool:
        return len(self._stdout) > MAX_STDOUT_BYTES

    def _is_read(self, seconds: float) -> bool:
        """Wait until the pipes are closed. Return False if a process still holds one."""
        return not wait(self._readers, seconds).not_done

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the child and its descendants, and leave no zombie."""
        if _IS_WINDOWS:
            _taskkill(process.pid)
        else:
            # All have ended, or macOS refuses to signal a group of zombies.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()  # on Windows taskkill may have failed
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._grace)
        until = time.monotonic() + self._grace
        # A descendant may have started another one while the list was made.
        while _kill_marked(self._mark) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        self._is_read(_DRAIN_SECONDS)


def _read(data: bytearray, pipe: IO[bytes], *, keep_end: bool = False) -> None:
    """Read a pipe to its end, or until there is too much of it."""
    with pipe, suppress(OSError):
        while chunk := pipe.read(65536):
            data += chunk
            if keep_end:
                del data[:-MAX_STDERR_BYTES]
            elif len(data) > MAX_STDOUT_BYTES:
                return


def _taskkill(pid: int) -> None:
    # Given a bare name, Windows would look in the current folder first.
    system = os.environ.get("SYSTEMROOT", r"C:\Windows")
    command = [rf"{system}\System32\taskkill.exe", "/T", "/F", "/PID", str(pid)]
    null = subprocess.DEVNULL
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdin=null, capture_output=True, timeout=5, check=False)


def _kill_marked(mark: str) -> bool:
    """Kill each process whose environment has the mark. Return True if there was one (Linux only).

    Parents are not followed: the chain to a descendant breaks if a parent has ended.
    """
    found = False
    for path in glob("/proc/[0-9]*/environ"):
        # The process may have ended, or belong to another user.
        with suppress(OSError), open(path, "rb") as file:
            if mark.encode() in file.read():
                os.kill(int(path.split("/")[2]), signal.SIGKILL)
                found = True
    return found

"""Run a child in the foreground, with the signals and the exit code of the whole program."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from authshim.errors import AuthshimError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""The exit codes of a shell."""

_FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
_OF_TERMINAL = ("SIGINT", "SIGQUIT")
"""Signals that a terminal sends to every process of the foreground."""

_RESTORED = ("SIGPIPE", "SIGXFSZ")
"""Signals that Python ignores, and its children would."""


class SpawnError(AuthshimError):
    """A command that cannot be started."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


def find_program(
    name: str,
    environ: Mapping[str, str],
) -> str:
    """Return the path of a command.

    :raises SpawnError: it is not there, or no program.
    """
    import shutil

    search_path = environ.get("PATH", os.defpath)
    found = shutil.which(name, path=search_path)
    if found is not None:
        return found
    if os.path.dirname(name) and os.path.exists(name):
        raise SpawnError(f"{shorten(name)} cannot be run", NOT_EXECUTABLE)
    raise SpawnError(f"there is no command {shorten(redact(name))}", NOT_FOUND)


@contextmanager
def signals_held() -> Iterator[None]:
    """Block signals, so that none ends this process before it has cleaned up."""
    if os.name == "nt":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _watched())
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # else some systems drop it
    try:
        yield
    finally:
        # The signal may still be on its way to another thread. CPython complains of one that comes
        # back to no handler.
        if callable(handler):
            signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(
    program: str,
    words: Sequence[str],
    environ: Mapping[str, str],
) -> int:
    """Run a program inside ``signals_held`` and return its status.

    The status is less than 0 if a signal ended it.

    :param words: the command, its name included.
    :raises SpawnError: the system cannot start it.
    """
    restored = (*_RESTORED, "SIGCHLD")
    try:
        if os.name == "nt":
            return _run_on_windows(program, words, environ)
        child = os.posix_spawn(
            program,
            list(words),
            dict(environ),
            setsigmask=[],
            setsigdef=[getattr(signal, name) for name in restored],
        )
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise SpawnError(f"{program}: {reason}", NOT_EXECUTABLE) from None
    return _wait(child)


def end_like(status: int) -> int:
    """Return the exit code of a status, or end this process by the same signal."""
    if status >= 0:
        return status
    sys.stdout.flush()
    number = -status
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the memory of this process holds secrets
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _watched() -> set[int]:
    names = (*_FORWARDED, *_OF_TERMINAL, "SIGCHLD")
    return {getattr(signal, name) for name in names}


def _wait(child: int) -> int:
    reaper = _Reaper(child)
    reaper.start()
    while reaper.status is None:
        number, is_sent_by_process = _next_signal()
        if number == signal.SIGCHLD or reaper.status is not None:
            continue
        if is_sent_by_process or not _is_from_terminal(number):
            with suppress(ProcessLookupError):
                os.kill(child, number)
    return _exit_status(reaper.status)


class _Reaper(threading.Thread):
    """A thread that waits for a child, and sends SIGCHLD to the thread that has made it.

    The system sends a SIGCHLD to any thread of this process that does not block it.
    """

    def __init__(self, child: int) -> None:
        super().__init__(daemon=True)
        self.status: int | None = None
        self._child = child
        self._maker = threading.get_ident()

    def run(self) -> None:
        """Wait for the child."""
        _, self.status = os.waitpid(self._child, 0)
        signal.pthread_kill(self._maker, signal.SIGCHLD)


def _next_signal() -> tuple[int, bool]:
    """Return the next signal, and True if a process has sent it. macOS does not tell that."""
    if not hasattr(signal, "sigwaitinfo"):
        return signal.sigwait(_watched()), False
    found = signal.sigwaitinfo(_watched())
    return found.si_signo, found.si_code <= 0  # a terminal's code is greater, as it is the kernel's


def _exit_status(status: int) -> int:
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def _is_from_terminal(number: int) -> bool:
    """Return True if the terminal has sent the same signal to the child."""
    if number not in {getattr(signal, name) for name in _OF_TERMINAL}:
        return False
    try:
        with open("/dev/tty") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _run_on_windows(
    program: str,
    words: Sequence[str],
    environ: Mapping[str, str],
) -> int:
    import subprocess

    process = subprocess.Popen([program, *words[1:]], env=dict(environ))
    while True:
        with suppress(KeyboardInterrupt):  # the console sends it to the child too
            return process.wait()

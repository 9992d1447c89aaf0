from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.concurrency import start_in_thread
from authshim.providers import child_process
from authshim.providers.child_process import (
    MARK,
    MAX_OUTPUT_BYTES,
    Result,
    _read,
    run,
)

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

posix = pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")
linux = pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="/proc is Linux's")


@pytest.fixture(autouse=True)
def _grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set back what ``started`` sets."""
    monkeypatch.setattr(child_process, "GRACE_SECONDS", 30.0)


def started(command: list[str], *, grace: float = 30.0, **options: object) -> Result:
    child_process.GRACE_SECONDS = grace
    return run(command, **{"environ": dict(os.environ), "deadline": 120.0, **options})


def python(code: str, **options: object) -> Result:
    return started([sys.executable, "-I", "-S", "-c", code], **options)


def shell(code: str, **options: object) -> Result:
    return started(["/bin/sh", "-c", code], **{"environ": {"PATH": os.defpath}, **options})


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody waited for yet counts as ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            with suppress(FileNotFoundError), open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def assert_soon(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_for(path: Path) -> str:
    assert_soon(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text().strip()


class Clock:
    """In place of the module ``time``; it stands until the test moves it."""

    sleep = staticmethod(time.sleep)

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.read = 0
        monkeypatch.setattr("authshim.providers.child_process.time", self)

    def monotonic(self) -> float:
        self.read += 1
        return self.now

    def move(self, seconds: float) -> None:
        """Move it once the deadline was set by it."""
        assert_soon(lambda: self.read >= 2)
        self.now += seconds


@contextmanager
def deadline_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a deadline of 30 s pass as soon as the child has written a line to ``path``."""
    clock = Clock(monkeypatch)

    def watch() -> None:
        wait_for(path)
        clock.move(30)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


def test_run_returns_status_and_both_streams() -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.status, ended.stdout.strip(), ended.stderr.strip(), ended.stopped) == (
        3,
        b"out",
        b"err",
        "",
    )


def test_child_reads_empty_stdin() -> None:
    """Not ours, whatever lies there; that of a test is closed already."""
    reading, writing = os.pipe()
    os.write(writing, b"typed")
    os.close(writing)
    ours = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert python("import sys; print(repr(sys.stdin.read()))").stdout.strip() == b"''"
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(reading)


def test_child_gets_the_given_environment() -> None:
    assert (
        python(
            "import os; print(os.environ['WORD'])", environ={**os.environ, "WORD": "x"}
        ).stdout.strip()
        == b"x"
    )


def test_run_marks_its_child_and_keeps_the_mark_of_an_outer_run() -> None:
    show = f"import os; print(os.environ[{MARK!r}])"
    runs = [python(show, environ={**os.environ, MARK: "outer"}).stdout.split() for _ in range(2)]
    assert [marks[0] for marks in runs] == [b"outer", b"outer"]
    assert [len(marks) for marks in runs] == [2, 2]
    assert runs[0][1] != runs[1][1]


def test_missing_program_is_reported_in_the_result() -> None:
    ended = run([os.path.abspath("nothing")], environ={}, deadline=1)
    assert ended.stopped == "it cannot be started: no such file or directory"


def test_argument_with_nul_is_reported_in_the_result() -> None:
    assert python("\0").stopped == "it cannot be started: its name cannot be used"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_flood_ends_the_child(stream: str) -> None:
    ended = python(f"import sys\nwhile True: sys.{stream}.write('x' * 65536)")
    assert ended.stopped == "it printed more than 1024 KiB"
    assert len(getattr(ended, stream)) <= MAX_OUTPUT_BYTES + 65536


def test_result_shows_no_output_in_repr_and_pickle() -> None:
    ended = python("print('s3cret')")
    assert "s3cret" not in repr(ended)
    with pytest.raises(TypeError):
        pickle.dumps(ended)


@posix
def test_deadline_ends_the_whole_process_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deadline_after(tmp_path / "pid", monkeypatch):
        ended = shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait", deadline=30)
    assert ended.stopped == "it did not answer within 30 s"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_deadline_ends_a_child_that_ignores_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    with deadline_after(tmp_path / "pid", monkeypatch):
        ended = shell(stubborn, deadline=30, grace=0.3)
    assert (ended.status, ended.stopped) == (-signal.SIGKILL, "it did not answer within 30 s")


@posix
def test_deadline_ends_a_child_that_closed_its_stdout() -> None:
    assert (
        shell("exec >&- 2>&-; sleep 60", deadline=0.3).stopped == "it did not answer within 0.3 s"
    )


@posix
def test_process_of_the_group_that_holds_the_pipe_ends(tmp_path: Path) -> None:
    ended = shell(f"sleep 60 & echo $! > {tmp_path}/pid; echo answer", grace=0.3)
    assert (ended.status, ended.stdout, ended.stopped) == (0, b"answer\n", "")
    assert is_gone(int(wait_for(tmp_path / "pid")))


LEAVE = """\
import os, sys, time
path, keeps_pipe, stays = sys.argv[1], sys.argv[2] == "True", sys.argv[3] == "True"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if not keeps_pipe:
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.dup2(1, 2)
        open(path, "w").write(f"{os.getpid()}\\n")
        time.sleep(300)
    os._exit(0)
while not os.path.exists(path) or not os.path.getsize(path):
    time.sleep(0.01)
print("answer", flush=True)
if stays:
    time.sleep(300)
os._exit(0)
"""
"""A program whose descendant is in a session of its own, and whose parent has ended."""


def leave(path: Path, *, keeps_pipe: bool, stays: bool, **options: object) -> Result:
    words = [sys.executable, "-I", "-S", "-c", LEAVE, str(path), str(keeps_pipe), str(stays)]
    return started(words, **options)


@linux
@pytest.mark.parametrize("keeps_pipe", [True, False])
def test_deadline_ends_a_descendant_in_a_session_of_its_own(
    keeps_pipe: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deadline_after(tmp_path / "pid", monkeypatch):
        ended = leave(tmp_path / "pid", keeps_pipe=keeps_pipe, stays=True, deadline=30)
    assert ended.stopped == "it did not answer within 30 s"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@linux
def test_ctrl_c_ends_a_descendant_in_a_session_of_its_own(tmp_path: Path) -> None:
    def interrupt() -> None:
        wait_for(tmp_path / "pid")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        leave(tmp_path / "pid", keeps_pipe=False, stays=True)
    thread.join()
    assert is_gone(int(wait_for(tmp_path / "pid")))


@linux
def test_process_outside_the_group_that_holds_the_pipe_ends(tmp_path: Path) -> None:
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()
    ended = leave(tmp_path / "pid", keeps_pipe=True, stays=False, grace=0.3)
    assert (ended.stdout, ended.stopped) == (b"answer\n", "")
    assert is_gone(int(wait_for(tmp_path / "pid")))
    # Fewer are no fault: those of an earlier test may end meanwhile.
    assert_soon(lambda: len(os.listdir("/dev/fd")) <= descriptors)
    assert_soon(lambda: threading.active_count() <= threads)


@posix
def test_daemon_outside_the_group_stays_if_it_holds_no_pipe(tmp_path: Path) -> None:
    ended = leave(tmp_path / "pid", keeps_pipe=False, stays=False)
    assert (ended.stdout, ended.stopped) == (b"answer\n", "")
    os.kill(int(wait_for(tmp_path / "pid")), signal.SIGKILL)


FLOOD_LATER = """\
import os, time
leader = os.getpid()
if os.fork() == 0:
    os.close(2)
    open({!r}, "w").write(f"{{os.getpid()}}\\n")
    while os.getppid() == leader:
        time.sleep(0.01)
    time.sleep(0.3)  # until the exit was seen
    try:
        while True:
            os.write(1, b"x" * 65536)
    except BrokenPipeError:  # which Python makes of SIGPIPE
        time.sleep(300)
print("answer", flush=True)
os._exit(0)
"""


@posix
def test_flood_after_the_exit_of_the_child_is_ended(tmp_path: Path) -> None:
    ended = python(FLOOD_LATER.format(str(tmp_path / "pid")))
    assert ended.stopped == "it printed more than 1024 KiB"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_deadline_ends_a_grandchild_that_ignores_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    command = f'sh -c "{stubborn.replace("$", chr(92) + "$")}" & wait'
    with deadline_after(tmp_path / "pid", monkeypatch):
        assert shell(command, deadline=30, grace=0.3).stopped
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_deadline_ends_a_stopped_child() -> None:
    assert shell("kill -STOP $$", deadline=0.3, grace=0.3).status < 0


@posix
def test_answer_in_the_last_second_is_returned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")

    def answer() -> None:
        clock.move(29)
        (tmp_path / "go").write_text("\n")

    clock = Clock(monkeypatch)
    thread = threading.Thread(target=answer)
    thread.start()
    ended = shell(f"read x < {tmp_path}/go; echo answer", deadline=30)
    thread.join()
    assert (ended.stdout, ended.stopped) == (b"answer\n", "")


@posix
def test_answer_after_the_deadline_is_dropped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    clock = Clock(monkeypatch)
    thread = threading.Thread(target=clock.move, args=[30])
    thread.start()
    ended = shell(f"read x < {tmp_path}/go; echo answer", deadline=30)
    thread.join()
    assert (ended.stdout, ended.stopped) == (b"", "it did not answer within 30 s")


@posix
def test_status_is_negative_if_a_signal_ended_the_child() -> None:
    assert shell("kill -9 $$").status == -9


@posix
def test_ctrl_c_ends_the_process_group(tmp_path: Path) -> None:
    def interrupt() -> None:
        wait_for(tmp_path / "pid")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    thread.join()
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_ctrl_c_between_the_readers_leaves_no_pipe_open(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def start(work: Callable[[], None]) -> None:
        start_in_thread(work)
        raise KeyboardInterrupt

    monkeypatch.setattr(child_process, "start_in_thread", start)
    with pytest.raises(KeyboardInterrupt):
        shell("sleep 60")
    gc.collect()
    assert recwarn.list == []


PROGRAM_ENDS = """\
import os, sys, threading, time
from authshim.providers.child_process import run
command = ["/bin/sh", "-c", f"echo $$ > {sys.argv[1]}; exec sleep 600"]
options = {"environ": {}, "deadline": 300}
threading.Thread(target=run, args=[command], kwargs=options, daemon=True).start()
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)
"""


@posix
def test_child_ends_with_the_program_if_a_daemon_thread_waits(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM_ENDS, str(tmp_path / "pid")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert is_gone(int(wait_for(tmp_path / "pid")))


def scarce_threads(monkeypatch: pytest.MonkeyPatch, *, spared: int) -> list[threading.Thread]:
    """Let the system have no more than some threads; return those that were started."""
    started: list[threading.Thread] = []

    class Scarce(threading.Thread):
        def start(self) -> None:
            if len(started) == spared:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr("threading.Thread", Scarce)
    return started


@posix
@pytest.mark.parametrize("spared", [0, 1])
def test_lack_of_threads_is_reported_in_the_result(
    spared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scarce_threads(monkeypatch, spared=spared)
    said = "it cannot be started: the system has no thread to spare"
    assert shell("exec sleep 60", pass_stderr=spared == 0).stopped == said


@posix
def test_pipe_is_closed_only_by_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of stdout is at work when there is no thread for stderr."""
    failed: list[object] = []
    scarce = scarce_threads(monkeypatch, spared=1)
    monkeypatch.setattr("threading.excepthook", failed.append)
    assert (
        shell("exec sleep 60").stopped == "it cannot be started: the system has no thread to spare"
    )
    for thread in scarce:
        thread.join(60)
    assert failed == []


@posix
def test_run_returns_if_a_pipe_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pipe: io.FileIO, _: bytearray) -> None:
        with pipe:
            raise ValueError("read of closed file")

    monkeypatch.setattr("authshim.providers.child_process._read", fail)
    assert shell("exec >&- 2>&-; exit 3", deadline=60).status == 3


def test_output_is_read_if_select_has_no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """eventlet takes ``poll`` out of the module."""
    monkeypatch.delattr("select.poll", raising=False)
    assert python("print('out')").stdout.strip() == b"out"


@posix
def test_output_is_kept_if_the_thread_that_reads_it_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authshim.providers.child_process._read", _read_late)
    assert shell("echo out", grace=0.01).stdout == b"out\n"


def _read_late(pipe: io.FileIO, data: bytearray) -> None:
    time.sleep(0.3)
    _read(pipe, data)


@posix
def test_stderr_passes_through_if_asked(capfd: pytest.CaptureFixture[str]) -> None:
    assert shell("echo code 1234 >&2", pass_stderr=True).stderr == b""
    assert capfd.readouterr().err == "code 1234\n"


@posix
def test_child_inherits_only_the_standard_streams() -> None:
    reading, writing = os.pipe()
    try:
        os.set_inheritable(writing, True)
        opened = (
            "import os\nfor fd in range(256):\n try: os.fstat(fd); print(fd)\n except OSError: pass"
        )
        assert python(opened).stdout.split() == [b"0", b"1", b"2"]
    finally:
        os.close(reading)
        os.close(writing)


@posix
@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$", "exec cat /dev/zero"])
def test_run_leaves_no_zombie(end: str, tmp_path: Path) -> None:
    shell(f"echo $$ > {tmp_path}/pid; {end}")
    assert_is_reaped(tmp_path / "pid")


@posix
@pytest.mark.parametrize("end", ["exec sleep 60", "exec >&- 2>&-; sleep 60"])
def test_deadline_leaves_no_zombie(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deadline_after(tmp_path / "pid", monkeypatch):
        shell(f"echo $$ > {tmp_path}/pid; {end}", deadline=30)
    assert_is_reaped(tmp_path / "pid")


def assert_is_reaped(path: Path) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(int(wait_for(path)), os.WNOHANG)


@posix
def test_run_leaves_no_zombie_and_no_descriptor() -> None:
    shell("true")
    # Fewer are no fault: those of an earlier test may be closed meanwhile.
    before = len(os.listdir("/dev/fd"))
    pids = [int(shell("sleep 60 & echo $$", grace=0.05).stdout) for _ in range(5)]
    assert_soon(lambda: len(os.listdir("/dev/fd")) <= before)
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


TRIES_AGAIN = """\
import atexit, os, sys, threading, time
from authshim.providers.child_process import run
def work():
    for _ in range(3):
        words = ["/bin/sh", "-c", f"echo $$ >> {sys.argv[1]}; exec sleep 600"]
        print(run(words, environ={}, deadline=300).stopped, flush=True)
atexit.register(time.sleep, 0.5)  # is called last, while the thread goes on
threading.Thread(target=work, daemon=True).start()
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)
"""


@posix
def test_no_child_starts_when_the_program_exits(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRIES_AGAIN, str(tmp_path / "pid")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert set(ended.stdout.splitlines()) == {"it was ended: the program exits"}
    assert is_gone(int(wait_for(tmp_path / "pid")))


FORK = """\
import os, sys, threading, time
from authshim.providers.child_process import run
words = ["/bin/sh", "-c", f"echo $$ > {sys.argv[1]}; sleep 1; echo answer"]
results = []
work = lambda: results.append(run(words, environ=dict(os.environ), deadline=60))
thread = threading.Thread(target=work)
thread.start()
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)
fork = os.fork()
if fork == 0:
    sys.exit()
os.waitpid(fork, 0)
thread.join()
print(results[0].text)
"""


@posix
@pytest.mark.slow("its child has to outlive a fork that exits")
def test_exit_of_a_fork_leaves_the_child_to_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORK, str(tmp_path / "pid")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout.strip() == "answer"

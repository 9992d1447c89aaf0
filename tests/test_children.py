from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.children import STDERR_KEPT, STDOUT_LIMIT, Ended, run

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")


def python(code: str, **options: object) -> Ended:
    options = {"environ": dict(os.environ), "deadline": 20.0, "grace": 0.3, **options}
    return run([sys.executable, "-I", "-S", "-c", code], **options)


def shell(code: str, **options: object) -> Ended:
    return run(["/bin/sh", "-c", code], **{"environ": {"PATH": os.defpath}, "deadline": 20.0, "grace": 0.3, **options})


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


def test_both_streams_and_the_status_are_returned() -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.status, ended.stdout.strip(), ended.stderr.strip(), ended.stopped) == (3, b"out", b"err", None)


def test_stdin_is_closed() -> None:
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


def test_the_environment_is_the_given_one() -> None:
    assert python("import os; print(os.environ['WORD'])", environ={**os.environ, "WORD": "x"}).stdout.strip() == b"x"


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    ended = run([os.path.abspath("nothing")], environ={}, deadline=1)
    assert ended.stopped == "it cannot be started: no such file or directory"


def test_an_argument_with_a_nul_is_a_sentence() -> None:
    assert python("\0").stopped == "it cannot be started: an argument has a character that none may have"


def test_a_flood_ends_the_child() -> None:
    ended = python("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    assert ended.stopped == "it printed more than 1024 KiB"
    assert len(ended.stdout) <= STDOUT_LIMIT + 65536


def test_of_a_flood_on_stderr_the_end_is_kept() -> None:
    ended = python("import sys\nfor _ in range(99): sys.stderr.write('x' * 9999)\nsys.stderr.write('end')")
    assert ended.stopped is None
    assert len(ended.stderr) == STDERR_KEPT
    assert ended.stderr.endswith(b"xend")


def test_what_was_printed_is_in_no_repr_and_no_pickle() -> None:
    ended = python("print('s3cret')")
    assert "s3cret" not in repr(ended)
    with pytest.raises(TypeError):
        pickle.dumps(ended)


@posix
def test_at_the_deadline_the_whole_group_ends(tmp_path: Path) -> None:
    ended = shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait", deadline=0.5)
    assert ended.stopped == "it did not answer within 0.5 s"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_a_child_that_ignores_sigterm_ends_as_well() -> None:
    ended = shell("trap '' TERM; while :; do sleep 0.05; done", deadline=0.2)
    assert (ended.status, ended.stopped) == (-signal.SIGKILL, "it did not answer within 0.2 s")


@posix
def test_a_child_that_closes_stdout_and_goes_on_ends_at_the_deadline() -> None:
    assert shell("exec >&- 2>&-; sleep 60", deadline=0.3).stopped == "it did not answer within 0.3 s"


@posix
def test_one_that_holds_the_pipe_after_the_child_is_not_waited_for(tmp_path: Path) -> None:
    ended = shell(f"sleep 60 & echo $! > {tmp_path}/pid; echo answer", deadline=50)
    assert (ended.status, ended.stdout, ended.stopped) == (0, b"answer\n", None)
    assert is_gone(int(wait_for(tmp_path / "pid")))


LEAVE = """\
import os, time
if os.fork() == 0:
    os.setsid()
    open({!r}, "w").write(f"{{os.getpid()}}\\n")
    time.sleep(60)
print("answer", flush=True)
os._exit(0)
"""


@posix
def test_one_that_left_the_group_and_holds_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd"), threading.active_count()
    try:
        ended = python(LEAVE.format(str(tmp_path / "pid")))
        assert (ended.stdout, ended.stopped) == (b"answer\n", None)
        assert_soon(lambda: (os.listdir("/dev/fd"), threading.active_count()) == before)
    finally:
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
        time.sleep(60)
print("answer", flush=True)
os._exit(0)
"""


@posix
def test_one_that_floods_after_the_child_has_exited_ends_as_well(tmp_path: Path) -> None:
    ended = python(FLOOD_LATER.format(str(tmp_path / "pid")), grace=10)
    assert ended.stopped == "it printed more than 1024 KiB"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_a_grandchild_that_ignores_sigterm_ends_as_well(tmp_path: Path) -> None:
    stubborn = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    assert shell(f'sh -c "{stubborn.replace("$", chr(92) + "$")}" & wait', deadline=0.5).stopped
    assert is_gone(int(wait_for(tmp_path / "pid")))


@posix
def test_a_child_that_was_stopped_ends_as_well() -> None:
    assert shell("kill -STOP $$", deadline=0.3).status < 0


class Clock:
    """In place of the module ``time``; it stands until the test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.read = 0
        monkeypatch.setattr("authshim.children.time", self)

    def monotonic(self) -> float:
        self.read += 1
        return self.now

    def move(self, seconds: float) -> None:
        """Move it once the deadline was set by it."""
        assert_soon(lambda: self.read >= 2)
        self.now += seconds


@posix
def test_an_answer_in_the_last_second_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")

    def answer() -> None:
        clock.move(29)
        (tmp_path / "go").write_text("\n")

    clock = Clock(monkeypatch)
    thread = threading.Thread(target=answer)
    thread.start()
    ended = shell(f"read x < {tmp_path}/go; echo answer", deadline=30)
    thread.join()
    assert (ended.stdout, ended.stopped) == (b"answer\n", None)


@posix
def test_an_answer_after_the_deadline_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    clock = Clock(monkeypatch)
    thread = threading.Thread(target=clock.move, args=[30])
    thread.start()
    ended = shell(f"read x < {tmp_path}/go; echo answer", deadline=30)
    thread.join()
    assert (ended.stdout, ended.stopped) == (b"", "it did not answer within 30 s")


@posix
def test_a_signal_is_a_status_below_zero() -> None:
    assert shell("kill -9 $$").status == -9


@posix
def test_ctrl_c_ends_the_group(tmp_path: Path) -> None:
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
def test_a_second_ctrl_c_ends_a_child_that_ignores_sigterm(tmp_path: Path) -> None:
    def interrupt_twice() -> None:
        for name in ("pid", "term"):
            wait_for(tmp_path / name)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt_twice)
    thread.start()
    stubborn = f"trap 'echo > {tmp_path}/term' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    with pytest.raises(KeyboardInterrupt):
        shell(stubborn, grace=1)
    with suppress(KeyboardInterrupt):  # on a slow machine the second one comes as late as this
        thread.join()
    assert is_gone(int(wait_for(tmp_path / "pid")))


PROGRAM_ENDS = """\
import os, sys, threading, time
from authshim.children import run
command = ["/bin/sh", "-c", f"echo $$ > {sys.argv[1]}; exec sleep 600"]
threading.Thread(target=run, args=[command], kwargs={"environ": {}, "deadline": 300}, daemon=True).start()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
"""


@posix
def test_a_child_that_a_daemon_thread_waits_for_ends_with_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM_ENDS, str(tmp_path / "pid")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert is_gone(int(wait_for(tmp_path / "pid")))


def test_a_program_that_never_had_a_main_thread_runs_children_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python may be embedded in another program, whose thread that began it has gone."""
    monkeypatch.setattr("threading.main_thread", threading.Thread)
    assert python("import time; time.sleep(0.3); print('out')").stdout.strip() == b"out"


@posix
@pytest.mark.parametrize(
    ("spared", "said"),
    [
        (0, "it cannot be started: the system has no thread to spare"),
        (1, "it could not be watched (RuntimeError)"),
        (2, "it could not be watched (RuntimeError)"),
    ],
)
def test_a_system_that_is_out_of_threads_is_a_sentence(spared: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []

    class Scarce(threading.Thread):
        def start(self) -> None:
            if len(started) == spared:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr("threading.Thread", Scarce)
    assert shell("exec sleep 60", pass_stderr=spared == 1).stopped == said


def test_windows_cannot_wait_for_a_pipe_and_reads_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authshim.children._IS_WINDOWS", True)
    monkeypatch.setattr("select.poll", None, raising=False)
    assert python("print('out')").stdout.strip() == b"out"


@posix
def test_stderr_can_be_passed_through(capfd: pytest.CaptureFixture[str]) -> None:
    assert shell("echo code 1234 >&2", pass_stderr=True).stderr == b""
    assert capfd.readouterr().err == "code 1234\n"


@posix
def test_only_the_standard_streams_are_inherited() -> None:
    reading, writing = os.pipe()
    try:
        os.set_inheritable(writing, True)
        opened = "import os\nfor fd in range(256):\n try: os.fstat(fd); print(fd)\n except OSError: pass"
        assert python(opened).stdout.split() == [b"0", b"1", b"2"]
    finally:
        os.close(reading)
        os.close(writing)


@posix
@pytest.mark.parametrize(
    "end", ["exit 1", "kill -9 $$", "exec sleep 60", "exec cat /dev/zero", "exec >&- 2>&-; sleep 60"]
)
def test_no_zombie_is_left_however_it_ends(end: str, tmp_path: Path) -> None:
    shell(f"echo $$ > {tmp_path}/pid; {end}", deadline=0.5)
    with pytest.raises(ChildProcessError):
        os.waitpid(int(wait_for(tmp_path / "pid")), os.WNOHANG)


@posix
def test_no_zombie_and_no_descriptor_is_left() -> None:
    shell("true")
    before = sorted(os.listdir("/dev/fd"))
    pids = [int(shell("sleep 60 & echo $$", grace=0.05).stdout) for _ in range(5)]
    assert_soon(lambda: sorted(os.listdir("/dev/fd")) == before)
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("is_there", [True, False])
def test_on_windows_the_tree_of_a_child_is_ended_by_its_taskkill(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a fake of Windows: its own program ends what the child has started, and the child itself is killed."""
    ended_by: list[list[str]] = []

    def taskkill(command: list[str], **_: object) -> None:
        ended_by.append(command)
        if not is_there:
            raise FileNotFoundError(command[0])

    monkeypatch.setattr("authshim.children._IS_WINDOWS", True)
    monkeypatch.setattr("subprocess.run", taskkill)
    monkeypatch.setenv("SYSTEMROOT", r"D:\Windows")
    ended = run([sys.executable, "-c", "import time; time.sleep(60)"], environ={}, deadline=0.3, grace=0.2)
    assert ended.stopped is not None
    assert [command[:-1] for command in ended_by] == [
        [r"D:\Windows\System32\taskkill.exe", "/T", "/PID"],
        [r"D:\Windows\System32\taskkill.exe", "/T", "/F", "/PID"],
    ]

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

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
    until = time.monotonic() + 5
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


def wait_for(path: Path) -> str:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text().strip()
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


def test_both_streams_and_the_status_are_returned() -> None:
    ended = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.status, ended.stdout.strip(), ended.stderr.strip(), ended.stopped) == (3, b"out", b"err", None)


def test_stdin_is_closed() -> None:
    assert python("import sys; print(repr(sys.stdin.read()))").stdout.strip() == b"''"


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


@posix
def test_one_that_left_the_group_and_holds_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    leave = "import os,time\nif os.fork() == 0:\n os.setsid(); time.sleep(60)\nprint('answer', flush=True); os._exit(0)"
    pid = tmp_path / "pid"
    leave = leave.replace("os.setsid();", f"os.setsid(); open({str(pid)!r}, 'w').write(str(os.getpid()) + chr(10));")
    try:
        ended = python(leave)
        assert (ended.stdout, ended.stopped) == (b"answer\n", None)
    finally:
        os.kill(int(wait_for(pid)), signal.SIGKILL)


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
def test_stderr_can_be_passed_through(capfd: pytest.CaptureFixture[str]) -> None:
    assert shell("echo code 1234 >&2", pass_stderr=True).stderr == b""
    assert capfd.readouterr().err == "code 1234\n"


@posix
def test_no_zombie_and_no_descriptor_is_left() -> None:
    shell("true")
    before = sorted(os.listdir("/dev/fd"))
    pids = [int(shell("sleep 60 & echo $$", grace=0.05).stdout) for _ in range(5)]
    assert sorted(os.listdir("/dev/fd")) == before
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

"""``authshim run``: the child, its environment, its signals, and what is left of it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest
from leaks import assert_no_secret

from authshim import cli
from authshim.cli import run as run_module
from authshim.cli import spawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


class Done(NamedTuple):
    """The end of a command, and what was written by it and its child."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]

URL = "https://h.example/simple/"
ADA = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of its own, so that what is left can be seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def keep(home: Path, entries: Mapping[str, Any]) -> None:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(entries))


RESTORE = """\
import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Starts Python with the signals of a terminal.

A shell ignores SIGINT and SIGQUIT in the programs of its background, and children inherit that.
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", RESTORE, "-m", "authshim", "run", *words]


def launch(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; the child of the command is one of its own."""

    def call(*words: str) -> Done:
        code = cli.main(["run", *words])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command and wait until it has printed a line."""
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


# the child


def test_the_child_finds_a_keyring_that_answers(home: Path, run: Run) -> None:
    keep(home, {"h.example": ADA})
    done = run("--", "keyring", "get", URL, "ada")
    assert (done.stdout, done.stderr, done.returncode) == ("s3cret\n", "", 0)


def test_the_child_has_the_variables_of_pip_and_uv(run: Run) -> None:
    done = run("--", "sh", "-c", "echo $PIP_KEYRING_PROVIDER $UV_KEYRING_PROVIDER ${NETRC-none}")
    assert done.stdout == "subprocess subprocess none\n"


def test_the_childs_child_finds_the_keyring_too(home: Path, run: Run) -> None:
    keep(home, {"h.example": ADA})
    assert run("--", "sh", "-c", f"sh -c 'keyring get {URL} ada'; true").stdout == "s3cret\n"


def test_an_auth_file_that_is_named_serves_the_child(tmp_path: Path, run: Run) -> None:
    (tmp_path / "own.json").write_text(json.dumps({"h.example": ADA}))
    assert (
        run("--auth-file", str(tmp_path / "own.json"), "--", "keyring", "get", URL, "ada").stdout
        == "s3cret\n"
    )


def test_no_secret_is_in_the_environment_arguments_or_on_disk(home: Path, run: Run) -> None:
    keep(home, {"h.example": ADA})
    look = "env; cat $(dirname $(command -v keyring))/*; tr '\\0' '\\n' < /proc/$PPID/cmdline"
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("no /proc here")
    *lines, last = run("--", "sh", "-c", f"{look}; keyring get {URL} ada").stdout.splitlines()
    assert last == "s3cret"
    assert len(lines) > 10
    assert_no_secret(*lines)


def test_the_first_word_that_is_no_option_begins_the_command(run: Run) -> None:
    done = run("sh", "-c", "echo $0 $@", "--netrc", "-v", "--", "-e")
    assert done.stdout == "--netrc -v -- -e\n"


def test_options_before_the_command_are_authshims(run: Run) -> None:
    done = run("-v", "--auth-file", "own.json", "sh", "-c", "echo $RATTLER_AUTH_FILE")
    assert done.stdout == f"{os.getcwd()}/own.json\n"


def test_one_run_inside_another_works(home: Path, temporary: Path, run: Run) -> None:
    keep(home, {"h.example": ADA})
    inner = [sys.executable, "-m", "authshim", "run", "--", "keyring", "get", URL, "ada"]
    done = run("--", *inner)
    assert (done.stdout, done.stderr, done.returncode) == ("s3cret\n", "", 0)
    assert list(temporary.iterdir()) == []


def test_a_miss_of_two_runs_reaches_the_real_keyring_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    real = tmp_path / "real" / "keyring"
    real.parent.mkdir()
    real.write_text("#!/bin/sh\necho real $AUTHSHIM_ASKING\n")
    real.chmod(0o700)
    monkeypatch.setenv("PATH", f"{real.parent}{os.pathsep}{os.environ['PATH']}")
    inner = [sys.executable, "-m", "authshim", "run", "--", "keyring", "get", URL, "ada"]
    assert run("--", *inner).stdout == "real 1\n"


# its end


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_childs(code: int, run: Run) -> None:
    assert run("--", "sh", "-c", f"exit {code}").returncode == code


def test_an_unknown_command_ends_with_127(run: Run) -> None:
    done = run("--", "there-is-no-such-command")
    assert done.returncode == 127
    assert done.stderr == "authshim: error: there is no command there-is-no-such-command\n"


def test_a_file_that_is_no_program_ends_with_126(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "text"
    file.write_text("")
    assert run("--", str(file)).returncode == 126
    file.chmod(0o700)
    file.write_bytes(b"\x7fELF")
    assert run("--", str(file)).returncode == 126


@pytest.mark.parametrize("words", [[], ["--"], ["--netrc"]])
def test_no_command_ends_with_2(words: list[str], run: Run) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "authshim run -- COMMAND" in done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT"])
def test_a_child_that_a_signal_ended_ends_the_program_by_it(name: str, temporary: Path) -> None:
    done = launch("--", "sh", "-c", f"kill -{name[3:]} $$")
    assert done.returncode == -getattr(signal, name)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_goes_on_to_the_child(name: str, temporary: Path) -> None:
    shell = f"trap 'exit 9' {name[3:]}; echo ready; while :; do sleep 0.05; done"
    with started("--", "sh", "-c", shell) as process:
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == 9
    assert list(temporary.iterdir()) == []


def test_a_child_that_ignores_a_signal_goes_on() -> None:
    with started("--", "sh", "-c", "trap '' TERM; echo ready; sleep 0.5; exit 5") as process:
        process.terminate()
        assert process.wait(60) == 5


def test_the_child_gets_no_blocked_or_ignored_signal() -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc here")
    lines = launch("--", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status").stdout.split()
    masks = {name: int(mask, 16) for name, mask in zip(lines[::2], lines[1::2])}
    assert masks["SigBlk:"] == 0
    assert not masks["SigIgn:"] & (1 << (signal.SIGPIPE - 1))


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="no waitid here")
def test_run_ends_if_another_thread_gets_the_signal_of_the_child(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn, over = os.posix_spawn, threading.Event()

    def spawn_and_wait(*args: Any, **options: Any) -> int:
        child = spawn(*args, **options)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        time.sleep(0.05)  # the other thread takes the signal now
        return child

    monkeypatch.setattr(os, "posix_spawn", spawn_and_wait)
    thread = threading.Thread(target=over.wait, args=(60,))
    thread.start()
    try:
        assert run("--", "sh", "-c", "exit 3").returncode == 3
    finally:
        over.set()
        thread.join()


COUNT = """\
import signal, sys, time
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print("ready", flush=True)
until = time.monotonic() + 60
while not got and time.monotonic() < until:
    time.sleep(0.01)
time.sleep(0.3)  # a second one would come in this time
print("count", len(got))
sys.exit(4)
"""


@pytest.mark.parametrize("way", ["Ctrl-C", "kill"])
def test_sigint_at_a_terminal_reaches_the_child_once(way: str, temporary: Path) -> None:
    if way == "kill" and not hasattr(signal, "sigwaitinfo"):
        pytest.skip("this system does not tell who sent a signal")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, command("--", sys.executable, "-c", COUNT))
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    if way == "kill":
        os.kill(child, signal.SIGINT)
    else:
        os.write(terminal, b"\x03")
    said += _rest(terminal)
    _, status = os.waitpid(child, 0)
    assert b"count 1" in said
    assert os.WEXITSTATUS(status) == 4
    assert list(temporary.iterdir()) == []


def _rest(terminal: int) -> bytes:
    said = b""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            chunk = os.read(terminal, 1000)
        except OSError:  # Linux, once the last program has gone
            break
        if not chunk:
            break
        said += chunk
    return said


# its folder


def test_the_folder_is_the_users_own_and_gone_at_the_end(temporary: Path, run: Run) -> None:
    done = run("--", "sh", "-c", "ls -ld $(dirname $(command -v keyring))")
    assert done.stdout.startswith("drwx------")
    assert list(temporary.iterdir()) == []


def test_a_folder_that_lets_no_program_run_is_passed_over(
    temporary: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    access = os.access
    monkeypatch.setattr(run_module.tempfile, "tempdir", None)
    monkeypatch.setattr(
        os, "access", lambda path, mode: str(temporary) not in str(path) and access(path, mode)
    )
    keep(home, {"h.example": ADA})
    assert cli.main(["run", "--", "keyring", "get", URL, "ada"]) == 0
    assert capfd.readouterr().out == "s3cret\n"
    assert [path.name for path in home.iterdir()] == [".rattler"]


def test_no_folder_for_programs_is_an_error_that_names_the_next_step(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cli.main(["run", "--", "true"]) == 1
    assert "set TMPDIR to another one" in capsys.readouterr().err


# --netrc

SHOW = "stat -c %a $NETRC; cat $NETRC"


def project(*indexes: str, channels: tuple[str, ...] = ()) -> None:
    lines = "".join(f'"{index}",' for index in indexes)
    text = (
        f"[workspace]\nchannels = {list(channels)!r}\n"
        f"[pypi-options]\nextra-index-urls = [{lines}]\n"
    )
    Path("pixi.toml").write_text(text)


def test_netrc_holds_the_logins_of_the_project_and_of_the_user(
    home: Path, temporary: Path, run: Run
) -> None:
    keep(
        home,
        {
            "h.example": ADA,
            "c.example": {"BasicHTTP": {"username": "carol", "password": "s3cret-2"}},
        },
    )
    (home / ".netrc").write_text(
        "machine own.example login bob password s3cret-3\ndefault login eve password s3cret-4\n"
    )
    project(URL, "https://open.example/simple/", channels=("https://c.example/channel",))
    done = run("--netrc", "--", "sh", "-c", SHOW)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "600",
        "machine h.example login ada password s3cret",
        "machine c.example login carol password s3cret-2",
        "machine own.example login bob password s3cret-3",
        "default login eve password s3cret-4",
    ]
    assert list(temporary.iterdir()) == []


def test_a_login_of_the_netrc_itself_is_not_added_again(home: Path, run: Run) -> None:
    (home / ".netrc").write_text("machine h.example login ada password s3cret\n")
    project(URL)
    assert (
        run("--netrc", "--", "sh", "-c", "cat $NETRC").stdout
        == "machine h.example login ada password s3cret\n"
    )


def test_a_netrc_is_gone_after_sigterm(home: Path, temporary: Path) -> None:
    keep(home, {"h.example": ADA})
    project(URL)
    with started(
        "--netrc", "--", "sh", "-c", "test -s $NETRC && echo ready; exec sleep 120"
    ) as process:
        process.terminate()
        assert process.wait(60) == -signal.SIGTERM
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("own", ["", "machine h.example login ada password s3cret\n"])
def test_two_users_of_one_host_are_an_error(own: str, home: Path, run: Run) -> None:
    entries = {
        "h.example/a": ADA,
        "h.example/b": {"BasicHTTP": {"username": "bob", "password": "s3cret"}},
    }
    keep(home, {name: entries[name] for name in entries if not own or name.endswith("/b")})
    (home / ".netrc").write_text(own)
    project(*(f"https://h.example/{name[-1]}/simple/" for name in entries))
    done = run("--netrc", "--", "true")
    assert done.returncode == 1
    assert "two users share h.example" in done.stderr
    assert_no_secret(done.stderr)


def test_a_user_of_the_users_own_netrc_is_not_overruled(home: Path, run: Run) -> None:
    keep(home, {"h.example": {"BasicHTTP": {"username": "bob", "password": "s3cret"}}})
    (home / ".netrc").write_text("machine h.example login ada password s3cret\n")
    project(URL)
    assert "two users share h.example" in run("--netrc", "--", "true").stderr


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"BearerToken": "s3cret"}, "a netrc cannot hold the BearerToken"),
        ({"BasicHTTP": {"username": "ada", "password": "s3cret and more"}}, "has characters"),
        ({"BasicHTTP": {"username": "ada", "password": '"s3cret'}}, "has characters"),
        ({"BasicHTTP": {"username": "ada", "password": "#s3cret"}}, "has characters"),
        ({"BasicHTTP": {"username": "ada", "password": "s3crét"}}, "has characters"),
        ({"BasicHTTP": {"username": "ada", "password": ""}}, "has characters"),
    ],
)
def test_a_login_that_a_netrc_cannot_hold_is_named(
    entry: dict[str, Any], said: str, home: Path, run: Run
) -> None:
    keep(home, {"h.example": entry})
    project(URL)
    done = run("--netrc", "--", "sh", "-c", "cat $NETRC")
    assert done.stderr.startswith(f"authshim: not in the netrc: {URL}: ")
    assert said in done.stderr
    assert done.stdout == ""
    assert_no_secret(done.stderr)


def test_a_wildcard_is_named_and_written_for_the_host(home: Path, run: Run) -> None:
    keep(home, {"*.example": ADA})
    project(URL)
    done = run("--netrc", "--", "sh", "-c", "cat $NETRC")
    assert done.stderr == "authshim: in the netrc for h.example only: the login of *.example\n"
    assert done.stdout == "machine h.example login ada password s3cret\n"


def test_without_a_project_only_the_users_netrc_is_there(home: Path, run: Run) -> None:
    (home / ".netrc").write_text("machine own.example login bob password s3cret\n")
    done = run("--netrc", "--", "sh", "-c", "cat $NETRC")
    assert "there is no project here" in done.stderr
    assert done.stdout == "machine own.example login bob password s3cret\n"


def test_a_signal_of_another_thread_is_not_reported_after_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", reported.append)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            pass

    thread = threading.Thread(target=work)
    thread.start()
    assert thread.ident is not None
    before = signal.getsignal(signal.SIGCHLD)
    try:
        for _ in range(3000):
            with spawn.signals_held():
                signal.pthread_kill(thread.ident, signal.SIGCHLD)
    finally:
        is_over.set()
        thread.join()
        signal.signal(signal.SIGCHLD, before)
    assert reported == []

"""Tests of ``authshim get``: its output, interruptions and concurrent runs."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import CHALLENGE, Answer, Recorder, Served, redirect

from authshim.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Seen

DATA = bytes(range(256)) * 1024
HALF = len(DATA) // 2
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = "demo-1.0.whl"

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def url(recorder: Recorder) -> str:
    """Return the URL of a file that only ada may read."""
    file = Served(DATA)
    recorder.on(f"/files/{NAME}", lambda seen: file(seen) if seen.authorization else CHALLENGE)
    return f"{recorder.url}/files/{NAME}"


@pytest.fixture(autouse=True)
def _netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n", encoding="utf-8")


class Slow:
    """A response that sends half of the file, and the rest after ``resume`` is set."""

    def __init__(self) -> None:
        self.resume = threading.Event()

    def __call__(self, _: Seen) -> Answer:
        return Answer(200, self._body(), {"Content-Length": str(len(DATA)), "ETag": '"v1"'})

    def _body(self) -> Iterator[bytes]:
        yield DATA[:HALF]
        self.resume.wait(60)
        yield DATA[HALF:]


@pytest.fixture
def slow(recorder: Recorder, url: str) -> Iterator[Slow]:
    """Make the first request for the file wait in the middle of the body."""
    made, file = Slow(), Served(DATA)
    recorder.on(f"/files/{NAME}", made, file)
    yield made
    made.resume.set()


def start(*words: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own, so that Ctrl-C reaches it."""
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from authshim.cli import main; sys.exit(main(sys.argv[1:]))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", program, *words], text=True, **pipes)


def wait_for_half(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not any(part.stat().st_size >= HALF for part in Path().glob(f"{NAME}.*.part")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def here() -> set[str]:
    return {path.name for path in Path.cwd().iterdir()}


def test_get_names_the_file_as_in_the_url_and_prints_it(url: str, capsys: Captured) -> None:
    assert main(["get", f"{url}#sha256={SHA256}"]) == 0
    told = capsys.readouterr()
    assert told.out == f"wrote {NAME} (262,144 bytes; its sha256 is right)\n"
    assert told.err == ""
    assert Path(NAME).read_bytes() == DATA


def test_get_prints_that_the_url_has_no_hash(url: str, capsys: Captured) -> None:
    assert main(["get", url, "-o", "x"]) == 0
    assert capsys.readouterr().out == "wrote x (262,144 bytes; its URL has no hash to check it)\n"


def test_get_prints_an_error_with_a_next_step(url: str, home: Path, capsys: Captured) -> None:
    (home / ".netrc").unlink()
    assert main(["get", url]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        f"authshim: error: cannot get {url}: no credential (HTTP 401; no provider has one)"
    )
    assert second.startswith("  -> authshim auth login 127.0.0.1 --username USER")
    assert here() == set()


def test_get_names_the_file_of_a_rejected_login(
    url: str, recorder: Recorder, capsys: Captured
) -> None:
    recorder.on(f"/files/{NAME}", CHALLENGE)
    assert main(["get", url]) == 1
    told = capsys.readouterr()
    login = "BasicHTTP(username='ada', password=****) from netrc ~/.netrc"
    assert f"rejected ({login}; HTTP 401)" in told.err
    assert "s3cret" not in told.out + told.err


def test_get_leaves_nothing_if_the_hash_differs(url: str, capsys: Captured) -> None:
    assert main(["get", f"{url}#sha256={'0' * 64}"]) == 1
    assert "its sha256 does not match the URL" in capsys.readouterr().err
    assert here() == set()


@pytest.mark.parametrize(
    "words",
    [
        ["https://h.example/"],
        ["https://h.example/x#readme"],
        ["ftp://h.example/x"],
        ["https://h/x", "-o", ""],
    ],
)
def test_get_exits_with_2_if_the_usage_is_wrong(words: list[str], capsys: Captured) -> None:
    assert main(["get", *words]) == 2
    assert here() == set()


def test_get_prints_no_secret_of_the_url(recorder: Recorder, capsys: Captured) -> None:
    recorder.default = Answer(404)
    assert (
        main(["get", f"http://ada:s3cret@127.0.0.1:{recorder.port}/t/s3cret/x?sig=s3cret", "-vv"])
        == 1
    )
    told = capsys.readouterr()
    assert "s3cret" not in told.out + told.err
    assert f"cannot get http://****@127.0.0.1:{recorder.port}/t/****/x?****: " in told.err


def test_get_uses_the_credentials_of_the_project(recorder: Recorder, home: Path) -> None:
    (home / ".netrc").unlink()
    Path("pixi.toml").write_text(
        f"""
        [workspace]
        channels = []
        platforms = []
        [pypi-options]
        index-url = "http://ada:s3cret@127.0.0.1:{recorder.port}/acme/simple"
        """,
        encoding="utf-8",
    )
    recorder.on("/acme/*", lambda seen: Answer() if seen.authorization else CHALLENGE)
    assert main(["get", f"{recorder.url}/acme/files/{NAME}"]) == 0
    assert (
        main(["get", f"{recorder.url}/acme/files/{NAME}", "--manifest-path", "nowhere.toml"]) == 1
    )


# Standard output


def test_standard_output_gets_the_file_and_nothing_else(
    url: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["get", f"{url}#sha256={SHA256}", "-o", "-"]) == 0
    assert capfdbinary.readouterr().out == DATA
    assert here() == set()


def test_standard_output_stays_empty_if_the_hash_differs(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["get", f"{url}#sha256={'0' * 64}", "-o", "-"]) == 1
    assert capfdbinary.readouterr().out == b""
    assert list(tmp_path.iterdir()) == []


def test_closed_pipe_prints_no_traceback(url: str) -> None:
    script = f"{sys.executable} -m authshim get {url} -o - | true"
    ended = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""


def test_completion_offers_files_for_the_output(capsys: Captured) -> None:
    assert main(["completion", "bash"]) == 0
    assert "_shtab_authshim_get__o_COMPGEN=_shtab_compgen_files" in capsys.readouterr().out


# Broken connections


def test_get_notes_a_retry_on_stderr_unless_quiet(
    recorder: Recorder, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for flags in ([], ["-q"]):
        file = Served(DATA)
        file.ends = [HALF]
        recorder.on("/x", file)
        assert main(["get", f"{recorder.url}/x", *flags]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "authshim: the answer broke off; retrying in 0 s",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_leaves_nothing(url: str, slow: Slow) -> None:
    process = start("get", url)
    wait_for_half(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    assert here() == set()


def test_second_get_of_a_file_does_not_disturb_the_first(
    url: str, slow: Slow, capsys: Captured
) -> None:
    first = start("get", f"{url}#sha256={SHA256}")
    wait_for_half(first)
    assert main(["get", url]) == 0
    slow.resume.set()
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "")
    assert out.startswith(f"wrote {NAME}")
    assert Path(NAME).read_bytes() == DATA
    assert here() == {NAME}


def on_a_terminal(*words: str) -> tuple[str, bytes]:
    """Run the command with standard error on a terminal, and return both of its outputs."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "authshim", *words]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:  # EIO: the other side is closed
        pass
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    return out, shown


@pytest.mark.slow("it waits for a process that waits before it tries again")
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
def test_terminal_shows_the_progress_and_a_retry(recorder: Recorder, url: str) -> None:
    file = Served(DATA)
    file.ends = [HALF]
    recorder.on(f"/files/{NAME}", file)
    out, shown = on_a_terminal("get", url)
    assert out == f"wrote {NAME} (262,144 bytes; its URL has no hash to check it)\n"
    assert NAME.encode() in shown
    assert b"kB" in shown
    assert b"authshim: the answer broke off; retrying in 0 s\r\n" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
def test_terminal_shows_nothing_if_get_is_quiet(url: str) -> None:
    out, shown = on_a_terminal("get", "-q", url)
    assert out == f"wrote {NAME} (262,144 bytes; its URL has no hash to check it)\n"
    assert shown == b""


def test_redirect_to_another_host_gets_no_credential(url: str, recorder: Recorder) -> None:
    recorder.on("/moved.whl", redirect(f"http://localhost:{recorder.port}/blob?sv=1&sig=x", 303))
    assert main(["get", f"{recorder.url}/moved.whl"]) == 0
    assert [bool(seen.authorization) for seen in recorder.seen] == [True, False]


def test_get_exits_with_2_if_standard_output_is_a_terminal(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["get", url, "-o", "-"]) == 2
    assert (
        "standard output is closed or a terminal; name a file, or pipe it into a program"
        in capsys.readouterr().err
    )

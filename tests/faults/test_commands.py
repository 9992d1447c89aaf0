"""Keyring commands that hang, fork, flood, die or print nonsense.

Each runs once and is reported in one sentence, and the request is sent.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from servers import Answer, Recorder

import authshim

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are scripts with #!")

LATE = "it did not answer within 0.3 s"
NONSENSE = "it printed something that is no credential"
FLOOD = "it printed more than 1024 KiB"


class Clock:
    """A stand-in for the module ``time`` that starts once the command is running."""

    sleep = staticmethod(time.sleep)

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._since: float | None = None

    def monotonic(self) -> float:
        if self._since is None and self._runs.exists() and self._runs.read_text().endswith("\n"):
            self._since = time.monotonic()
        return 0.0 if self._since is None else time.monotonic() - self._since


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a script the keyring command, and return a file with a line for each of its runs."""

    def make(body: str, deadline: str) -> Path:
        script, runs = tmp_path / "keyring", tmp_path / "runs"
        monkeypatch.setattr("authshim.providers.child_process.time", Clock(runs))
        script.write_text(f"#!/bin/sh\necho $$ >> {runs}\n{body}\n")
        script.chmod(0o755)
        monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", str(script))
        monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", deadline)
        return runs

    return make


FAILING = {
    "hangs": ("exec sleep 60", LATE),
    "tells, and hangs, and ignores SIGTERM": (
        "trap '' TERM; echo s3cret; echo s3cret >&2; while :; do sleep 0.1; done",
        LATE,
    ),
    "floods stdout": ("exec head -c 1073741824 /dev/zero", FLOOD),
    "floods stdout for ever": ("exec cat /dev/zero", FLOOD),
    "floods stderr for ever": ("exec cat /dev/zero >&2", FLOOD),
    "forks and floods": ("cat /dev/zero & cat /dev/zero & wait", FLOOD),
    "forks and leaves stdout open": ("sleep 60 & echo s3cret", NONSENSE),
    "is killed": ("echo s3cret; kill -9 $$", "it was ended by signal 9"),
    "crashes": ("echo s3cret; kill -SEGV $$", "it was ended by signal 11"),
    "fails and tells": (
        "echo s3cret; echo no s3cret >&2; exit 3",
        "it failed with status 3: no ****",
    ),
    "answers nothing": ("exit 0", NONSENSE),
    "answers bytes": ("printf '\\377\\376\\000s3cret'", NONSENSE),
}

TRIED_WITHOUT_CREDS_MODE = ("was ended by signal", "failed with status")
"""How an old keyring may end if it is asked for a credential; it is then asked for the password."""


@pytest.mark.parametrize(("body", "reason"), FAILING.values(), ids=FAILING)
def test_failing_command_costs_no_request_and_is_told_once(
    body: str,
    reason: str,
    command: Callable[..., Path],
    recorder: Recorder,
    no_secret: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = command(body, "0.3" if reason == LATE else "60")
    session = authshim.install(requests.Session())
    recorder.default = Answer(401)
    url = recorder.url.replace("//", "//ada@") + "/simple/"
    assert [session.get(url).status_code for _ in range(3)] == [401] * 3
    is_retried = any(words in reason for words in TRIED_WITHOUT_CREDS_MODE)
    assert len(runs.read_text().split()) == (2 if is_retried else 1)
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert warnings == [f"cannot read keyring command: {reason}"]
    no_secret()
    with pytest.raises(ChildProcessError):
        os.waitpid(int(runs.read_text().split()[0]), os.WNOHANG)


PEAK = """\
import resource, sys
from authshim.errors import ProviderError
from authshim.providers.keyring_command import KeyringCommand
command = KeyringCommand(["/bin/sh", "-c", sys.argv[1]], terminal=lambda: False)
def peak():
    unit = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
def ask(text):
    command.command = ("/bin/sh", "-c", text)
    try:
        return command.find("https://h.example/simple", "ada")
    except ProviderError as error:
        return error.reason
ask("exit 1")
before = peak()
print(ask(sys.argv[1]), peak() - before, sep="|")
"""


@pytest.mark.parametrize(
    "body", ["exec head -c 1073741824 /dev/zero", "head -c 67108864 /dev/zero >&2; exit 1"]
)
def test_kept_output_of_a_flood_is_bounded(body: str) -> None:
    """In a process of its own, whose largest size the system knows."""
    ended = subprocess.run(
        [sys.executable, "-c", PEAK, body], capture_output=True, text=True, timeout=120, check=True
    )
    outcome, grown = ended.stdout.strip().split("|")
    assert outcome == FLOOD
    assert int(grown) < 16 * 1024  # KiB

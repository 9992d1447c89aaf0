"""What other processes can see: arguments, environments and files tell no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chain_fakes import refused
from leaks import assert_no_secret
from proof.sources import KINDS, SOURCES, declare, use_keyring
from proof.stage import SECRET, Stage, files_that_tell, installed

import authshim
from authshim.credentials.from_json import from_json
from authshim.errors import StoreError
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from proof.stage import Witness

POSIX = pytest.mark.skipif(os.name != "posix", reason="the scripts are a shell's")
LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="/proc is Linux's")

_SPY = """#!/bin/sh
{
    echo "asked: $*"
    env
    cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline /proc/$PPID/environ
    ls -l /proc/$$/fd /proc/$PPID/fd
} >>"$HOME/seen" 2>&1
exit 1
"""
"""A keyring command that writes down all that it can see of itself and of who has started it."""


def spy(stage: Stage) -> None:
    stage.monkeypatch.setenv(
        "AUTHSHIM_KEYRING_COMMAND", str(stage.write("keyring", _SPY, mode=0o700))
    )


@LINUX
@pytest.mark.parametrize(
    "source",
    [
        name
        for name, source in SOURCES.items()
        if "keyring" not in name and name not in ("URL", "override file") and not source.inherited
        if source.host == "a.example"
    ],
)
def test_a_keyring_command_sees_no_secret_of_another_provider(source: str, stage: Stage) -> None:
    SOURCES[source].plant(stage, "http")
    spy(stage)
    chain = authshim.Chain.from_environment(
        manifest=stage.home if SOURCES[source].project else None
    )
    chain.find(
        "http://ada@b.example/simple/"
    )  # nobody has one, so that the command is asked in the end
    chain.find("http://ada@a.example/simple/")
    seen = (stage.home / "seen").read_text("utf-8", "replace")
    assert "get http://b.example/simple" in seen
    assert_no_secret(seen, secret=SECRET)


@LINUX
def test_a_keyring_command_is_not_shown_the_password_of_a_url(stage: Stage) -> None:
    spy(stage)
    declare(stage, "http://ada@a.example/simple")
    chain = authshim.Chain.from_environment(manifest=stage.home)
    chain.find(f"http://ada:{SECRET}@a.example/simple/x")
    refused(chain, f"http://ada:{SECRET}@a.example/simple/x", status=401)
    chain.find(f"http://bob@a.example/t/{SECRET}/x?sig={SECRET}#{SECRET}")
    seen = (stage.home / "seen").read_text("utf-8", "replace")
    assert "get http://a.example" in seen
    assert_no_secret(seen, secret=SECRET)


@LINUX
def test_a_check_shows_no_secret_to_ps(stage: Stage) -> None:
    """A real process, and the keyring command that it starts."""
    spy(stage)
    stage.keep(**{"127_0_0_1": KINDS["BasicHTTP"]})
    declare(stage, f"http://eve@127.0.0.1:{stage.servers.origin.port}/simple")
    command = [sys.executable, "-m", "authshim", "check", "-vv"]
    ended = subprocess.run(
        command, cwd=stage.home, capture_output=True, text=True, check=False, timeout=60
    )
    seen = (stage.home / "seen").read_text("utf-8", "replace")
    assert "-m\0authshim\0check" in seen
    assert_no_secret(seen, ended.stdout, ended.stderr, secret=SECRET)


@LINUX
def test_a_login_from_standard_input_shows_no_secret_to_ps(stage: Stage) -> None:
    command = [sys.executable, "-m", "authshim", "auth", "login", "a.example", "--token", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as login:
        while not Path(f"/proc/{login.pid}/cmdline").read_bytes() and login.poll() is None:
            os.sched_yield()  # it is not the new program yet
        proc = [Path(f"/proc/{login.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        out, err = login.communicate((SECRET + "\n").encode(), timeout=60)
    assert login.returncode == 0
    assert b"--token\0-\0" in proc[0]
    assert_no_secret(*proc, out, err, secret=SECRET)
    assert files_that_tell(stage.home) == [".rattler/credentials.json"]


# Files


def test_a_store_is_the_only_file_that_tells_and_only_its_owner_reads_it(stage: Stage) -> None:
    path = stage.home / ".rattler" / "credentials.json"
    for count, entry in enumerate(KINDS.values()):
        AuthFile(str(path)).save(f"h{count}.example", from_json(entry))
    assert files_that_tell(stage.home) == [os.path.join(".rattler", "credentials.json")]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


@POSIX
@pytest.mark.parametrize("step", ["authshim.files._keep_owner", "os.fsync", "os.replace"])
def test_a_write_that_fails_leaves_no_file_that_tells(step: str, stage: Stage) -> None:
    modes: list[int] = []
    new = stage.home / "auth.json.new"

    def fail(*args: object, **options: object) -> None:
        modes.append(new.stat().st_mode & 0o777)
        raise OSError(28, "No space left on device")

    stage.monkeypatch.setattr(step, fail)
    with pytest.raises(StoreError) as caught:
        AuthFile(str(stage.home / "auth.json")).save("a.example", authshim.BearerToken(SECRET))
    assert modes == [0o600]
    assert files_that_tell(stage.home) == []
    assert_no_secret(caught.value, secret=SECRET)


@POSIX
@pytest.mark.parametrize(
    "line", [["check"], ["explain", "http://ada@a.example/simple/x"], ["auth", "status"]]
)
def test_a_command_leaves_no_file_behind(
    line: list[str], stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    from authshim.cli import main

    stage.monkeypatch.chdir(stage.home)
    use_keyring(stage, json.dumps({"username": "ada", "password": SECRET}))
    stage.keep(a_example=KINDS["BasicHTTP"])
    declare(stage, "http://ada@a.example/simple")
    before = sorted(stage.home.rglob("*"))
    main(line)
    assert sorted(stage.home.rglob("*")) == before
    assert capfd.readouterr().out


def test_a_request_writes_no_file(stage: Stage, witness: Witness) -> None:
    stage.keep(a_example=KINDS["BasicHTTP"])
    with witness.watching() as acts, installed(authshim.Chain.from_environment()) as session:
        session.get("http://a.example/x")
    assert [args for event, args in acts if event == "open"] == []

"""The demo does what README promises, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow("the demo starts servers, and a keyring command for its packages")


def run_demo(**environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "authshim", "demo"]
    env = {**os.environ, **environ}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_demo_shows_four_that_let_in_and_one_that_does_not(tmp_path: Path) -> None:
    ended = run_demo(TMPDIR=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("let in (") == 4
    for provider in ("auth file ~/.rattler/credentials.json", "netrc ~/.netrc", "keyring command"):
        assert f" from {provider}; " in ended.stdout
    assert ended.stdout.count("no credential (HTTP 401") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_demo_is_not_disturbed_by_settings_of_its_user(tmp_path: Path, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login eve password s3cret\n", encoding="utf-8")
    auth_file = tmp_path / "auth.json"
    auth_file.write_text("{}", encoding="utf-8")
    ended = run_demo(
        RATTLER_AUTH_FILE=str(auth_file),
        NETRC=str(tmp_path / "nowhere"),
        http_proxy="http://127.0.0.1:1",
        AUTHSHIM_KEYRING_TIMEOUT="soon",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "eve" not in ended.stdout


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals of POSIX")
def test_the_demo_leaves_nothing_behind_when_it_is_interrupted(tmp_path: Path) -> None:
    import signal

    command = [sys.executable, "-u", "-m", "authshim", "demo"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert demo.stdout is not None
    demo.stdout.readline()  # the servers are up
    os.killpg(demo.pid, signal.SIGINT)
    demo.communicate(timeout=120)
    assert demo.returncode in (1, 130)
    assert list(tmp_path.iterdir()) == []


def test_the_keyring_of_the_demo_answers_as_a_vendors_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyring.errors import PasswordSetError

    from authshim.cli.demo.keyring import Keyring

    (tmp_path / "keyring.json").write_text(
        '{"https://h/simple": ["ada", "lovelace"]}', encoding="utf-8"
    )
    monkeypatch.setenv("AUTHSHIM_DEMO_KEYRING", str(tmp_path / "keyring.json"))
    ring = Keyring()
    assert ring.get_password("https://h/simple", "ada") == "lovelace"
    assert (
        ring.get_password("https://h/simple", "bob")
        is ring.get_password("https://other/", "ada")
        is None
    )
    with pytest.raises(PasswordSetError, match="keeps nothing"):
        ring.set_password("https://h/simple", "ada", "byron")


def test_a_demo_that_goes_wrong_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from authshim.cli import demo, main

    monkeypatch.setattr(demo, "_run", lambda *_: 1)
    assert main(["demo"]) == 1
    assert "This is not what the demo should show" in capfd.readouterr().err


def test_the_servers_of_the_demo_have_nothing_else() -> None:
    import requests

    from authshim.cli.demo.servers import Server

    with Server(header="Bearer x") as server:
        for method, path, status in (
            ("GET", "/nothing", 404),
            ("HEAD", "/simple/demo/", 200),
            ("GET", "/simple/", 200),
        ):
            url = f"http://{server.netloc}{path}"
            assert (
                requests.request(
                    method, url, headers={"Authorization": "Bearer x"}, timeout=60
                ).status_code
                == status
            )

"""Logins at a real OpenID provider, with a user at a browser; py-rattler uses the stored logins.

The same without a real server, and with ones that misbehave: ``tests/oauth``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest
import requests
from interop.browser import Browser
from interop.judge import Rattler

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = str(Path(authshim.__file__).parents[1])
BROWSER = f"{sys.executable} {Path(__file__).with_name('browser.py')} %s"

CLIENT, HASTY, CONFIDENTIAL = "rattler", "rattler-3s", "confidential"
"""Clients of the server; the codes of the second live for three seconds."""

CLIENT_SECRET = "s3cret-client/%+ of the test"

RATTLERS_FIELDS = {
    "access_token",
    "refresh_token",
    "expires_at",
    "token_endpoint",
    "revocation_endpoint",
    "client_id",
}


class Login:
    """A login that runs: ``authshim auth login 127.0.0.1 --oauth ...`` as a process."""

    def __init__(
        self, issuer: str, file: Path, home: Path, words: tuple[str, ...], browser: str
    ) -> None:
        self.file = file
        command = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "authshim",
            "-vv",
            "auth",
            "login",
            "127.0.0.1",
            "--oauth",
        ]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": SOURCE,
            "RATTLER_AUTH_FILE": str(file),
        }
        if browser:
            environ["BROWSER"] = browser
        self.process = subprocess.Popen(
            [*command, "--oauth-issuer-url", issuer, *words], env=environ, cwd=home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.shown: list[str] = []

    def url(self) -> str:
        """Return the URL that is shown."""
        for line in self.process.stderr:
            self.shown.append(line)
            if found := re.fullmatch(r"  (http://\S+)\n", line):
                return found[1]
        raise AssertionError("".join(self.shown))

    def end(self, given: str = "") -> tuple[int, str, str]:
        """Return the exit code and what was printed."""
        out, err = self.process.communicate(given, timeout=90)
        return self.process.returncode, out, "".join([*self.shown, err])

    @property
    def entry(self) -> dict[str, Any] | None:
        if not self.file.exists():
            return None
        return json.loads(self.file.read_text())["127.0.0.1"]["OAuth"]

    def age(self) -> None:
        """Let the entry look as if its token had expired."""
        entries = json.loads(self.file.read_text())
        entries["127.0.0.1"]["OAuth"]["expires_at"] = int(time.time()) - 60
        self.file.write_text(json.dumps(entries))


@pytest.fixture
def begin(oidc_server: str, tmp_path: Path, home: Path) -> Iterator[Callable[..., Login]]:
    """Start a login; ``browser`` is the value of ``BROWSER``."""
    started: list[Login] = []

    def begin(*words: str, client: str = CLIENT, browser: str = "") -> Login:
        options = ("--oauth-client-id", client, *words)
        started.append(Login(oidc_server, tmp_path / "auth.json", home, options, browser))
        return started[-1]

    yield begin
    for login in started:
        login.process.kill()
        login.process.communicate()


@pytest.fixture(scope="module")
def rattler() -> Iterator[Rattler]:
    judge = Rattler()
    yield judge
    judge.stop()


def assert_stored(login: Login, ended: tuple[int, str, str]) -> dict[str, Any]:
    """Return the entry that a login has stored, after a look at what it printed."""
    code, out, err = ended
    assert (code, out) == (
        0,
        f"stored the OAuth of ada for 127.0.0.1 in auth file {login.file}\n",
    ), err
    entry = login.entry
    assert entry is not None
    assert set(entry) == RATTLERS_FIELDS
    assert isinstance(entry["expires_at"], int)
    for name in ("access_token", "refresh_token"):
        assert entry[name] not in err
    assert login.file.stat().st_mode & 0o777 == 0o600
    return entry


def seen_at(oidc_server: str) -> list[tuple[str, int]]:
    """Return what came to the channel and to the token endpoint since the last call."""
    events = requests.get(f"{oidc_server}/test/seen", timeout=60).json()
    return [(event["what"], event["status"]) for event in events]


def assert_used(login: Login, oidc_server: str, rattler: Rattler, home: Path) -> None:
    """Let py-rattler and a session of authshim's send the login, and renew it."""
    channel = f"{oidc_server}/channel"
    environ = {"HOME": str(home), "RATTLER_AUTH_FILE": str(login.file)}

    def sent_by_python() -> int:
        chain = authshim.Chain.from_environment(environ={"RATTLER_AUTH_FILE": str(login.file)})
        with authshim.install(requests.Session(), chain=chain) as session:
            return session.get(f"{channel}/noarch/repodata.json", timeout=40).status_code

    seen_at(oidc_server)
    assert (rattler.fetch(channel, environ), sent_by_python()) == ("fetched", 200)
    login.age()
    assert rattler.fetch(channel, environ) == "fetched"
    login.age()
    assert sent_by_python() == 200
    assert seen_at(oidc_server) == [
        ("channel", 200),
        ("channel", 200),
        *[("token", 200), ("channel", 200)] * 2,
    ]


# The device code


def test_device_code_stores_a_login_that_pixi_sends_and_renews(
    begin: Callable[..., Login], oidc_server: str, rattler: Rattler, home: Path
) -> None:
    login = begin()
    assert "Sign-in Success" in Browser().log_in(login.url())
    assert_stored(login, login.end())
    assert_used(login, oidc_server, rattler, home)


def test_device_code_of_a_slow_user_is_asked_for_again(
    begin: Callable[..., Login], oidc_server: str
) -> None:
    login = begin()
    url = login.url()
    seen: list[tuple[str, int]] = []
    until = time.monotonic() + 60
    while seen.count(("token", 400)) < 2:
        assert time.monotonic() < until, seen
        time.sleep(0.2)
        seen += seen_at(oidc_server)
    Browser().log_in(url)
    assert_stored(login, login.end())
    # The browser may take as long as one interval more.
    *refusals, last = [each for each in seen + seen_at(oidc_server) if each[0] == "token"]
    assert (set(refusals), last) == ({("token", 400)}, ("token", 200))


def test_device_code_that_is_denied_stores_nothing(begin: Callable[..., Login]) -> None:
    login = begin()
    Browser().cancel(login.url())
    code, out, err = login.end()
    assert (code, out, login.entry) == (1, "", None)
    assert err.endswith("authshim: error: the login was denied in the browser; nothing is stored\n")


def test_device_code_that_expires_stores_nothing(begin: Callable[..., Login]) -> None:
    login = begin(client=HASTY)
    login.url()
    code, out, err = login.end()
    assert (code, out, login.entry) == (1, "", None)
    assert err.endswith(
        "authshim: error: the code has expired before it was confirmed; nothing is stored\n"
    )


def test_ctrl_c_stores_nothing(begin: Callable[..., Login]) -> None:
    login = begin()
    url = login.url()
    login.process.send_signal(signal.SIGINT)
    assert login.end()[:2] == (130, "")
    Browser().log_in(url)
    assert login.entry is None


# The authorization code


@pytest.mark.parametrize("flow", ["auth-code", "auto"])
def test_auth_code_stores_a_login_that_pixi_sends_and_renews(
    flow: str, begin: Callable[..., Login], oidc_server: str, rattler: Rattler, home: Path
) -> None:
    login = begin("--oauth-flow", flow, browser=f"{BROWSER} &")
    assert_stored(login, login.end())
    assert_used(login, oidc_server, rattler, home)


def test_auth_code_of_a_slow_user_is_waited_for(begin: Callable[..., Login]) -> None:
    login = begin("--oauth-flow", "auth-code", browser=f"{BROWSER} 4 &")
    assert_stored(login, login.end())


def test_auth_code_that_is_denied_stores_nothing(begin: Callable[..., Login]) -> None:
    login = begin("--oauth-flow", "auth-code", browser=f"{BROWSER} cancel &")
    code, out, err = login.end()
    assert (code, out, login.entry) == (1, "", None)
    assert err.endswith("authshim: error: the login was denied in the browser; nothing is stored\n")


def test_auth_code_that_expires_stores_nothing(
    begin: Callable[..., Login], oidc_server: str
) -> None:
    login = begin("--oauth-flow", "auth-code", client=HASTY, browser=f"{BROWSER} 5 &")
    code, out, err = login.end()
    assert (code, out, login.entry) == (1, "", None)
    refused = f"{oidc_server}/token answered HTTP 400 (invalid_grant); nothing is stored"
    assert err.endswith(f"authshim: error: {refused}\n")


def test_auto_takes_the_device_code_without_a_display(begin: Callable[..., Login]) -> None:
    login = begin("--oauth-flow", "auto")
    Browser().log_in(login.url())
    assert_stored(login, login.end())


# Confidential clients


@pytest.mark.parametrize("flow", ["device-code", "auth-code"])
def test_confidential_client_is_told_that_its_login_is_not_renewed(
    flow: str, begin: Callable[..., Login]
) -> None:
    words = ("--oauth-flow", flow, "--oauth-client-secret", "-")
    login = begin(*words, client=CONFIDENTIAL, browser=f"{BROWSER} &")
    login.process.stdin.write(CLIENT_SECRET)
    login.process.stdin.close()
    if flow == "device-code":
        Browser().log_in(login.url())
    login.process.stdin = None
    ended = login.end()
    assert_stored(login, ended)
    assert (
        "this login cannot be renewed: that takes the client secret, which is not stored"
        in ended[2]
    )
    assert CLIENT_SECRET not in ended[2] + login.file.read_text()


def test_wrong_client_secret_is_an_error(begin: Callable[..., Login], oidc_server: str) -> None:
    login = begin("--oauth-client-secret", "-", client=CONFIDENTIAL)
    code, out, err = login.end("s3cret-wrong")
    assert (code, out, login.entry) == (1, "", None)
    assert (
        "(invalid_client); nothing is stored: correct --oauth-client-id and --oauth-client-secret"
        in err
    )
    assert "s3cret" not in err

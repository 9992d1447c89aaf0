"""OAuth logins at a real OpenID provider, renewed by py-rattler and by authshim, in turns.

The provider takes each refresh token once, and revokes the whole login if one comes a second time.
A program that does not use the newest token is thus found out. The same without a real server,
and with ones that misbehave: ``tests/oauth/test_renewal.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Callable

import pytest
import requests
from interop.judge import Rattler

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT, LONG = "lives-short", "lives-long"
"""Clients of the server: tokens of the first are due at once, those of the second in an hour."""


class Provider:
    """The server, and one login at it in an auth file."""

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self.channel = f"{url}/channel"
        self.file = file

    def log_in(self, client: str) -> None:
        answer = self._post("/test/login", params={"client": client})
        entry = {
            "access_token": answer["access_token"],
            "refresh_token": answer["refresh_token"],
            "expires_at": int(time.time()) + answer["expires_in"],
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/token/revocation",
            "client_id": client,
        }
        self.file.write_text(
            json.dumps({"127.0.0.1": {"OAuth": entry}, "h.example": {"BearerToken": "t"}})
        )

    def revoke(self, name: str) -> None:
        entry = self.entry
        self._post(
            "/token/revocation", data={"token": entry[name], "client_id": entry["client_id"]}
        )

    def age(self) -> None:
        """Let the entry look as if its token had expired."""
        entries = json.loads(self.file.read_text())
        entries["127.0.0.1"]["OAuth"]["expires_at"] = int(time.time()) - 60
        self.file.write_text(json.dumps(entries))

    @property
    def entry(self) -> dict[str, Any]:
        return json.loads(self.file.read_text())["127.0.0.1"]["OAuth"]

    def seen(self) -> list[tuple[str, int]]:
        """Return the requests to the channel and the token endpoint since the last call.

        A request to the channel is "channel", or "channel, nobody" if it had no credential.
        """
        events = requests.get(f"{self.url}/test/seen", timeout=60).json()
        return [
            (event["what"] + (", nobody" if event.get("header") == "" else ""), event["status"])
            for event in events
        ]

    def _post(self, path: str, **options: Any) -> Any:
        response = requests.post(self.url + path, timeout=60, **options)
        response.raise_for_status()
        return response.json() if response.content else None


@pytest.fixture
def provider(oidc_server: str, tmp_path: Path) -> Provider:
    made = Provider(oidc_server, tmp_path / "auth.json")
    made.seen()
    return made


@pytest.fixture(scope="module")
def rattler() -> Iterator[Rattler]:
    judge = Rattler()
    yield judge
    judge.stop()


@pytest.fixture
def pixi(rattler: Rattler, provider: Provider, home: Path) -> Callable[[], str]:
    """Let py-rattler fetch the channel."""
    environ = {"HOME": str(home), "RATTLER_AUTH_FILE": str(provider.file)}
    return lambda: rattler.fetch(provider.channel, environ)


@pytest.fixture
def python(provider: Provider) -> Callable[[], int]:
    """Return a function that fetches the channel by a new session of authshim each time."""

    def fetch() -> int:
        chain = authshim.Chain.from_environment(environ={"RATTLER_AUTH_FILE": str(provider.file)})
        with authshim.install(requests.Session(), chain=chain) as session:
            return session.get(f"{provider.channel}/noarch/repodata.json", timeout=40).status_code

    return fetch


def test_pixi_and_python_renew_one_login_in_turns(
    provider: Provider, pixi: Callable, python: Callable
) -> None:
    provider.log_in(SHORT)
    tokens = [provider.entry["refresh_token"]]
    for _ in range(4):
        assert python() == 200
        tokens.append(provider.entry["refresh_token"])
        assert pixi() == "fetched"
        tokens.append(provider.entry["refresh_token"])
    assert len(set(tokens)) == 9
    assert provider.seen() == [("token", 200), ("channel", 200)] * 8


def test_token_renewed_by_another_process_is_used_while_valid(
    provider: Provider, pixi: Callable, python: Callable
) -> None:
    provider.log_in(LONG)
    provider.age()
    assert (python(), pixi(), python()) == (200, "fetched", 200)
    assert [what for what, _ in provider.seen()] == ["token", "channel", "channel", "channel"]
    provider.age()
    assert (pixi(), python(), pixi()) == ("fetched", 200, "fetched")
    assert [what for what, _ in provider.seen()] == ["token", "channel", "channel", "channel"]


def test_a_token_that_was_revoked_is_renewed_after_the_401(
    provider: Provider, pixi: Callable, python: Callable
) -> None:
    provider.log_in(LONG)
    provider.revoke("access_token")
    assert python() == 200
    assert provider.seen() == [("channel", 401), ("token", 200), ("channel", 200)]
    assert pixi() == "fetched"


def test_a_login_that_was_revoked_sends_neither_to_the_channel(
    provider: Provider, pixi: Callable, python: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    provider.log_in(LONG)
    provider.revoke("refresh_token")
    provider.age()
    before = provider.file.read_text()
    assert python() == 401
    assert provider.seen() == [("token", 400), ("channel, nobody", 401)]
    command = (
        "authshim auth login 127.0.0.1 --oauth "
        f"--oauth-issuer-url {provider.url} --oauth-client-id {LONG}"
    )
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [f"the login for 127.0.0.1 has ended: log in again: {command}"]
    assert pixi() != "fetched"
    assert {what for what, _ in provider.seen()} == {"token", "channel, nobody"}
    assert provider.file.read_text() == before


CHILD = """
import sys, authshim, requests
session = authshim.install(requests.Session())
print("ready", flush=True)
sys.stdin.readline()
print([session.get(sys.argv[1], timeout=40).status_code for _ in range(3)], flush=True)
"""


def test_processes_that_start_at_once_use_one_refresh_token(
    provider: Provider, pixi: Callable, python: Callable, home: Path
) -> None:
    provider.log_in(LONG)
    provider.age()
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environ = {
        "PATH": os.defpath,
        "HOME": str(home),
        "PYTHONPATH": path,
        "RATTLER_AUTH_FILE": str(provider.file),
    }
    command = [sys.executable, "-c", CHILD, f"{provider.channel}/noarch/repodata.json"]
    children = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
        )
        for _ in range(6)
    ]
    try:
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 6
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        assert [child.communicate(timeout=180)[0] for child in children] == [
            "[200, 200, 200]\n"
        ] * 6
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert [event for event in provider.seen() if event[0] == "token"] == [("token", 200)]
    provider.age()
    assert (pixi(), python()) == ("fetched", 200)


def test_the_providers_own_tokens_are_in_no_log(
    provider: Provider, python: Callable, no_secret: Callable
) -> None:
    provider.log_in(SHORT)
    before = provider.entry
    assert python() == 200
    for entry in (before, provider.entry):
        for name in ("access_token", "refresh_token"):
            no_secret(secret=entry[name])


def test_a_logout_revokes_the_login_at_the_server(provider: Provider, home: Path) -> None:
    provider.log_in(LONG)
    provider.file.chmod(0o600)
    entry = provider.entry
    environ = {**os.environ, "RATTLER_AUTH_FILE": str(provider.file)}
    command = [sys.executable, "-m", "authshim", "auth", "logout", "127.0.0.1"]
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(provider.file.read_text()) == {"h.example": {"BearerToken": "t"}}
    again = {
        "grant_type": "refresh_token",
        "refresh_token": entry["refresh_token"],
        "client_id": LONG,
    }
    refused = requests.post(f"{provider.url}/token", data=again, timeout=60)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_login_in_the_keychain_is_renewed_there_and_pixi_goes_on_with_it(
    provider: Provider, rattler: Rattler, tmp_path: Path
) -> None:
    from interop.keychain import items, private_keychain, store

    provider.log_in(SHORT)
    with private_keychain(tmp_path) as environ:
        store(environ, "127.0.0.1", json.dumps({"OAuth": provider.entry}))
        path = os.pathsep.join(entry for entry in sys.path if entry)
        code = (
            "import sys, authshim, requests; "
            "s = authshim.install(requests.Session()); print(s.get(sys.argv[1]))"
        )
        command = [sys.executable, "-c", code, f"{provider.channel}/noarch/repodata.json"]
        for _ in range(2):
            ended = subprocess.run(
                command, env={"PATH": os.defpath, **environ, "PYTHONPATH": path},
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (ended.stdout, ended.stderr) == ("<Response [200]>\n", "")
            assert rattler.fetch(provider.channel, environ) == "fetched"
        (item,) = items(environ, "127.0.0.1")  # whoever wrote last, it was over the other's
        assert "keyring:127.0.0.1@rattler" in item
    assert provider.seen() == [("token", 200), ("channel", 200)] * 4

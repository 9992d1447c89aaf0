"""The real ``keyring`` command, and a real keychain; tests/providers holds the tests with fakes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from interop.keychain import lock, private_bus, private_keychain, store
from leaks import assert_no_secret
from needs import missing

import authshim
from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.keyring_command import KeyringCommand
from authshim.providers.os_keychain import OSKeychain

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

URL = "https://h.example/simple"
SOURCE = str(Path(authshim.__file__).parents[1])


# The keyring command


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The command of this Python's environment, with keyrings.alt's file as its back end."""
    found = Path(sys.executable).with_name("keyring")
    if not found.exists():
        missing("no keyring command beside this Python: pip install keyring")
    pytest.importorskip("keyrings.alt.file")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return str(found)


@pytest.fixture
def kept(keyring: str) -> str:
    subprocess.run([keyring, "set", URL, "ada"], input="s3crét ".encode(), check=True, timeout=30)
    return keyring


def test_the_command_beside_this_python_is_found_and_answers(kept: str) -> None:
    assert KeyringCommand(search_path="").find(URL, "ada") == BasicHTTP("ada", "s3crét ")


def test_this_back_end_knows_nobody_without_a_username(kept: str) -> None:
    assert KeyringCommand(["keyring"], search_path=os.path.dirname(kept)).find(URL) is None


def test_unknown_login_is_a_miss(kept: str) -> None:
    command = KeyringCommand([kept], terminal=lambda: False)
    assert command.find("https://other.example/simple", "ada") is None
    assert command.find(URL, "bob") is None


def test_the_null_back_end_is_a_miss(keyring: str) -> None:
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    assert (
        KeyringCommand([keyring], environ=environ, terminal=lambda: False).find(URL, "ada") is None
    )


def test_no_back_end_is_told_by_the_last_line_of_its_traceback(keyring: str) -> None:
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    command = KeyringCommand([keyring], environ=environ, terminal=lambda: False)
    assert command.find(URL, "ada") is None
    assert command.problems[0].startswith(
        "keyring command: it failed with status 1: keyring.errors.NoKeyringError: "
    )


OLD = """\
#!/bin/sh
if [ "$1" = get ]; then shift; exec {keyring} get "$@"; fi
cat >&2 <<'END'
usage: keyring [-h] [-p KEYRING_PATH] [-b KEYRING_BACKEND] [--list-backends]
               [--disable] [--print-completion {{bash,zsh,tcsh}}]
               [{{get,set,del,diagnose}}] [service] [username]
keyring: error: argument operation: invalid choice: 'creds' \
(choose from 'get', 'set', 'del', 'diagnose')
END
exit 2
"""
"""Says what keyring 24.3.0 says, word by word."""


def test_a_keyring_of_before_25_2_is_asked_in_the_old_way(kept: str, tmp_path: Path) -> None:
    old = tmp_path / "old-keyring"
    old.write_text(OLD.format(keyring=kept))
    old.chmod(0o755)
    command = KeyringCommand([str(old)], terminal=lambda: False)
    assert command.find(URL, "ada") == BasicHTTP("ada", "s3crét ")
    assert command.find(URL, "bob") is None
    assert command.find(URL) is None


# The keychain


@pytest.fixture(scope="session")
def keychain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    pytest.importorskip("secretstorage")
    with private_keychain(tmp_path_factory.mktemp("keychain")) as environ:
        store(environ, "bearer.example", '{"BearerToken": "s3cret-1"}')
        store(
            environ, "*.basic.example", '{"BasicHTTP": {"username": "ada", "password": "s3crét"}}'
        )
        store(
            environ,
            "python.example",
            '{"CondaToken": "s3cret-2"}',
            application="Python keyring library",
        )
        store(environ, "twice.example", '{"BearerToken": "s3cret-3"}')
        store(
            environ,
            "twice.example",
            '{"BearerToken": "s3cret-3"}',
            application="Python keyring library",
        )
        store(environ, "broken.example", '{"BearerToken": "s3cret')
        yield environ


ASK = """\
import json, sys
from authshim.errors import ProviderError
from authshim.providers.os_keychain import OSKeychain
keychain = OSKeychain(deadline=20)
for key in sys.argv[1:]:
    try:
        found = keychain.find(key)
        print(json.dumps([found and found.to_json(), None]))
    except ProviderError as error:
        print(json.dumps([None, str(error)]))
print(json.dumps(keychain.problems))
"""


def ask(environ: dict[str, str], *keys: str) -> tuple[list[list[object]], list[str]]:
    """Ask in a process of its own; return credential and error for each key, and the problems."""
    command = [sys.executable, "-W", "error", "-c", ASK, *keys]
    done = subprocess.run(
        command,
        env={**environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    *answers, problems = map(json.loads, done.stdout.splitlines())
    return answers, problems


def test_entries_as_rattler_writes_them_are_read(keychain: dict[str, str]) -> None:
    answers, problems = ask(
        keychain, "bearer.example", "*.basic.example", "python.example", "no.example"
    )
    assert [found for found, _ in answers] == [
        {"BearerToken": "s3cret-1"},
        {"BasicHTTP": {"username": "ada", "password": "s3crét"}},
        {"CondaToken": "s3cret-2"},
        None,
    ]
    assert problems == []


def test_of_two_entries_that_match_one_is_taken(keychain: dict[str, str]) -> None:
    assert ask(keychain, "twice.example")[0] == [[{"BearerToken": "s3cret-3"}, None]]


def test_a_broken_entry_costs_itself_only(keychain: dict[str, str]) -> None:
    answers, problems = ask(keychain, "broken.example", "bearer.example")
    assert [found for found, _ in answers] == [None, {"BearerToken": "s3cret-1"}]
    assert problems == ["OS keychain: broken.example: is not JSON"]


def test_many_threads_and_a_fork_may_ask(keychain: dict[str, str], tmp_path: Path) -> None:
    code = """\
import os, sys
from concurrent.futures import ThreadPoolExecutor
from authshim.providers.os_keychain import OSKeychain
keychain = OSKeychain(deadline=20)
with ThreadPoolExecutor(8) as pool:
    assert len({found.header for found in pool.map(keychain.find, ["bearer.example"] * 24)}) == 1
child = os.fork()
if child == 0:
    os._exit(0 if keychain.find("bearer.example") else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environ = {**keychain, "PYTHONPATH": SOURCE}
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env=environ, timeout=60, check=False
        ).returncode
        == 0
    )


def test_a_locked_keychain_is_said_at_once(tmp_path: Path) -> None:
    with private_keychain(tmp_path) as environ:
        store(environ, "h.example", '{"BearerToken": "s3cret"}')
        lock(environ)
        assert ask(environ, "h.example")[0] == [
            [None, "cannot read OS keychain: it is locked: unlock it and try again"]
        ]


def test_a_bus_without_a_keychain_has_none(tmp_path: Path) -> None:
    with private_bus(tmp_path) as environ:
        assert ask(environ, "h.example")[0] == [
            [
                None,
                "no OS keychain here: no Secret Service (GNOME Keyring, KWallet) answers on D-Bus",
            ]
        ]


def test_without_a_bus_there_is_no_keychain() -> None:
    with pytest.raises(ProviderMissing, match="there is no D-Bus session"):
        OSKeychain().find("h.example")


@pytest.fixture
def mute_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Listens where a bus would be, takes every connection and says nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        listener.listen(8)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
        yield


@pytest.mark.usefixtures("mute_bus")
def test_a_bus_that_never_answers_is_not_waited_for() -> None:
    keychain = OSKeychain(deadline=0.2)
    for _ in range(2):
        with pytest.raises(ProviderError, match="it did not answer in time") as caught:
            keychain.find("h.example")
        assert not isinstance(caught.value, ProviderMissing)
        assert_no_secret(caught.value)


# authshim's own backend beside a real keychain


@pytest.fixture
def with_backend(keychain: dict[str, str]) -> dict[str, str]:
    """The environment of a user who has a keychain, and a login that rattler keeps in a file."""
    file = Path(keychain["HOME"]) / ".rattler" / "credentials.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps({"file.example": {"BasicHTTP": {"username": "bob", "password": "s3cret-4"}}})
    )
    return keychain


def run_keyring(
    environ: dict[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("keyring")), *words]
    return subprocess.run(
        command, env=environ, input=given, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("service", ["a service of its own", "https://own.example/simple/"])
def test_keyring_sets_gets_and_deletes_in_the_keychain(
    with_backend: dict[str, str], service: str
) -> None:
    assert run_keyring(with_backend, "set", service, "ada", given="s3cret").returncode == 0
    attributes = ["service", service, "username", "ada"]
    kept = subprocess.run(
        ["secret-tool", "lookup", *attributes], env=with_backend, capture_output=True, check=False
    )
    assert kept.stdout == b"s3cret"
    assert run_keyring(with_backend, "get", service, "ada").stdout == "s3cret\n"
    assert run_keyring(with_backend, "del", service, "ada").returncode == 0
    assert run_keyring(with_backend, "get", service, "ada").returncode == 1


def test_keyring_gets_the_logins_of_the_keychain_and_of_a_file(
    with_backend: dict[str, str],
) -> None:
    creds = ["--mode", "creds", "get"]
    assert run_keyring(with_backend, *creds, "https://a.basic.example/").stdout == "ada\ns3crét\n"
    assert (
        run_keyring(with_backend, *creds, "https://bearer.example/").stdout
        == "__token__\ns3cret-1\n"
    )
    assert (
        run_keyring(with_backend, *creds, "https://file.example/simple/").stdout
        == "bob\ns3cret-4\n"
    )


def test_a_login_of_the_keychain_is_behind_the_backend(with_backend: dict[str, str]) -> None:
    url = "https://file.example/simple/"
    assert run_keyring(with_backend, "set", url, "carol", given="s3cret-5").returncode == 0
    assert run_keyring(with_backend, "get", url, "carol").stdout == "s3cret-5\n"
    assert run_keyring(with_backend, "get", url, "bob").stdout == "s3cret-4\n"


def test_the_chain_and_the_backend_do_not_ask_each_other_in_turn(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    real = Path(sys.executable).with_name("keyring")
    (tmp_path / "keyring").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
    (tmp_path / "keyring").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    chain = authshim.Chain.from_environment()
    assert chain.find("https://ada@h.example/simple/") is None
    asked = [line.split()[-2] for line in log.read_text().splitlines()]
    assert len(asked) == len(set(asked))
    assert len(asked) <= 4

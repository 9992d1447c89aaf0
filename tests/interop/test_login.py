"""Pixi's own library sends logins that authshim stored, and the reverse.

tests/providers has the fakes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from interop.judge import REPODATA, Rattler, in_words
from interop.keychain import items, lock, private_bus, private_keychain, store

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers import Recorder

SOURCE = str(Path(authshim.__file__).parents[1])

IMPORTS = """\
from authshim.credentials import *
from authshim.providers.auth_file import AuthFile
from authshim.providers.os_keychain import OSKeychain
"""


def run(
    environ: Mapping[str, str], *arguments: str, given: str = "", seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    environ = {"PATH": os.environ["PATH"], **environ, "PYTHONPATH": SOURCE}
    return subprocess.run(
        command,
        env=environ,
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=environ["HOME"],
    )


def python(environ: Mapping[str, str], code: str) -> str:
    ended = run(environ, "-c", IMPORTS + code)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.fixture(scope="module")
def keychain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with private_keychain(tmp_path_factory.mktemp("keychain")) as environ:
        yield environ


@pytest.fixture(scope="module")
def rattler() -> Iterator[Rattler]:
    child = Rattler()
    yield child
    child.stop()


@pytest.fixture
def pixi_sends(rattler: Rattler, recorder: Recorder) -> Callable[..., str]:
    """Return what pixi sends to a host, in the judge's words."""
    recorder.default = REPODATA

    def ask(environ: Mapping[str, str], host: str) -> str:
        recorder.clear()
        rattler.fetch(f"http://{host}/c", {**environ, "http_proxy": recorder.url})
        return in_words(recorder, f"http://{host}/c")

    return ask


KINDS = {
    "bearer": ('BearerToken("tok")', "Bearer tok"),
    "basic": ('BasicHTTP("ada", "pässwörd€")', "Basic ada:pässwörd€"),
    "conda": ('CondaToken("tk")', "/t/tk before the path"),
    "oauth": ('OAuth("tok", None, None, "https://a.example/t", None, "c")', "Bearer tok"),
    "s3": ('S3Credentials("id", "key")', "nothing"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_the_keychain_is_what_pixi_sends(
    kind: str, keychain: dict[str, str], pixi_sends: Callable[..., str]
) -> None:
    made, sent = KINDS[kind]
    host = f"{kind}.example"
    python(keychain, f"OSKeychain().save('{host}', {made})")
    assert pixi_sends(keychain, host) == sent


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_a_file_is_what_pixi_sends(
    kind: str, home: Path, pixi_sends: Callable[..., str]
) -> None:
    made, sent = KINDS[kind]
    file = home / ".rattler" / "credentials.json"
    environ = {"HOME": str(home)}
    python(environ, f"AuthFile({str(file)!r}).save('*.h.example', {made})")
    assert pixi_sends(environ, "a.h.example") == sent


def test_an_item_has_the_attributes_that_rattler_gives_it(keychain: dict[str, str]) -> None:
    python(keychain, "OSKeychain().save('*.own.example', BearerToken('t'))")
    attributes = {"service": "rattler", "username": "*.own.example"}
    (item,) = items(keychain, "*.own.example")
    found, label, content_type = item.split("|")
    assert {
        name: value for name, value in eval(found).items() if name != "xdg:schema"
    } == attributes
    assert (label, content_type) == ("keyring:*.own.example@rattler", "text/plain")


BY_OTHERS = {
    "rattler": ({},),
    "keyring": ({"application": "Python keyring library"},),
    "both": ({}, {"application": "Python keyring library"}),
    "twice keyring": ({"application": "Python keyring library"}, {"application": "another"}),
}


@pytest.mark.parametrize("writers", BY_OTHERS)
def test_over_items_of_others_one_item_is_left_and_pixi_sends_it(
    writers: str, keychain: dict[str, str], pixi_sends: Callable[..., str]
) -> None:
    host = f"over-{writers.replace(' ', '-')}.example"
    for attributes in BY_OTHERS[writers]:
        store(keychain, host, '{"BearerToken": "old"}', **attributes)
    assert len(items(keychain, host)) == len(BY_OTHERS[writers])
    python(keychain, f"OSKeychain().save('{host}', BearerToken('new'))")
    (item,) = items(keychain, host)
    assert "application" not in item
    assert f"keyring:{host}@rattler" in item
    assert pixi_sends(keychain, host) == "Bearer new"


def test_an_item_that_rattler_writes_over_ours_stays_one(keychain: dict[str, str]) -> None:
    python(keychain, "OSKeychain().save('again.example', BearerToken('t'))")
    store(keychain, "again.example", '{"BearerToken": "newer"}')
    assert len(items(keychain, "again.example")) == 1
    found = python(keychain, "print(OSKeychain().find('again.example').token)")
    assert found == "newer\n"


def test_forgetting_removes_the_items_of_others_too(
    keychain: dict[str, str], pixi_sends: Callable[..., str]
) -> None:
    store(keychain, "gone.example", '{"BearerToken": "old"}')
    store(keychain, "gone.example", '{"BearerToken": "old"}', application="Python keyring library")
    code = "k = OSKeychain()\nprint(*[k.forget('gone.example') for _ in '12'])"
    assert python(keychain, code) == "True False\n"
    assert items(keychain, "gone.example") == []
    assert pixi_sends(keychain, "gone.example") == "nothing"


def test_listing_reads_no_secret(keychain: dict[str, str]) -> None:
    store(keychain, "listed.example", '{"BearerToken": "s3cret"}')
    code = """\
import secretstorage
import json
secretstorage.Item.get_secret = None
print(json.dumps(dict(OSKeychain().list())))
"""
    listed = json.loads(python(keychain, code))
    assert listed["listed.example"] is None


# The command line


def auth(
    environ: Mapping[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return run(environ, "-m", "authshim", "auth", *words, given=given)


LOGINS = {
    "token": (["--token", "-"], "BearerToken", "Bearer s3cret"),
    "basic": (["--username", "ada", "--password", "-"], "BasicHTTP", "Basic ada:s3cret"),
    "conda": (["--conda-token", "-"], "CondaToken", "/t/s3cret before the path"),
}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("where", ["OS keychain", "auth file ~/.rattler/credentials.json"])
def test_a_login_is_seen_by_pixi_until_the_logout(
    where: str,
    login: str,
    home: Path,
    pixi_sends: Callable[..., str],
    request: pytest.FixtureRequest,
) -> None:
    environ = request.getfixturevalue("keychain") if where == "OS keychain" else {"HOME": str(home)}
    words, kind, sent = LOGINS[login]
    ended = auth(environ, "login", "cycle.example", *words, given="s3cret\n")
    assert (ended.returncode, ended.stdout) == (
        0,
        f"stored the {kind} for *.cycle.example in {where}\n",
    )
    assert pixi_sends(environ, "repo.cycle.example") == sent
    token = auth(environ, "token", "repo.cycle.example")
    assert (token.returncode, token.stdout) == ((1, "") if login == "basic" else (0, "s3cret\n"))
    assert (
        auth(environ, "logout", "cycle.example").stdout == f"removed *.cycle.example from {where}\n"
    )
    assert pixi_sends(environ, "repo.cycle.example") == "nothing"


def test_a_login_with_pixi_is_seen_and_can_be_ended(
    keychain: dict[str, str], pixi_sends: Callable[..., str]
) -> None:
    store(keychain, "*.theirs.example", '{"BearerToken": "s3cret"}')
    assert auth(keychain, "token", "a.theirs.example").stdout == "s3cret\n"
    assert auth(keychain, "logout", "theirs.example").returncode == 0
    assert items(keychain, "*.theirs.example") == []
    assert pixi_sends(keychain, "a.theirs.example") == "nothing"


def test_status_lists_keychain_hosts_with_their_kind_and_no_secret(
    keychain: dict[str, str],
) -> None:
    store(keychain, "kinds.example", '{"BasicHTTP": {"username": "ada", "password": "s3cret"}}')
    (line,) = [
        line
        for line in auth(keychain, "status").stdout.splitlines()
        if line.startswith("kinds.example")
    ]
    assert line.split() == ["kinds.example", "(in", "the", "keychain)", "OS", "keychain"]
    (line,) = auth(keychain, "status", "kinds.example").stdout.splitlines()
    assert line.split() == ["kinds.example", "BasicHTTP", "ada", "OS", "keychain"]


def test_an_override_file_leaves_the_keychain_alone(
    keychain: dict[str, str], tmp_path: Path
) -> None:
    environ = {**keychain, "RATTLER_AUTH_FILE": str(tmp_path / "own.json")}
    assert auth(environ, "login", "aside.example", "--token", "-", given="s3cret").returncode == 0
    assert json.loads((tmp_path / "own.json").read_bytes()) == {
        "*.aside.example": {"BearerToken": "s3cret"}
    }
    assert items(keychain, "*.aside.example") == []


def test_a_locked_keychain_is_one_sentence_and_no_file_takes_its_place(tmp_path: Path) -> None:
    with private_keychain(tmp_path) as environ:
        store(environ, "h.example", '{"BearerToken": "s3cret"}')
        lock(environ)
        ended = [
            auth(environ, "login", "h.example", "--token", "-", given="s3cret"),
            auth(environ, "logout", "h.example"),
            auth(environ, "status"),
        ]
    assert [one.returncode for one in ended] == [1, 1, 1]
    locked = "cannot write to OS keychain: it is locked: unlock it and try again"
    assert ended[0].stderr == f"authshim: error: {locked}\n"
    assert ended[1].stderr.count("it is locked") == 1
    assert "cannot read OS keychain: it is locked" in ended[2].stdout
    assert not (tmp_path / ".rattler").exists()


def test_without_a_bus_a_login_goes_to_the_file_with_a_warning(tmp_path: Path) -> None:
    ended = auth({"HOME": str(tmp_path)}, "login", "h.example", "--token", "-", given="s3cret")
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [
        "authshim: no OS keychain here: there is no D-Bus session",
        "authshim: auth file ~/.rattler/credentials.json is not encrypted",
    ]
    assert (tmp_path / ".rattler" / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_a_bus_without_a_keychain_is_as_good_as_none(tmp_path: Path) -> None:
    with private_bus(tmp_path) as environ:
        ended = auth(environ, "login", "h.example", "--token", "-", given="s3cret")
    assert ended.returncode == 0
    assert "no Secret Service (GNOME Keyring, KWallet) answers on D-Bus" in ended.stderr


# The children are forks, which need not import again what their parent has imported.
MANY = """\
import multiprocessing, sys
import keyring.backends.SecretService, secretstorage, authshim.providers.os_keychain
from authshim.cli import main

def run(own):
    for number in range(3):
        for host in (f"{own}-{number}.many.example", "together.many.example"):
            assert main(["auth", "login", host, "--token", own]) == 0
    assert main(["auth", "logout", f"{own}-1.many.example"]) == 0

forks = multiprocessing.get_context("fork")
children = [forks.Process(target=run, args=[f"child{number}"]) for number in range(16)]
for child in children:
    child.start()
for child in children:
    child.join()
sys.exit(any(child.exitcode for child in children))
"""


def test_sixteen_processes_that_log_in_and_out_at_once_lose_no_entry(
    keychain: dict[str, str],
) -> None:
    ended = run(keychain, "-c", MANY, seconds=300)
    assert ended.returncode == 0, ended.stderr
    listed = json.loads(auth(keychain, "status", "--json").stdout)["entries"]
    keys = [entry["key"] for entry in listed if entry["key"].endswith(".many.example")]
    kept = [f"child{own}-{number}.many.example" for own in range(16) for number in (0, 2)]
    assert sorted(keys) == sorted([*kept, "together.many.example"])
    for key in ("together.many.example", "child7-0.many.example"):
        assert len(items(keychain, key)) == 1


def test_a_disk_that_is_full_is_one_sentence_and_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    file.write_text('{"other.example.com": {"BearerToken": "stays"}}')
    before = file.read_text()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": SOURCE,
        "RATTLER_AUTH_FILE": str(file),
    }
    # Python ignores SIGXFSZ, so that a write over the limit is an error like that of a full disk.
    script = (
        f"ulimit -f 0; exec {sys.executable} -m authshim auth login h.example.com --token s3cret"
    )
    ended = subprocess.run(
        ["sh", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "file too large" in ended.stderr
    assert file.read_text() == before


def test_a_login_for_a_port_goes_where_it_is_found_again(keychain: dict[str, str]) -> None:
    ended = auth(keychain, "login", "port.example:8080", "--token", "-", given="s3cret")
    assert "in auth file ~/.rattler/credentials.json" in ended.stdout
    assert auth(keychain, "token", "port.example:8080").stdout == "s3cret\n"
    assert items(keychain, "port.example:8080") == []

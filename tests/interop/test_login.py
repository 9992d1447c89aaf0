"""What authshim stores, pixi's own library sends; what others stored, authshim sends. tests/providers has the fakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from interop.judge import REPODATA, Rattler, in_words
from interop.keychain import private_keychain, store

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers import Recorder

SOURCE = str(Path(authshim.__file__).parents[1])

PYTHON = """\
import secretstorage, sys
with __import__("contextlib").closing(secretstorage.dbus_init()) as connection:
    for item in secretstorage.search_items(connection, {"service": "rattler", "username": sys.argv[1]}):
        print(item.get_attributes(), item.get_label(), item.get_secret_content_type(), sep="|")
"""


def run(environ: Mapping[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    environ = {"PATH": os.environ["PATH"], **environ, "PYTHONPATH": SOURCE}
    return subprocess.run(
        command, env=environ, input=given, capture_output=True, text=True, timeout=60, check=False, cwd=environ["HOME"]
    )


def python(environ: Mapping[str, str], code: str) -> str:
    ended = run(environ, "-c", "from authshim.credentials import *\n" + code)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def items(environ: Mapping[str, str], host: str) -> list[str]:
    return run(environ, "-c", PYTHON, host).stdout.splitlines()


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
    python(keychain, f"from authshim.providers.os_keychain import *\nOSKeychain().save('{host}', {made})")
    assert pixi_sends(keychain, host) == sent


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_a_file_is_what_pixi_sends(kind: str, home: Path, pixi_sends: Callable[..., str]) -> None:
    made, sent = KINDS[kind]
    file = home / ".rattler" / "credentials.json"
    environ = {"HOME": str(home)}
    python(environ, f"from authshim.providers.auth_file import *\nAuthFile({str(file)!r}).save('*.h.example', {made})")
    assert pixi_sends(environ, "a.h.example") == sent


def test_an_item_has_the_attributes_that_rattler_gives_it(keychain: dict[str, str]) -> None:
    python(
        keychain, "from authshim.providers.os_keychain import *\nOSKeychain().save('*.own.example', BearerToken('t'))"
    )
    attributes = {"service": "rattler", "username": "*.own.example"}
    (item,) = items(keychain, "*.own.example")
    found, label, content_type = item.split("|")
    assert {name: value for name, value in eval(found).items() if name != "xdg:schema"} == attributes
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
    python(keychain, f"from authshim.providers.os_keychain import *\nOSKeychain().save('{host}', BearerToken('new'))")
    (item,) = items(keychain, host)
    assert "application" not in item
    assert f"keyring:{host}@rattler" in item
    assert pixi_sends(keychain, host) == "Bearer new"


def test_an_item_that_rattler_writes_over_ours_stays_one(keychain: dict[str, str]) -> None:
    python(
        keychain, "from authshim.providers.os_keychain import *\nOSKeychain().save('again.example', BearerToken('t'))"
    )
    store(keychain, "again.example", '{"BearerToken": "newer"}')
    assert len(items(keychain, "again.example")) == 1
    found = python(
        keychain, "from authshim.providers.os_keychain import *\nprint(OSKeychain().find('again.example').token)"
    )
    assert found == "newer\n"


def test_forgetting_removes_the_items_of_others_too(keychain: dict[str, str], pixi_sends: Callable[..., str]) -> None:
    store(keychain, "gone.example", '{"BearerToken": "old"}')
    store(keychain, "gone.example", '{"BearerToken": "old"}', application="Python keyring library")
    code = "from authshim.providers.os_keychain import *\nk = OSKeychain()\nprint(*[k.forget('gone.example') for _ in '12'])"
    assert python(keychain, code) == "True False\n"
    assert items(keychain, "gone.example") == []
    assert pixi_sends(keychain, "gone.example") == "nothing"


def test_listing_reads_no_secret(keychain: dict[str, str]) -> None:
    store(keychain, "listed.example", '{"BearerToken": "s3cret"}')
    code = """\
import secretstorage
from authshim.providers.os_keychain import *
secretstorage.Item.get_secret = None
print(json.dumps(dict(OSKeychain().list())))
"""
    listed = json.loads(python(keychain, code))
    assert listed["listed.example"] is None

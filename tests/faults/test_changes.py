"""Files that change, vanish, lose their permissions or become another kind between two requests."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from chain_fakes import Clock, chain_with
from servers import Answer, Recorder, Seen

import authshim
from authshim import BasicHTTP
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files of POSIX")

KINDS = {
    ".rattler/credentials.json": lambda password: json.dumps(
        {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": password}}}
    ),
    ".netrc": lambda password: f"machine 127.0.0.1 login ada password {password}\n",
}


class Lodger:
    """Somebody whose home everybody may enter, and whose one file has a password for loopback."""

    def __init__(self, home: Path, name: str) -> None:
        self.file = home / name
        self._text = KINDS[name]
        self.file.parent.mkdir(exist_ok=True)
        self.keep("s3cret-1")

    def keep(self, password: str) -> None:
        """Write the file anew, whatever is there."""
        self.remove()
        self.file.write_text(self._text(password))
        self.file.chmod(0o600)

    def remove(self) -> None:
        if self.file.is_dir() and not self.file.is_symlink():
            self.file.rmdir()
        elif os.path.lexists(self.file):
            self.file.unlink()


@pytest.fixture(params=KINDS)
def lodger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lodger]:
    home = Path(tempfile.mkdtemp(prefix="authshim-test-"))
    home.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    yield Lodger(home, request.param)
    shutil.rmtree(home)


@pytest.fixture
def door(recorder: Recorder) -> Door:
    return Door(recorder)


class Door:
    """A server that lets in who knows its password."""

    def __init__(self, recorder: Recorder) -> None:
        self.url = recorder.url
        self.password = "s3cret-1"
        self.recorder = recorder
        recorder.default = Answer(401)
        recorder.on("/", self._answer)

    def _answer(self, seen: Seen) -> Answer:
        return Answer(200 if seen.authorization == BasicHTTP("ada", self.password).header else 401)


def device(lodger: Lodger) -> None:
    lodger.file.symlink_to("/dev/zero")


def loop(lodger: Lodger) -> None:
    lodger.file.symlink_to(lodger.file)


def huge(lodger: Lodger) -> None:
    with lodger.file.open("wb") as file:
        file.truncate(65 * 1024 * 1024)


BECOMES: dict[str, tuple[Callable[[Lodger], object], str]] = {
    "nothing": (lambda lodger: None, ""),
    "a folder": (lambda lodger: lodger.file.mkdir(), "it is not a regular file"),
    "a named pipe": (lambda lodger: os.mkfifo(lodger.file), "it is not a regular file"),
    "a device": (device, "it is not a regular file"),
    "a link to nothing": (lambda lodger: lodger.file.symlink_to("nothing"), ""),
    "a link to itself": (loop, "too many levels of symbolic links"),
    "too large": (huge, "it is larger than "),
}


@pytest.mark.parametrize(("become", "reason"), BECOMES.values(), ids=BECOMES)
def test_a_file_that_turns_into_something_else(
    become: Callable[[Lodger], object],
    reason: str,
    lodger: Lodger,
    door: Door,
    caplog: pytest.LogCaptureFixture,
    no_secret: Callable[..., None],
) -> None:
    """A found login stays until a server refuses it; then none is left until the file is back."""
    clock = Clock()
    session = authshim.install(requests.Session(), chain_with(clock))
    assert session.get(door.url).status_code == 200
    lodger.remove()
    become(lodger)
    clock.now += 10
    assert session.get(door.url).status_code == 200
    door.password = "s3cret-2"
    assert [session.get(door.url).status_code for _ in range(3)] == [401] * 3
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [reason in sentence for sentence in said] == ([True] if reason else [])
    lodger.keep("s3cret-2")
    clock.now += 1
    assert session.get(door.url).status_code == 200
    no_secret(said)


@pytest.fixture
def nobody() -> Iterator[Callable[[], None]]:
    """Root may read everything, so the test goes on as another."""
    me = os.geteuid()

    def become() -> None:
        if me == 0:
            os.seteuid(65534)

    yield become
    os.seteuid(me)


def test_a_file_that_loses_its_permissions(
    lodger: Lodger,
    door: Door,
    nobody: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    lodger.file.chmod(0o644)
    session = authshim.install(requests.Session(), chain_with(clock))
    session.get(door.url)  # whatever is imported late is imported now
    root = os.geteuid()
    nobody()
    assert session.get(door.url).status_code == 200
    os.seteuid(root)
    lodger.file.chmod(0)
    nobody()
    clock.now += 1
    assert session.get(door.url).status_code == 200
    door.password = "s3cret-2"
    assert [session.get(door.url).status_code for _ in range(2)] == [401] * 2
    assert [
        record.getMessage()
        for record in caplog.records
        if "permission denied" in record.getMessage()
    ]
    os.seteuid(root)
    door.password = "s3cret-1"
    lodger.file.chmod(0o644)
    nobody()
    clock.now += 1
    assert session.get(door.url).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"127.0.0.1": {"Basic', "\0" * 99, "\xff\xfe", 'machine "', "machine 127.0.0.1"],
)
def test_a_file_that_is_half_written_is_read_again_when_it_is_whole(
    text: str, lodger: Lodger, door: Door
) -> None:
    clock = Clock()
    session = authshim.install(requests.Session(), chain_with(clock))
    lodger.file.write_text(text)
    assert session.get(door.url).status_code == 401
    lodger.keep("s3cret-1")
    clock.now += 1
    assert session.get(door.url).status_code == 200


def test_a_password_changed_in_file_and_server_loses_no_request(lodger: Lodger, door: Door) -> None:
    session = authshim.install(requests.Session())
    for number in range(20):
        door.password = f"s3cret-{number}"
        lodger.keep(door.password)
        assert session.get(door.url).status_code == 200
    assert len(door.recorder.seen) == 20 + 19


def test_an_auth_file_is_whole_whenever_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    path, over = str(tmp_path / "auth.json"), threading.Event()
    tokens = [authshim.BearerToken(letter * 50_000) for letter in "ab"]
    AuthFile(path).save("h.example", tokens[0])

    def write() -> None:
        while not over.is_set():
            for token in tokens:
                AuthFile(path).save("h.example", token)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        chain = authshim.Chain([AuthFile(path)])
        for _ in range(200):
            found = chain.find("https://h.example/")
            assert found is not None
            assert found.credential in tokens
            chain.forget()
    finally:
        over.set()
        writer.join(60)

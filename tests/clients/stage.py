"""The server of the matrix: private indexes of several users, and a log of who was let in where.

====================  ==================================================================
``/a/simple/``        an index for ada, and ``/a/`` takes her uploads
``/b/simple/``        an index for bob
``/tokens/simple/``   an index for a token, also as the password of any user
``/channel/``         a channel for ada; each room has the pages of a channel
``/open/simple/``     an index for everybody
``/a/repo.git``       the source of a package, and so in each room
``/oauth/token``      renews the token
====================  ==================================================================
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from git_server import Repository
from servers import CHALLENGE, Answer, Recorder
from wheels import wheel

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Seen

PASSWORDS = {"ada": "s3cret-of-ada", "bob": "s3cret-of-bob"}
TOKEN = "s3cret-token"
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import shutil
def build_wheel(folder, config_settings=None, metadata_directory=None):
    shutil.copy({filename!r}, folder)
    return {filename!r}
"""
ROOMS = {"a": "ada", "b": "bob", "tokens": "token", "channel": "ada", "open": ""}


class Line(NamedTuple):
    """One request, as the log has it."""

    method: str
    path: str
    who: str
    """The user that was sent, "token", "token as USER", "wrong", or "" for nobody."""
    status: int


class Stage:
    """The server, which is told nothing of its clients."""

    def __init__(self, recorder: Recorder, folder: Path) -> None:
        self.log: list[Line] = []
        self._folder = folder
        self._repositories: dict[str, Repository] = {}
        self.port = recorder.port
        recorder.on("/*", self._answer)

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, room: str) -> str:
        return f"http://{self.netloc}/{room}/" + ("" if room == "channel" else "simple/")

    def _answer(self, seen: Seen) -> Answer:
        if seen.path == "/oauth/token":
            body = {
                "access_token": TOKEN,
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": "s3cret-again",
            }
            return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
        room = seen.path.split("/")[1]
        who = _who(seen.authorization)
        answer = CHALLENGE
        if _is_let_in(room, who):
            answer = self._served(room, seen)
        self.log.append(Line(seen.method, seen.path, who, answer.status))
        return answer

    def _served(self, room: str, seen: Seen) -> Answer:
        prefix = f"/{room}/repo.git"
        if not seen.path.startswith(f"{prefix}/"):
            return _served(room, seen)
        if room not in self._repositories:
            self._repositories[room] = _repository(room, self._folder / f"source-of-{room}")
        return self._repositories[room].answer(seen, prefix)


def _repository(room: str, folder: Path) -> Repository:
    backend = BACKEND.format(filename=filename(room))
    files = {
        "pyproject.toml": PROJECT,
        "backend.py": backend,
        filename(room): wheel(f"demo_{room}"),
    }
    return Repository(folder, files)


def _who(authorization: str | None) -> str:
    scheme, _, value = (authorization or "").partition(" ")
    if not value:
        return ""
    if scheme == "Bearer":
        return "token" if value == TOKEN else "wrong"
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "wrong"
    if password == TOKEN:
        return f"token as {user}"
    return user if PASSWORDS.get(user) == password else "wrong"


def _is_let_in(room: str, who: str) -> bool:
    wanted = ROOMS.get(room, "")
    return who.startswith("token") if wanted == "token" else wanted in ("", who)


def _served(room: str, seen: Seen) -> Answer:
    if seen.method == "POST":
        return Answer(200, b"")
    name = f"demo-{room}"
    path = seen.path.partition("?")[0]
    if path.endswith(".whl"):
        return Answer(200, wheel(f"demo_{room}"), {"Content-Type": "application/octet-stream"})
    if path == f"/{room}/simple/":
        return _page(f'<a href="{name}/">{name}</a>')
    if path.rstrip("/") == f"/{room}/simple/{name}":
        digest = hashlib.sha256(wheel(f"demo_{room}")).hexdigest()
        return _page(f'<a href="../../files/{filename(room)}#sha256={digest}">{filename(room)}</a>')
    if room == "channel" or path.endswith("/noarch/repodata.json"):
        return Answer(200, b"{}", {"Content-Type": "application/json"})
    return Answer(404, b"")


def _page(body: str) -> Answer:
    return Answer(
        200,
        f"<!DOCTYPE html><html><body>{body}</body></html>".encode(),
        {"Content-Type": "text/html"},
    )


def filename(room: str) -> str:
    """Return the name of the wheel of a room."""
    return f"demo_{room}-1.0-py3-none-any.whl"


def rooms_of(log: list[Line]) -> set[str]:
    """Return the private rooms that somebody was let into."""
    return {
        re.split("/", line.path)[1]
        for line in log
        if line.status == 200 and line.who not in ("", "wrong")
    }

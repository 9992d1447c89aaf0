"""The places that keep a login, each as the environment of a program that finds it there."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from clients.stage import PASSWORDS, TOKEN
from interop.keychain import private_keychain, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from clients.stage import Stage

VENDOR = '''\
"""A vendor's backend: it knows ada at one index, and nobody anywhere else."""

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

ROOT = {root!r}


class Vendor(KeyringBackend):
    priority = 9

    def get_credential(self, service, username):
        known = service.startswith(ROOT) and username in (None, "ada")
        return SimpleCredential("ada", {password!r}) if known else None

    def get_password(self, service, username):
        found = self.get_credential(service, username)
        return found and found.password

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
'''


class Setup(NamedTuple):
    """The needs of a place."""

    environ: dict[str, str]
    rooms: tuple[str, ...]
    """The rooms whose logins are kept there."""
    has_password: bool = False
    """The URL itself has the login."""


class Place(NamedTuple):
    """A place where a login can be kept."""

    name: str
    set_up: Callable[[Stage, Path], AbstractContextManager[Setup]]


def _base(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.pathsep.join(["/usr/bin", "/bin"]), "LANG": "C.UTF-8"}


def _keep(home: Path, entries: dict[str, Any]) -> None:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))


def _basic(user: str) -> dict[str, Any]:
    return {"BasicHTTP": {"username": user, "password": PASSWORDS[user]}}


@contextmanager
def _auth_file(stage: Stage, home: Path) -> Iterator[Setup]:
    rooms = {"a": "ada", "b": "bob", "channel": "ada"}
    _keep(home, {f"{stage.netloc}/{room}": _basic(user) for room, user in rooms.items()})
    yield Setup(_base(home), ("a", "b", "channel"))


@contextmanager
def _bearer(stage: Stage, home: Path) -> Iterator[Setup]:
    _keep(home, {"127.0.0.1": {"BearerToken": TOKEN}})
    yield Setup(_base(home), ("tokens",))


@contextmanager
def _oauth(stage: Stage, home: Path) -> Iterator[Setup]:
    login = {
        "access_token": "s3cret-expired",
        "refresh_token": "s3cret-refresh",
        "expires_at": 1,
        "token_endpoint": f"http://{stage.netloc}/oauth/token",
        "revocation_endpoint": None,
        "client_id": "rattler",
    }
    _keep(home, {"127.0.0.1": {"OAuth": login}})
    yield Setup(_base(home), ("tokens",))


@contextmanager
def _keychain(stage: Stage, home: Path) -> Iterator[Setup]:
    with private_keychain(home) as environ:
        store(environ, "127.0.0.1", json.dumps(_basic("ada")))
        yield Setup({**environ, **_base(home)}, ("a", "channel"))


@contextmanager
def _netrc(stage: Stage, home: Path) -> Iterator[Setup]:
    home.mkdir(parents=True, exist_ok=True)
    (home / ".netrc").write_text(f"machine 127.0.0.1 login ada password {PASSWORDS['ada']}\n")
    (home / ".netrc").chmod(0o600)
    yield Setup(_base(home), ("a", "channel"))


@contextmanager
def _vendor(stage: Stage, home: Path) -> Iterator[Setup]:
    """A backend of somebody else's, which every keyring of the test finds."""
    folder = home / "vendor"
    info = folder / "vendor-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "vendor_backend.py").write_text(
        VENDOR.format(root=f"http://{stage.netloc}/a/", password=PASSWORDS["ada"])
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vendor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keyring.backends]\nvendor = vendor_backend\n")
    yield Setup({**_base(home), "PYTHONPATH": str(folder)}, ("a",))


@contextmanager
def _url(stage: Stage, home: Path) -> Iterator[Setup]:
    home.mkdir(parents=True, exist_ok=True)
    yield Setup(_base(home), ("a",), has_password=True)


@contextmanager
def _stale(stage: Stage, home: Path) -> Iterator[Setup]:
    """A password that the server has changed since."""
    _keep(
        home, {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "s3cret-of-yesterday"}}}
    )
    yield Setup(_base(home), ("a",))


@contextmanager
def _nothing(stage: Stage, home: Path) -> Iterator[Setup]:
    home.mkdir(parents=True, exist_ok=True)
    yield Setup(_base(home), ("a",))


STALE = Place("stale password", _stale)
NOTHING = Place("nothing", _nothing)

PLACES = (
    Place("auth file", _auth_file),
    Place("auth file, token", _bearer),
    Place("OAuth entry", _oauth),
    Place("OS keychain", _keychain),
    Place("netrc", _netrc),
    Place("keyring command", _vendor),
    Place("URL of the index", _url),
)

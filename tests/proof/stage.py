"""The stage of the proofs: servers under any host name, a home to plant secrets in, a witness."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from leaks import told
from servers import Answer, Names, Recorder

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest
    from servers import Authority, Seen

SECRET = "s3cret~7Kq+9Zw=Xj"
"""Planted in every place that keeps credentials.

Its characters may stand in a header, and some are quoted in URLs and HTML.
"""

RENEWED = SECRET + "-renewed"

CHALLENGE = Answer(
    401, b"who are you?", {"WWW-Authenticate": 'Basic realm="private", Bearer realm="private"'}
)
"""The answer to a request without a credential, which leaves the kind of it open."""

GITHUB = "github-of-the-proofs.localhost"
"""The name of the server that plays GitHub."""

CALLER_WROTE_IT = ("requests", "urllib3", "http", "email")
"""Packages whose objects hold what the caller gave to requests, with or without authshim."""

_ACTS = frozenset(
    {"open", "subprocess.Popen", "os.putenv", "os.exec", "os.posix_spawn", "os.system"}
)


class Witness:
    """A record of files opened for writing, programs started and environment variables set.

    An audit hook cannot be taken away again, so there is one for all tests of a process.
    """

    def __init__(self) -> None:
        self.acts: list[tuple[str, tuple[object, ...]]] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, args: tuple[object, ...]) -> None:
        if self.acts is not None and event in _ACTS and (event != "open" or _is_for_writing(args)):
            self.acts.append((event, args))

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
        """Note what is done from here on."""
        self.acts = acts = []
        try:
            yield acts
        finally:
            self.acts = None


def _is_for_writing(args: tuple[object, ...]) -> bool:
    return isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))


class Servers:
    """One of each kind, for all tests of a process."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.origin, self.elsewhere = Recorder(), Recorder()
        self.origin_tls, self.elsewhere_tls = Recorder(ca=authority.ca), Recorder(ca=authority.ca)
        self.github = Recorder()
        self.silent = socket.create_server(("127.0.0.1", 0), backlog=1024)  # it never answers

    @property
    def recorders(self) -> tuple[Recorder, ...]:
        return self.origin, self.origin_tls, self.elsewhere, self.elsewhere_tls

    def stop(self) -> None:
        self.silent.close()
        for recorder in (*self.recorders, self.github):
            recorder.stop()


class Stage:
    """One test's view of the servers.

    a.example is the origin, of http and https. Every other name is elsewhere.
    """

    def __init__(self, servers: Servers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.servers = servers
        self.home = home
        self.monkeypatch = monkeypatch
        self.names = Names(monkeypatch)
        monkeypatch.setenv(
            "AUTHSHIM_KEYRING_COMMAND", "false"
        )  # which knows nothing, and sooner than keyring does
        self.asks = False
        """Whether the origin asks who somebody is before it answers."""
        for recorder in (*servers.recorders, servers.github):
            recorder.reset()
        self.names(servers.elsewhere)
        for port in (443, 8443):
            self.names(servers.elsewhere_tls, port=port)
        for recorder in servers.recorders:
            self.names(recorder, "127.0.0.1", recorder.port)
        for number in (1, servers.silent.getsockname()[1]):
            self.names.to_port(number, "127.0.0.1", number)
        self.names(servers.github, GITHUB)
        self.names(servers.origin, "proxy.example", 8080)
        self.names(servers.origin, "a.example", 80)
        self.names(servers.origin_tls, "a.example", 443)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file of the user's."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def keep(self, **entries: object) -> None:
        """Write rattler's own file; ``a_example`` stands for a.example."""
        text = json.dumps({key.replace("_", "."): entry for key, entry in entries.items()})
        self.write(".rattler/credentials.json", text)

    @property
    def received(self) -> dict[str, list[str]]:
        """The requests that reached each server, each as one text."""
        names = ("origin", "origin_tls", "elsewhere", "elsewhere_tls")
        return {
            name: [text_of(seen) for seen in recorder.seen]
            for name, recorder in zip(names, self.servers.recorders)
        }


def text_of(seen: Seen) -> str:
    """Return the target, the headers and the body of a request in one text."""
    # Not str(headers), which folds them as mail does: a tenth of the time of a matrix.
    headers = (f"{name}: {value}" for name, value in seen.headers.items())
    return "\n".join([seen.target, *headers, repr(seen.body)])


def written(acts: Iterable[tuple[str, tuple[object, ...]]]) -> Iterator[tuple[str, str]]:
    """Yield the files that were opened for writing, and what they hold now."""
    for path in dict.fromkeys(str(args[0]) for event, args in acts if event == "open"):
        with contextlib.suppress(OSError):
            yield path, Path(path).read_bytes().decode("latin-1")


def files_that_tell(home: Path) -> list[str]:
    """List the files below a folder that hold the secret."""
    paths = [path for path in home.rglob("*") if path.is_file()]
    return [
        str(path.relative_to(home))
        for path in paths
        if told(path.read_bytes().decode("latin-1"), SECRET)
    ]


def mounted(chain: authshim.Chain, **options: Any) -> requests.Session:
    """Return a session on which an adapter is mounted by hand."""
    session = requests.Session()
    adapter = authshim.AuthAdapter(chain, **options)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.mount("s3://", adapter)
    return session


def installed(chain: authshim.Chain, **options: Any) -> requests.Session:
    """Return a session that ``install`` has prepared."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(**options))
    return authshim.install(session, chain)

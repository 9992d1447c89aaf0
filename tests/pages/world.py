"""Every host that a page names, played by one proxy on loopback.

A company's DNS leads some programs past the proxy, to a server that takes uploads and has what
lies below ``/intranet/``. The proxy does not have that.

A request is let in if its password or token is ``s3cret``, or the token of an OAuth login. Below
``/ada/`` and ``/bob/`` only that user is. ``pypi.org`` and ``open.example`` let everybody in, and
``closed.example`` nobody. ``pypi.org`` does not have authshim, which comes from a folder. A bucket
lets in whoever signs with the key ``AKIAEXAMPLE``.

A path with ``/simple/`` is an index that has a wheel for every name, one below ``/files/`` such a
wheel, ``.git/`` a repository, ``repodata.json`` a channel. Uploads are taken. Google's metadata
server and AWS CodeArtifact hand out the tokens of their recordings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_server import Repository
from oauth.authorization_server import ACCESS, AuthorizationServer, User
from replay import codeartifact, google
from servers import CHALLENGE, Answer, Recorder
from wheels import wheel

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Seen

SECRET = "s3cret"
SECRETS = frozenset({SECRET, ACCESS})
OPEN = frozenset({"pypi.org", "files.pythonhosted.org", "open.example", "repo.anaconda.com"})
ISSUER = "https://id.example/realms/acme"
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"
CLOSED = frozenset({"closed.example"})
USERS = frozenset({"ada", "bob"})

REPODATA = b"""{"packages": {"demo-1.0-0.tar.bz2": {
    "name": "demo", "version": "1.0", "build": "0", "build_number": 0, "depends": []}}}"""
FILES = {
    "json": Answer(200, REPODATA, {"Content-Type": "application/json"}),
    "json.zst": Answer(404, b""),
    "csv": Answer(200, b"name,size\ndemo,1\n", {"Content-Type": "text/csv"}),
}
"""The answers by the end of a file's name."""
TEXT = Answer(200, b"ok\n", {"Content-Type": "text/plain"})
CLOUDS = (*google.SERVICE.routes, *codeartifact.SERVICE.routes)

_PROJECT = re.compile(r"/simple/([\w.-]+)/?$")


class World:
    """The proxy, the server beside it, and the requests that they let in."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.proxy = Recorder(ca=authority.ca, proxy=True)
        self.direct = Recorder(ca=authority.ca)
        self.certificates = authority.file
        self.let_in: list[str] = []
        self._folder = folder
        self._repositories: dict[str, Repository] = {}
        AuthorizationServer(self.proxy, "https://prefix.dev")
        self.user = User(AuthorizationServer(self.proxy, ISSUER))
        self.proxy.on("/*", self._answer)
        self.proxy.on("/intranet/*", Answer(404, b""))
        self.direct.default = Answer(404, b"")
        self.direct.on("/intranet/*", Answer(200, b"ok\n"))
        self.direct.on("/upload/*", self._answer)

    @property
    def ports(self) -> dict[str, int]:
        """The names that a company's DNS knows, each with its port, and the port of our server."""
        return {
            "proxy.acme.example:3128": self.proxy.port,
            "wheels.acme.example:443": self.direct.port,
            "h.example:443": self.direct.port,
        }

    def stop(self) -> None:
        """Stop the servers."""
        self.proxy.stop()
        self.direct.stop()

    def _answer(self, seen: Seen) -> Answer:
        host = (seen.host or "").partition(":")[0]
        for route in CLOUDS:
            asked = route.match(host, seen)
            if asked:
                return route.say(asked)
        segments = seen.path.split("/")[1:]
        if host in OPEN:
            return self._serve(host, seen)
        if host in CLOSED or not _opens(seen, segments):
            return CHALLENGE
        self.let_in.append(f"{host}{seen.path}")
        return self._serve(host, seen)

    def _serve(self, host: str, seen: Seen) -> Answer:
        path = urlsplit(seen.path).path
        if ".git/" in path:
            return self._repository(host).answer(seen, path[: path.index(".git/") + 4])
        if seen.method in ("POST", "PUT"):
            return Answer(200, b"")
        if path.endswith((".whl", ".tar.gz")):
            return Answer(200, wheel(path.rpartition("/")[2].partition("-")[0]))
        project = _PROJECT.search(path)
        if project:
            return _page(host, project[1])
        if path.rstrip("/").endswith("/simple"):
            return Answer(200, b"<!DOCTYPE html><a href=demo/>demo</a>", _HTML)
        return FILES.get(path.rpartition("/")[2].partition(".")[2], TEXT)

    def _repository(self, host: str) -> Repository:
        if host not in self._repositories:
            files = {"pyproject.toml": _PYPROJECT, "demo.py": ""}
            self._repositories[host] = Repository(self._folder / host, files)
        return self._repositories[host]


_HTML = {"Content-Type": "text/html"}
_PYPROJECT = '[project]\nname = "demo"\nversion = "1.0"\n'


def _opens(seen: Seen, segments: list[str]) -> bool:
    """Return True if a request has a secret, and the user that its path asks for."""
    if (seen.authorization or "").startswith(SIGNED):
        return True
    user, secret = _sent(seen, segments)
    if secret not in SECRETS:
        return False
    return segments[0] not in USERS or user == segments[0]


def _sent(seen: Seen, segments: list[str]) -> tuple[str, str]:
    """Return the user and the secret of a request."""
    if segments[0] == "t" and len(segments) > 1:
        return "", segments[1]
    scheme, _, value = (seen.authorization or "").partition(" ")
    if scheme != "Basic":
        return "", value
    try:
        user, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, secret or user


def _page(host: str, name: str) -> Answer:
    """Return the page of a project, which has one wheel beside the index."""
    if (host, name) == ("pypi.org", "authshim"):
        return Answer(404, b"")
    stem = re.sub(r"[-.]+", "_", name)
    digest = hashlib.sha256(wheel(stem)).hexdigest()
    file = f"{stem}-1.0-py3-none-any.whl"
    text = f'<!DOCTYPE html><a href="../../files/{file}#sha256={digest}">{file}</a>'
    return Answer(200, text.encode(), _HTML)

"""The scene of a measurement: an empty home, sources of any size, a transport without delay."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HOST = "h.example"
URL = f"https://{HOST}/simple/demo/"
USER, PASSWORD = "ada", "lovelace"

SEND_OPTIONS: dict[str, Any] = {
    "stream": False,
    "timeout": None,
    "verify": True,
    "cert": None,
    "proxies": {},
}
"""The options with which a Session calls its adapters."""

_KEPT = ("LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR")


@contextmanager
def empty_home() -> Iterator[str]:
    """Keep this machine's settings out: an empty home, no keychain, no proxies, few variables."""
    home = tempfile.mkdtemp(prefix="authshim-bench-")
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {
        "HOME": home,
        "USERPROFILE": home,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    try:
        with patch.dict(os.environ, {**kept, **own}, clear=True):
            yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def netrc(machines: int, host: str = HOST) -> str:
    """Write a netrc with ``host`` in its middle, and return its path."""
    login = f"login {USER} password {PASSWORD}"
    lines = [f"machine {name} {login}\n" for name in _among(machines, host)]
    return write(f"netrc-{machines}-{host}", "".join(lines))


def auth_file(hosts: int) -> str:
    """Write rattler's file, with HOST in its middle, and return its path."""
    entry = {"BasicHTTP": {"username": USER, "password": PASSWORD}}
    return write(f"auth-{hosts}.json", json.dumps(dict.fromkeys(_among(hosts, HOST), entry)))


def _among(hosts: int, host: str) -> list[str]:
    names = [f"m{number}.example" for number in range(hosts - 1)]
    names.insert(hosts // 2, host)
    return names


def write(name: str, text: str, *, mode: int = 0o600) -> str:
    """Write a file into the home, and return its path."""
    path = os.path.join(os.environ["HOME"], name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


class Canned(HTTPAdapter):
    """Answers at once what urllib3 might have read; all else is requests' own work."""

    def send(self, request: Any, *_: Any, **__: Any) -> Any:
        """Return 200 and a short page."""
        raw = HTTPResponse(
            io.BytesIO(b"ok"), {"Content-Type": "text/html"}, 200, preload_content=False
        )
        return self.build_response(request, raw)


class Server:
    """A process of ``benchmarks.server``, which so shares no lock with its clients."""

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, "-m", "benchmarks.server", json.dumps(options)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())  # type: ignore[union-attr]
        self.netloc = f"127.0.0.1:{self.port}"

    def counts(self) -> dict[str, int]:
        """Return how many requests it had, and how many it answered 401."""
        from http.client import HTTPConnection

        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/counts")
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def __enter__(self) -> Server:  # noqa: PYI034 - Self is of 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

"""A git repository behind HTTP Basic, served by git's own CGI program."""

from __future__ import annotations

import base64
import os
import subprocess
from typing import TYPE_CHECKING, Callable

from servers import CHALLENGE, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servers import Seen


class Repository:
    """A bare repository with one commit."""

    def __init__(self, folder: Path, files: Mapping[str, str | bytes]) -> None:
        self._bare = folder / "repo.git"
        work = folder / "work"
        work.mkdir(parents=True)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (work / name).write_bytes(data)
        self._git("init", "--quiet", "--initial-branch", "main", str(work))
        self._git("-C", str(work), "add", ".")
        self._git("-C", str(work), "commit", "--quiet", "--message", "Begin")
        self._git("clone", "--quiet", "--bare", str(work), str(self._bare))

    def protected(self, prefix: str, username: str, password: str) -> Callable[[Seen], Answer]:
        """Return a script that serves below a path if a request has a login."""
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()

        def answer(seen: Seen) -> Answer:
            if seen.authorization != f"Basic {pair}":
                return CHALLENGE
            return self.answer(seen, prefix)

        return answer

    def answer(self, seen: Seen, prefix: str) -> Answer:
        """Answer one request below a path."""
        path, _, query = seen.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._bare),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": seen.method,
            "PATH_INFO": path[len(prefix) :],
            "QUERY_STRING": query,
            "CONTENT_TYPE": seen.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(seen.body)),
            "HTTP_CONTENT_ENCODING": seen.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": seen.headers.get("Git-Protocol", ""),
        }
        words = ["git", "http-backend"]
        done = subprocess.run(
            words, env=environ, input=seen.body, stdout=subprocess.PIPE, check=True
        )
        return _of_cgi(done.stdout)

    def _git(self, *words: str) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@h.example"]
        subprocess.run(["git", *who, *words], check=True)


def _of_cgi(output: bytes) -> Answer:
    """Return the answer in the output of a CGI program (RFC 3875)."""
    head, _, body = output.partition(b"\r\n\r\n")
    fields = [line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")]
    headers = dict(fields)
    status = int(headers.pop("Status", "200").split()[0])
    return Answer(status, body, headers)

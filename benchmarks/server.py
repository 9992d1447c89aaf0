"""A quick private package index with threads: ``python -m benchmarks.server OPTIONS``.

OPTIONS is JSON: ``passwords`` that are let in, one after another, each for ``each`` requests
(0: for ever; []: nobody is let in). A page lists ``files`` files. ``/counts`` has the counters.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from base64 import b64encode
from contextlib import suppress
from functools import cache
from typing import Any

_LINK = "<a href='/files/{0}-{1}-py3-none-any.whl' data-core-metadata='true'>{0}-{1}</a>\n"


class Office:
    """Decides and counts."""

    def __init__(
        self, passwords: list[str], each: int = 0, user: str = "ada", files: int = 20
    ) -> None:
        self._headers = [
            b"Basic " + b64encode(f"{user}:{password}".encode()) for password in passwords
        ]
        self._each = each
        self._files = files
        self._served = 0
        self._requests = 0
        self._refused = 0
        self._lock = threading.Lock()

    def answer(self, head: bytes) -> bytes:
        """Return the whole answer to the head of a request."""
        if head.startswith(b"GET /counts "):
            return _answer(
                b"200 OK",
                json.dumps({"requests": self._requests, "refused": self._refused}).encode(),
            )
        with self._lock:
            is_let_in = self._is_let_in(head)
            self._requests += 1
            self._served += is_let_in
            self._refused += not is_let_in
        if is_let_in:
            return found(head.split(b" ", 2)[1].decode(), self._files)
        return _answer(
            b"401 Unauthorized", b"who are you?", b'WWW-Authenticate: Basic realm="private"\r\n'
        )

    def _is_let_in(self, head: bytes) -> bool:
        turn = self._served // self._each if self._each else 0
        wanted = self._headers[min(turn, len(self._headers) - 1)] if self._headers else None
        at = head.lower().find(b"\r\nauthorization: ")
        return at >= 0 and head[at + 17 :].partition(b"\r\n")[0] == wanted


@cache
def found(path: str, files: int = 20) -> bytes:
    """Return the response to an accepted login: a package's page, or the metadata of a file."""
    _, kind, name, *_ = f"{path}//".split("/")
    if kind == "files":
        name, version = name.split("-")[:2]
        return _answer(
            b"200 OK", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        )
    links = [_LINK.format(name.replace("-", "_"), version) for version in range(files)]
    return _answer(b"200 OK", f"<!DOCTYPE html><title>{name}</title>\n{''.join(links)}".encode())


def metadata_of(name: str) -> str:
    """Return the path of the metadata of a package's newest file."""
    return f"/files/{name.replace('-', '_')}-19-py3-none-any.whl.metadata"


def _answer(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\n%sContent-Length: %d\r\n\r\n" % (
        status,
        more,
        len(body),
    )
    return head + body


def _attend(connection: socket.socket, office: Office) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    read = b""
    with connection, suppress(OSError):
        while data := connection.recv(65536):
            *heads, read = (read + data).split(b"\r\n\r\n")
            for head in heads:
                connection.sendall(office.answer(head))


def _serve(options: dict[str, Any]) -> None:
    office = Office(**options)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=_attend, args=(listener.accept()[0], office), daemon=True).start()


if __name__ == "__main__":
    threading.Thread(target=_serve, args=(json.loads(sys.argv[1]),), daemon=True).start()
    sys.stdin.read()  # it ends with whoever started it

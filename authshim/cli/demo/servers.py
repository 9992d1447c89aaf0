"""The servers of ``authshim demo``: private package indexes and a channel, on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

FILE = "demo-1.0-py3-none-any.whl"
PAGE = f'<!DOCTYPE html><a href="/files/{FILE}">{FILE}</a>'.encode()
_REPODATA = {
    "info": {"subdir": "noarch"},
    "packages": {},
    "packages.conda": {},
}
REPODATA = json.dumps(_REPODATA).encode()


class Server(ThreadingHTTPServer):
    """A private server that accepts one header, or one ``/t/TOKEN`` in the path.

    Without either it refuses every request.
    """

    daemon_threads = True

    def __init__(
        self,
        *,
        header: str | None = None,
        segment: str | None = None,
        realm: str = "Basic",
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.header = header
        self.segment = segment
        self.challenge = f'{realm} realm="demo"'
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def netloc(self) -> str:
        """The host and port."""
        return f"127.0.0.1:{self.server_port}"

    def __enter__(self) -> Server:  # noqa: PYI034 - Self is of 3.11
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body go in one packet, else each answer waits 40 ms.
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        if not self._is_let_in():
            self._answer(401, b"", challenge=self.server.challenge)
        elif self.path.endswith("/repodata.json"):
            self._answer(200, REPODATA, "application/json")
        elif self.path.endswith(FILE):
            self._answer(200, b"nobody unpacks it", "application/octet-stream")
        elif "/simple" in self.path:
            self._answer(200, PAGE, "text/html")
        else:
            self._answer(404, b"")

    do_HEAD = do_GET

    def _is_let_in(self) -> bool:
        header, segment = self.server.header, self.server.segment
        by_header = header is not None and self.headers.get("Authorization") == header
        return by_header or (segment is not None and self.path.startswith(f"{segment}/"))

    def _answer(
        self,
        status: int,
        body: bytes,
        kind: str = "text/plain",
        challenge: str | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if challenge is not None:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Print nothing: the terminal is for the demo."""

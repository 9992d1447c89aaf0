"""Real HTTP servers on loopback for unit tests, and a way to reach them under any host name."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message
    from pathlib import Path

    import pytest


class Seen(NamedTuple):
    """A request that reached the server."""

    method: str
    target: str
    """The target of the request line: a path with its query, or for a proxy a whole URL."""
    headers: Message
    body: bytes
    peer: object = None
    """The client's end of the connection."""

    @property
    def path(self) -> str:
        """Path and query."""
        parts = urlsplit(self.target)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def authorization(self) -> str | None:
        return self.headers.get("Authorization")

    @property
    def host(self) -> str | None:
        return self.headers.get("Host")


class Answer(NamedTuple):
    """An answer of the server; ``Content-Length`` is added.

    A body that is no bytes is sent piece by piece, without its length. Then the connection ends.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b"ok"
    headers: dict[str, str] = {}


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status, b"", {"Location": location})


class Served:
    """A file that a good server sends whole or from a byte on (RFC 9110).

    Its answers end too early if a test wants so.
    """

    def __init__(self, data: bytes, tag: str = '"v1"') -> None:
        self.data = data
        self.headers = {"ETag": tag}
        self.ends: list[int] = []
        """After how many bytes each of the next answers ends; all are whole from then on."""

    def __call__(self, seen: Seen) -> Answer:
        tag, start, headers = self.headers.get("ETag"), 0, {**self.headers}
        asked = re.fullmatch("bytes=([0-9]+)-", seen.headers.get("Range", ""))
        if asked and seen.headers.get("If-Range", tag) == tag:
            start = int(asked.group(1))
            if start >= len(self.data):
                return Answer(416, b"", {"Content-Range": f"bytes */{len(self.data)}"})
            headers["Content-Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        rest = self.data[start:]
        headers["Content-Length"] = str(len(rest))
        return Answer(
            206 if start else 200, [rest[: self.ends.pop(0)] if self.ends else rest], headers
        )


CHALLENGE = Answer(401, b"who are you?", {"WWW-Authenticate": 'Basic realm="private"'})

Script = Union[Answer, Callable[[Seen], Optional[Answer]]]


class Recorder:
    """A threaded HTTP/1.1 server with keep-alive that notes requests and answers as it is told.

    ::

        # one after another; the last one stays
        recorder.on("/simple/", CHALLENGE, Answer(200, b"<html>"))
        recorder.on("/files/", lambda seen: Answer(200) if seen.authorization else CHALLENGE)
        requests.get(recorder.url + "/simple/")
        assert [seen.authorization for seen in recorder.seen] == [None]

    A path is the exact one without its query, or all below it if it ends with ``*``. ``default``
    answers for the other paths.
    """

    def __init__(self, ca: trustme.CA | None = None, *, proxy: bool = False) -> None:
        """Start to serve: http, or https where there is a ``ca``.

        :param proxy: speak http, and be any host for a client that asks for a tunnel to it.
        """
        self.default = Answer()
        self._scripts: dict[str, list[Script]] = {}
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        contexts = _contexts(ca) if ca else None
        self._server = _Server(
            self, None if proxy else contexts, tunnels=contexts if proxy else None
        )
        self.port = self._server.server_port
        self.url = f"{'https' if ca and not proxy else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.accept, daemon=True)
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        return not self._thread.is_alive()

    @property
    def seen(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    def on(self, path: str, *answers: Script) -> None:
        with self._lock:
            self._scripts[path] = list(answers)

    def knows(self, authority: str) -> bool:
        """Tell whether it opens a tunnel to ``host:port``."""
        return True

    def clear(self) -> None:
        """Forget the requests that were seen."""
        with self._lock:
            self._seen.clear()

    def hang_up(self) -> None:
        """End the connections, so that nothing of one test reaches the next one."""
        self._server.hang_up()

    def reset(self) -> None:
        """Forget what was seen, and what it was told to answer."""
        with self._lock:
            self._seen.clear()
            self._scripts.clear()
            self.default = Answer()

    def answer(self, seen: Seen) -> Answer:
        with self._lock:
            self._seen.append(seen)
            script = self._next(urlsplit(seen.target).path)
        # Not under the lock: a script may wait for another request.
        return (script(seen) if callable(script) else script) or self.default

    def _next(self, path: str) -> Script:
        prefixes = [key for key in self._scripts if key.endswith("*") and path.startswith(key[:-1])]
        key = path if path in self._scripts else max(prefixes, key=len, default=None)
        scripts = self._scripts.get(key or "", [self.default])
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)  # this wakes the thread that accepts
        self._server.hang_up()
        self._server.server_close()
        self._thread.join(5)


class Play(NamedTuple):
    """The bytes to send on one connection, and what follows them."""

    data: bytes
    then: str = "wait"
    """Wait for the test to end, or "close" or "reset" the connection.

    "deaf" closes it before anything is read.
    """


class Wire:
    """A server of bytes that reads one request of each connection, in turn, and does its play."""

    def __init__(self, *plays: bytes | Play) -> None:
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._plays = [play if isinstance(play, Play) else Play(play) for play in plays]
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.ExitStack() as kept, contextlib.suppress(OSError):
            for play in self._plays:
                connection, _ = self._listening.accept()
                kept.enter_context(connection)
                if play.then != "deaf":
                    self._read(connection)
                with contextlib.suppress(OSError):  # the client may have had enough
                    connection.sendall(play.data)
                if play.then == "reset":
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                if play.then != "wait":
                    connection.close()
            self.over.wait(120)

    def _read(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            chunk = connection.recv(65536)
            if not chunk:
                return
            request += chunk
        self.requests.append(request)

    def stop(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # one that waits for a connection is woken
        self._listening.close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        recorder: Recorder,
        context: ssl.SSLContext | None,
        *,
        tunnels: ssl.SSLContext | None = None,
    ) -> None:
        self.recorder = recorder
        self.context = context
        self.tunnels = tunnels
        self._open: dict[Any, Any] = {}
        """What has the socket of each connection, by the client's address."""
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def accept(self) -> None:
        """Serve until the socket is shut down.

        ``serve_forever`` would notice its end up to 20 ms late.
        """
        sys.settrace(None)
        with contextlib.suppress(OSError):
            while True:
                self.process_request(*self.get_request())

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open[client_address] = SimpleNamespace(request=request)
            self._changed.notify_all()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, without the tracer of coverage, which has nothing to see here."""
        sys.settrace(None)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.pop(client_address, None)
                self._changed.notify_all()

    def opened(self, handler: _Handler) -> None:
        """Let ``hang_up`` end the socket that the handler has just now."""
        with self._changed:
            self._open[handler.client_address] = handler

    def hang_up(self) -> None:
        """End the connections that were kept alive, and wait for their threads.

        Those that clients gave up before they were accepted come first: connections are accepted
        in their order, so a last one of our own is behind them.
        """
        with contextlib.suppress(OSError), socket.create_connection(self.server_address) as last:
            address = last.getsockname()
            with self._changed:
                self._changed.wait_for(lambda: address in self._open, 20)
        until = time.monotonic() + 5
        with self._changed:
            while self._open and time.monotonic() < until:
                for holder in self._open.values():
                    with contextlib.suppress(OSError):
                        holder.request.shutdown(socket.SHUT_RDWR)
                self._changed.wait(0.05)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or dislikes our certificate, is none of the test's business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024  # else each response waits 40 ms for Nagle
    disable_nagle_algorithm = (
        True  # else the first one over TLS does, behind the tickets of the session
    )
    timeout = 20
    server: _Server

    def setup(self) -> None:
        self.server.opened(self)
        if self.server.context:
            self.request.settimeout(self.timeout)
            self._wrap(self.server.context)
        super().setup()

    def _wrap(self, context: ssl.SSLContext) -> None:
        # The handshake comes later, so that the connection can be ended during it.
        self.request = context.wrap_socket(
            self.request, server_side=True, do_handshake_on_connect=False
        )
        try:
            self.request.do_handshake()
        except OSError:
            self.request.close()
            raise

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            if isinstance(self.request, ssl.SSLSocket):
                self.request.close()

    def do_CONNECT(self) -> None:
        """Open a tunnel whose other end is ourselves."""
        if self.server.tunnels is None or not self.server.recorder.knows(self.path):
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self._wrap(self.server.tunnels)
        self.connection = self.request
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", self.wbufsize)
        self.close_connection = False

    def _serve(self) -> None:
        body = self._body()
        answer = self.server.recorder.answer(
            Seen(self.command, self.path, self.headers, body, self.client_address)
        )
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        whole = isinstance(answer.body, bytes)
        if whole and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        if not whole and "Connection" not in answer.headers:
            self.send_header("Connection", "close")  # else the client might use it once more
        self.end_headers()
        if self.command != "HEAD":
            for piece in [answer.body] if whole else answer.body:
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Print nothing."""


@contextlib.contextmanager
def dripping(begin: bytes = b"HTTP/1.1 200 OK\r\nX-Long: ", rest: bytes = b"x") -> Iterator[str]:
    """Run a server whose answers are endless, as they are with a long head, and yield its URL."""
    ended = threading.Event()

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            until = time.monotonic() + 20
            with contextlib.suppress(OSError):
                self.request.sendall(begin)
                while not ended.wait(0.02) and time.monotonic() < until:
                    self.request.sendall(rest)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        ended.set()
        server.shutdown()
        thread.join(5)


@functools.cache
def _contexts(ca: trustme.CA) -> ssl.SSLContext:
    """Return a context that has a certificate for whatever name a client asks for."""
    made: dict[str, ssl.SSLContext] = {}
    lock = threading.Lock()

    def context(*names: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(*names).configure_cert(made)
        return made

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name:
            with lock:
                if name not in made:
                    try:
                        made[name] = context(name)
                    except ValueError:  # no name that a certificate can be for
                        return
            connection.context = made[name]

    default = context("127.0.0.1", "::1", "localhost")
    default.sni_callback = choose
    return default


class Authority:
    """A certificate authority, and the file that a client reads to trust it."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)


class Names:
    """A resolver, for this process, of host names to recorders.

    A name without a recorder refuses the connection.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import urllib3.util.connection as dialling

        self._dial = dialling.create_connection
        self._routes: dict[tuple[str | None, int | None], int] = {}
        self.dialled: list[tuple[str, int]] = []
        monkeypatch.setattr(dialling, "create_connection", self._create_connection)

    def __call__(
        self, recorder: Recorder, host: str | None = None, port: int | None = None
    ) -> Recorder:
        """Send what goes to ``host`` (any, if None) and ``port`` (any, if None) to ``recorder``."""
        self.to_port(recorder.port, host, port)
        return recorder

    def to_port(self, number: int, host: str | None = None, port: int | None = None) -> None:
        """Send what goes to ``host`` and ``port`` to a port of this machine."""
        self._routes[host, port] = number

    def _create_connection(
        self, address: tuple[str, int], *args: object, **options: object
    ) -> object:
        host, port = address
        self.dialled.append((host, port))
        number = self.find(host, port)
        if number is None:
            raise ConnectionRefusedError(f"no recorder answers for {host}:{port}")
        return self._dial(("127.0.0.1", number), *args, **options)

    def find(self, host: str | None, port: int | None) -> int | None:
        """Return the port of this machine that serves a host and port."""
        keys = ((host, port), (host, None), (None, port), (None, None))
        return next((self._routes[key] for key in keys if key in self._routes), None)

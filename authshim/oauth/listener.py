"""A server on this machine that takes the one redirect with which a browser ends a login."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from authshim.errors import SettingsError, UrlError
from authshim.secret import SecretHolder
from authshim.urls import is_loopback, parse

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CONNECTION_SECONDS = 10.0
"""Seconds after which a connection that sends nothing is closed."""

MAX_FIELDS = 20
"""Fields in the query of a redirect."""

PAGE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>authshim</title>
<p>You can close this. The terminal tells how the login ended.</p></html>
"""


class Redirect(SecretHolder):
    """The fields in the query of a redirect; one that stands there twice is left out."""

    __slots__ = ("fields",)

    def __init__(self, query: str) -> None:
        try:
            fields = parse_qs(query, max_num_fields=MAX_FIELDS)
        except ValueError:
            fields = {}
        self.fields = {}
        for name, values in fields.items():
            if len(values) == 1:
                self.fields[name] = values[0]


class Listener:
    """A server that takes one redirect.

    :param redirect_uri: an http URL of this machine, with a port; by default one with a free port
        and without a slash at its end, as rattler registers its own.
    :raises SettingsError: the URI is none of these, or its port is in use.
    """

    def __init__(self, redirect_uri: str | None = None) -> None:
        address = ("127.0.0.1", 0, "/")
        if redirect_uri is not None:
            address = _address(redirect_uri)
        try:
            self._server = _Server(*address)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(
                "--oauth-redirect-uri", f"cannot listen there: {reason.lower()}"
            ) from None
        own = f"http://127.0.0.1:{self._server.server_port}"
        self.redirect_uri = redirect_uri or own
        thread = Thread(
            target=self._server.serve_forever,
            args=(0.1,),
            daemon=True,
        )
        thread.start()

    def wait(
        self,
        seconds: float,
        tick: Callable[[float], object],
    ) -> Redirect | None:
        """Return the redirect, or None if it does not come in time.

        :param tick: is called about once a second, with the seconds that are left.
        """
        redirects = self._server.redirects
        until = time.monotonic() + seconds
        left = seconds
        while left > 0:
            tick(left)
            try:
                return redirects.get(timeout=min(1.0, left))
            except Empty:
                left = until - time.monotonic()
        return None

    def close(self) -> None:
        """Stop to listen."""
        self._server.shutdown()
        self._server.server_close()


def _address(redirect_uri: str) -> tuple[str, int, str]:
    """Return the host, the port and the path of a redirect URI."""
    if not _is_local(redirect_uri):
        raise SettingsError("--oauth-redirect-uri", "expected http://127.0.0.1:PORT/PATH")
    if urlsplit(redirect_uri).port is None:
        raise SettingsError("--oauth-redirect-uri", "expected a port, as in http://127.0.0.1:8000")
    parsed = parse(redirect_uri)
    host = parsed.host.strip("[]")
    if host.endswith("localhost"):
        host = "127.0.0.1"
    return host, parsed.port, parsed.path


def _is_local(redirect_uri: str) -> bool:
    try:
        parsed = parse(redirect_uri)
    except UrlError:
        return False
    if parsed.username is not None:
        return False
    if "?" in redirect_uri or "#" in redirect_uri:
        return False
    return parsed.scheme == "http" and is_loopback(parsed.host)


class _Server(ThreadingHTTPServer):
    """A server whose threads end with the process; a browser may open connections in advance."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
    ) -> None:
        import socket

        self.path = path
        self.redirects: SimpleQueue[Redirect] = SimpleQueue()
        self._is_taken = False
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def take(self, target: str) -> Redirect | None:
        """Return the redirect that a request target is, or None if it is another request."""
        path, _, query = target.partition("?")
        redirect = Redirect(query)
        if path != self.path or self._is_taken:
            return None
        if "state" not in redirect.fields:
            return None
        self._is_taken = True
        return redirect

    def handle_error(
        self,
        request: object,
        client_address: object,
    ) -> None:
        """Print nothing: a connection that breaks is no error of the login."""


class _Handler(BaseHTTPRequestHandler):
    timeout = MAX_CONNECTION_SECONDS
    server_version = "authshim"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        redirect = self.server.take(self.path)
        if redirect is None:
            self.send_error(404)
            return
        try:
            self._send_page()
        finally:
            self.server.redirects.put(redirect)

    def _send_page(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(PAGE)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing: a request line holds the code."""

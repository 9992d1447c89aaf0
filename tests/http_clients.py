"""The HTTP clients of ``authshim.integrations``, each behind the same two words: send, and run."""

from __future__ import annotations

import asyncio
import io
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from authshim import Chain


_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The servers speak http alone, and reading the certificates of the machine takes a while."""


class Wish(NamedTuple):
    """The options of a request."""

    method: str = "GET"
    body: Any = None
    headers: Mapping[str, str] = {}
    follow: bool = True


class Reply(NamedTuple):
    """A response, and the parts of it that a program may log."""

    status: int
    url: str
    headers: Any
    parts: tuple[object, ...]


class Httpx:
    """A client of httpx or httpx2."""

    broken = "ConnectError"
    theirs: tuple[str, ...] = (
        *("httpx", "httpx2", "httpcore", "httpcore2"),
        *("anyio", "asyncio", "h11", "ssl", "_ssl"),
    )
    """The packages of which a pool or a socket may hold the request until it is closed."""

    def __init__(self, name: str) -> None:
        self.library = pytest.importorskip(name)

    @property
    def error(self) -> type[Exception]:
        """The exception of a server that cannot be reached."""
        found: type[Exception] = getattr(self.library, self.broken)
        return found

    def stream(self) -> Any:
        """Return a body that can be read only once."""
        return iter([b"data"])

    def send(self, chain: Chain, url: str, **options: Any) -> Reply:
        """Send a request with a client that has just been logged in.

        :param options: those of ``Wish``.
        """
        from authshim.integrations.httpx import install

        made = self.library.Client(trust_env=False, verify=_TRUSTS_NOBODY, timeout=60)
        with install(made, chain) as client:
            return self._reply(client.request(**self._words(url, Wish(**options))))

    def _words(self, url: str, wish: Wish) -> dict[str, Any]:
        return {
            "method": wish.method,
            "url": url,
            "content": wish.body,
            "headers": wish.headers,
            "follow_redirects": wish.follow,
        }

    def _reply(self, response: Any) -> Reply:
        parts = (response, response.request, response.headers)
        return Reply(response.status_code, str(response.url), response.headers, parts)


class AsyncHttpx(Httpx):
    """An asynchronous client of httpx or httpx2."""

    def stream(self) -> Any:
        return _pieces()

    def send(self, chain: Chain, url: str, **options: Any) -> Reply:
        async def one(get: Callable[..., Awaitable[Reply]]) -> Reply:
            return await get(url, **options)

        return self.run(chain, one)

    def run(self, chain: Chain, program: Callable[..., Awaitable[Any]]) -> Any:
        """Run a program that gets a function ``get`` of a client that has just been logged in."""
        from authshim.integrations.httpx import install

        async def run() -> Any:
            made = self.library.AsyncClient(trust_env=False, verify=_TRUSTS_NOBODY, timeout=60)
            async with install(made, chain) as client:

                async def get(url: str, **options: Any) -> Reply:
                    words = self._words(url, Wish(**options))
                    return self._reply(await client.request(**words))

                return await program(get)

        return asyncio.run(run())


class Aiohttp(AsyncHttpx):
    """A session of aiohttp."""

    broken = "ClientConnectorError"
    theirs = ("aiohttp", "asyncio", "ssl", "yarl", "multidict")

    def run(self, chain: Chain, program: Callable[..., Awaitable[Any]]) -> Any:
        from authshim.integrations.aiohttp import AuthMiddleware

        async def run() -> Any:
            made = self.library.ClientSession(middlewares=[AuthMiddleware(chain)])
            async with made as session:

                async def get(url: str, **options: Any) -> Reply:
                    async with session.request(**self._words(url, Wish(**options))) as response:
                        await response.read()
                        return self._reply(response)

                return await program(get)

        return asyncio.run(run())

    def _words(self, url: str, wish: Wish) -> dict[str, Any]:
        return {
            "method": wish.method,
            "url": url,
            "data": wish.body,
            "headers": wish.headers,
            "allow_redirects": wish.follow,
        }

    def _reply(self, response: Any) -> Reply:
        info = response.request_info
        parts = (str(response), info, response.raw_headers, response.url)
        return Reply(response.status, str(response.url), response.headers, parts)


class Urllib:
    """An opener of urllib."""

    error = urllib.error.URLError
    theirs: tuple[str, ...] = ()

    def stream(self) -> Any:
        return io.BytesIO(b"data")

    def send(self, chain: Chain, url: str, **options: Any) -> Reply:
        wish = Wish(**options)
        headers = dict(wish.headers)
        if isinstance(wish.body, io.BytesIO):
            headers["Content-Length"] = "4"
        request = urllib.request.Request(url, wish.body, headers, method=wish.method)
        with self.open(chain, request, *([] if wish.follow else [_NoRedirect()])) as response:
            parts = (request, str(response), response.headers, response.url, response.msg)
            return Reply(response.status, response.url, response.headers, parts)

    def open(self, chain: Chain, url: str | urllib.request.Request, *handlers: Any) -> Any:
        """Open a URL, and return the response; a refusal is a response too."""
        from authshim.integrations.urllib import AuthHandler

        opener = urllib.request.build_opener(AuthHandler(chain), *handlers)
        try:
            return opener.open(url, timeout=60)
        except urllib.error.HTTPError as error:
            return error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


async def _pieces() -> AsyncIterator[bytes]:
    yield b"data"


SYNCHRONOUS: dict[str, Callable[[], Any]] = {
    "httpx": lambda: Httpx("httpx"),
    "httpx2": lambda: Httpx("httpx2"),
    "urllib": Urllib,
}
ASYNCHRONOUS: dict[str, Callable[[], Any]] = {
    "httpx async": lambda: AsyncHttpx("httpx"),
    "httpx2 async": lambda: AsyncHttpx("httpx2"),
    "aiohttp": lambda: Aiohttp("aiohttp"),
}

"""Serve aiohttp (3.12 and later) by a middleware, which sees each hop of a redirect.

    session = aiohttp.ClientSession(middlewares=[authshim.integrations.aiohttp.AuthMiddleware()])

aiohttp makes a new request for each hop. So the way to a URL is in the process-wide list of
Locations, as for a caller who follows them by hand. aiohttp itself makes a header of ``user@`` in
a URL, and of netrc with ``trust_env``. Such a header counts as set by the caller.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from authshim.concurrency import start_in_thread
from authshim.integrations.driver import ChainUser, Driver, joined
from authshim.lookup.locations import depart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from authshim.lookup.censor import Censor
    from authshim.lookup.naming import Trail


class AuthMiddleware(ChainUser):
    """A middleware that sends requests with the user's credentials."""

    def __call__(
        self,
        request: Any,
        handler: Callable[[Any], Awaitable[Any]],
    ) -> Awaitable[Any]:
        """Send a request, and send it again for as long as there is another credential."""
        driver = Driver(
            self.chain,
            _Request(request, handler),
            request.method,
            str(request.url),
            request.headers.get("Authorization"),
        )
        return driver.run_async(_in_thread)


class _Request:
    """A request, which has a credential only while it is sent.

    Its methods are those of ``driver.AsyncClientRequest``.
    """

    def __init__(
        self,
        request: Any,
        handler: Callable[[Any], Awaitable[Any]],
    ) -> None:
        self._request = request
        self._url = request.url
        self._handler = handler

    def can_resend(self) -> bool:
        """Return True for a body of bytes. Any other may be a stream that is read only once."""
        body = self._request.body
        if body is None:
            return True
        classes = {cls.__name__ for cls in type(body).__mro__}
        return not classes.isdisjoint({"bytes", "BytesPayload"})

    async def send(
        self,
        header: str | None,
        url: str | None,
    ) -> Any:
        """Send the request itself, and take the credential off it in any case."""
        request = self._request
        if url is not None:
            url_class = type(request.url)
            request.url = url_class(url, encoded=True)
        if header is not None:
            request.headers["Authorization"] = header
        try:
            return await self._handler(request)
        except BaseException as error:
            if url is not None and hasattr(error, "request_info"):
                self._clean_info(error, "request_info")
            raise
        finally:
            request.url = self._url
            if header is not None:
                request.headers.pop("Authorization", None)

    def status(self, response: Any) -> int:
        """Return the status of a response."""
        status: int = response.status
        return status

    def headers(self, response: Any) -> dict[str, str]:
        """Return the headers that an exchange reads. aiohttp follows a header URI too."""
        headers = response.headers
        location = headers.get("Location") or headers.get("URI", "")
        challenges = headers.getall("WWW-Authenticate", ())
        return joined(location, challenges)

    def follow(self, trail: Trail, location: str) -> None:
        """Note the way to a ``Location``, for which aiohttp makes a request of its own."""
        depart(
            trail,
            str(self._url),
            location,
            self._join,
        )

    def _join(self, _: str, location: str) -> str:
        """Return the URL of the next request, as aiohttp writes it."""
        url_class = type(self._url)
        target = url_class(location)
        return str(self._url.join(target))

    def clean(self, response: Any, censor: Censor) -> None:
        """Remove a token from the URL, the reason and the headers of a response."""
        self._clean_info(response, "_request_info")
        response.reason = censor.mask(response.reason)
        headers = response._headers
        cleaned = []
        raw = []
        for name, value in headers.items():
            text = censor.remove(value)
            cleaned.append((name, text))
            raw_name = name.encode("utf-8")
            raw_text = text.encode("utf-8", "surrogateescape")
            raw.append((raw_name, raw_text))
        # The headers are a read-only view of another class.
        view = type(headers)
        writable = type(headers.copy())
        response._headers = view(writable(cleaned))
        response._raw_headers = tuple(raw)
        # The cache may have the headers as they were.
        response._cache.clear()

    def _clean_info(self, holder: Any, name: str) -> None:
        """Put the caller's URL into the ``RequestInfo`` of a response or an exception."""
        info = getattr(holder, name)
        info_class = type(info)
        clean = info_class(
            self._url,
            info.method,
            info.headers,
            info.real_url,
        )
        setattr(holder, name, clean)
        if not isinstance(holder, BaseException):
            return
        args = list(holder.args)
        for position, arg in enumerate(args):
            if arg is info:
                args[position] = clean
        holder.args = tuple(args)

    async def discard(self, response: Any) -> None:
        """Give the connection of a response back."""
        response.release()


def _in_thread(work: Callable[[], Any]) -> Awaitable[Any]:
    future = start_in_thread(work)
    return asyncio.wrap_future(future)

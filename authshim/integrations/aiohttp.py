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
from authshim.lookup.naming import depart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from authshim.lookup.censor import Censor
    from authshim.lookup.naming import Trail


class AuthMiddleware(ChainUser):
    """A middleware that sends requests with the user's credentials."""

    def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Awaitable[Any]:
        """Send a request, and send it again for as long as there is another credential."""
        driver = Driver(
            self.chain,
            _Request(request, handler),
            request.method,
            str(request.url),
            authorization=request.headers.get("Authorization"),
        )
        return driver.run_async(_in_thread)


class _Request:
    """A request, which has a credential only while it is sent."""

    def __init__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> None:
        self._request = request
        self._url = request.url
        self._handler = handler

    def can_resend(self) -> bool:
        # Any other body may be a stream that can be read only once.
        body = self._request.body
        kinds = {kind.__name__ for kind in type(body).__mro__}
        return body is None or bool(kinds & {"bytes", "BytesPayload"})

    async def send(self, header: str | None, url: str | None) -> Any:
        request = self._request
        if url is not None:
            request.url = type(request.url)(url, encoded=True)
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
        status: int = response.status
        return status

    def headers(self, response: Any) -> dict[str, str]:
        headers = response.headers
        # aiohttp follows a header URI too.
        location = headers.get("Location") or headers.get("URI", "")
        return joined(location, headers.getall("WWW-Authenticate", ()))

    def follow(self, trail: Trail, location: str) -> None:
        depart(trail, str(self._url), location, self._join)

    def _join(self, _: str, location: str) -> str:
        """Return the URL of the next request, as aiohttp writes it."""
        return str(self._url.join(type(self._url)(location)))

    def clean(self, response: Any, censor: Censor) -> None:
        self._clean_info(response, "_request_info")
        response.reason = censor.mask(response.reason)
        headers = response._headers
        pairs = [(name, censor.remove(value)) for name, value in headers.items()]
        response._raw_headers = tuple(
            (name.encode("utf-8"), value.encode("utf-8", "surrogateescape"))
            for name, value in pairs
        )
        response._headers = type(headers)(type(headers.copy())(pairs))
        response._cache.clear()  # it may have the headers as they were

    def _clean_info(self, holder: Any, name: str) -> None:
        """Put the caller's URL into the ``RequestInfo`` of a response or an exception."""
        info = getattr(holder, name)
        clean = type(info)(self._url, info.method, info.headers, info.real_url)
        setattr(holder, name, clean)
        if isinstance(holder, BaseException):
            holder.args = tuple(clean if arg is info else arg for arg in holder.args)

    async def discard(self, response: Any) -> None:
        response.release()


def _in_thread(work: Callable[[], Any]) -> Awaitable[Any]:
    return asyncio.wrap_future(start_in_thread(work))

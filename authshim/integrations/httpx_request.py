"""A request of httpx or httpx2, as a ``Driver`` sends it. Neither library is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP
from authshim.integrations.driver import Driver
from authshim.lookup.censor import hide_request_lines
from authshim.lookup.locations import depart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from authshim.lookup.censor import Censor
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import Trail

NAMED_BY = "authshim: named by"
"""The key of ``request.extensions`` that carries the way to a URL. A redirect inherits it."""

_LOGGERS = (
    "httpcore.http11",
    "httpcore.http2",
    "httpcore2.http11",
    "httpcore2.http2",
)
"""The loggers that show the headers of responses."""


def driver_of(
    chain: Chain,
    request: Any,
    handle: Callable[[Any], Any],
) -> Driver:
    """Return the driver of a request.

    :param handle: sends a request and returns the response, or an awaitable of it.
    """
    authorization = None
    if "Authorization" in request.headers:
        authorization = _authorization(request)
    sender = _Request(request, handle)
    trail = request.extensions.get(NAMED_BY, ())
    driver = Driver(chain, sender, request.method, str(request.url), authorization, trail)
    if driver.trail:
        _carry(request, driver.trail)
    return driver


def _carry(request: Any, way: Trail) -> None:
    """Let a request carry the way to its URL, and each request that httpx makes of it."""
    request.extensions = {**request.extensions, NAMED_BY: way}


def _authorization(request: Any) -> str | None:
    """Return the header that the caller has set. httpx itself makes one of a lone ``user@``."""
    header: str = request.headers["Authorization"]
    user = request.url.userinfo
    if not user or b":" in user:
        return header
    if header == BasicHTTP(request.url.username, "").header:
        return None
    return header


class _Request:
    """A request. The caller's is never changed: a copy is sent.

    Its methods are those of ``driver.AsyncClientRequest``.
    """

    def __init__(
        self,
        request: Any,
        handle: Callable[[Any], Any],
    ) -> None:
        self._request = request
        self._handle = handle

    def can_resend(self) -> bool:
        """Return True for a body of bytes. Any other may be a stream that is read only once."""
        kind = type(self._request.stream)
        return kind.__name__ == "ByteStream"

    def send(
        self,
        header: str | None,
        url: str | None,
    ) -> Any:
        """Send a copy with a credential, or the request itself if there is none."""
        request = self._request
        if header is None and url is None:
            return self._handle(request)
        copy = object.__new__(type(request))
        copy.__dict__.update(request.__dict__)
        if url is not None:
            hide_request_lines(*_LOGGERS)
            url_class = type(request.url)
            copy.url = url_class(url)
        if header is not None:
            copy.headers = request.headers.copy()
            copy.headers["Authorization"] = header
        return self._handle(copy)

    def status(self, response: Any) -> int:
        """Return the status of a response."""
        status: int = response.status_code
        return status

    def headers(self, response: Any) -> Any:
        """Return the headers of a response."""
        return response.headers

    def follow(self, trail: Trail, location: str) -> None:
        """Let the request that httpx makes of this one carry the way to a ``Location``."""
        url = str(self._request.url)
        way = depart(trail, url, location)
        _carry(self._request, way)

    def clean(self, response: Any, censor: Censor) -> None:
        """Remove a token from the headers and the reason of a response."""
        cleaned = []
        for name, value in response.headers.multi_items():
            cleaned.append((name, censor.remove(value)))
        headers_class = type(response.headers)
        response.headers = headers_class(cleaned)
        phrase: bytes = response.extensions.get("reason_phrase", b"")
        written = phrase.decode("ascii", "replace")
        reason = censor.mask(written)
        response.extensions["reason_phrase"] = reason.encode("ascii", "replace")

    def discard(self, response: Any) -> Awaitable[None]:
        """Close a response of an asynchronous client."""
        closing: Awaitable[None] = response.aclose()
        return closing

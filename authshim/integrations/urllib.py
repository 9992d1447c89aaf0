"""Serve ``urllib.request`` by a handler that stands before the handlers of http and https.

    opener = urllib.request.build_opener(authshim.integrations.urllib.AuthHandler())
    urllib.request.install_opener(opener)  # urlopen uses it, and so does pandas

The caller's Request never has the header: the handler sends copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import BaseHandler, Request

from authshim.integrations.driver import ChainUser, Driver, joined
from authshim.lookup.locations import depart
from authshim.lookup.naming import CALLER, SERVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from authshim.lookup.censor import Censor
    from authshim.lookup.naming import Trail


class AuthHandler(ChainUser, BaseHandler):
    """A handler that sends requests with the user's credentials."""

    handler_order = 450
    """Behind ProxyHandler (100), before HTTPHandler (500)."""

    def http_open(self, request: Request) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        named_by = CALLER
        if request.unverifiable:
            named_by = SERVER
        visited = getattr(request, "redirect_dict", None)
        driver = Driver(
            self.chain,
            _Request(request, self._send),
            request.get_method(),
            request.full_url,
            request.get_header("Authorization"),
            getattr(visited, "trail", ()),
            named_by,
        )
        return driver.run()

    https_open = http_open

    def _send(self, request: Request) -> Any:
        """Let the next handler of the opener send a request."""
        handlers = self.parent.handle_open[request.type]  # type: ignore[attr-defined]
        next_one = handlers.index(self) + 1
        for handler in handlers[next_one:]:
            open_request = getattr(handler, f"{request.type}_open")
            response = open_request(request)
            if response is not None:
                return response
        raise URLError(f"no other handler of the opener sends {request.type} requests")


class _Visited(dict):  # type: ignore[type-arg]  # urllib keeps URLs and counts in it
    """The ``redirect_dict`` of a request, which the requests of all hops share."""

    trail: Trail = ()


class _Request:
    """A request. The caller's is never changed: a copy is sent.

    Its methods are those of ``driver.ClientRequest``.
    """

    def __init__(
        self,
        request: Request,
        handle: Callable[[Request], Any],
    ) -> None:
        self._request: Any = request
        self._handle = handle

    def can_resend(self) -> bool:
        """Return True for a body of bytes. Any other may be a stream that is read only once."""
        body = self._request.data
        return body is None or isinstance(body, bytes)

    def send(
        self,
        header: str | None,
        url: str | None,
    ) -> Any:
        """Send a copy of the request with a credential, or with none."""
        request = self._request
        sent = object.__new__(type(request))
        sent.__dict__.update(request.__dict__)
        if url is not None:
            sent.selector = self._selector(url)
        if header is not None:
            # urllib copies no such header to the request of a redirect.
            sent.unredirected_hdrs = {
                **request.unredirected_hdrs,
                "Authorization": header,
            }
        return self._handle(sent)

    def _selector(self, url: str) -> str:
        """Return the request target of a URL: the whole of it for a proxy, else its path."""
        is_proxied = self._request.selector == self._request.full_url
        if is_proxied:
            return url
        return Request(url).selector  # noqa: S310

    def status(self, response: Any) -> int:
        """Return the status of a response."""
        status: int = response.status
        return status

    def headers(self, response: Any) -> dict[str, str]:
        """Return the headers that an exchange reads."""
        headers = response.headers
        location = headers.get("Location", "")
        challenges = headers.get_all("WWW-Authenticate", ())
        return joined(location, challenges)

    def follow(self, trail: Trail, location: str) -> None:
        """Let the ``redirect_dict``, which the next request inherits, carry the way."""
        request = self._request
        visited = _Visited(getattr(request, "redirect_dict", {}))
        visited.trail = depart(trail, request.full_url, location)
        request.redirect_dict = visited

    def clean(self, response: Any, censor: Censor) -> None:
        """Remove a token from the headers and the reason of a response."""
        response.reason = censor.mask(response.reason)
        response.msg = censor.mask(response.msg)
        headers = response.headers
        cleaned = []
        for name, value in headers.items():
            cleaned.append((name, censor.remove(value)))
        for name in set(headers):
            del headers[name]
        # Setting a header adds one, so that repeated headers stay.
        for name, value in cleaned:
            headers[name] = value

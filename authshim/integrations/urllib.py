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
from authshim.lookup.naming import CALLER, SERVER, depart

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
        driver = Driver(
            self.chain,
            _Request(request, self._send),
            request.get_method(),
            request.full_url,
            authorization=request.get_header("Authorization"),
            trail=getattr(getattr(request, "redirect_dict", None), "trail", ()),
            named_by=SERVER if request.unverifiable else CALLER,
        )
        return driver.run()

    https_open = http_open

    def _send(self, request: Request) -> Any:
        """Let the next handler of the opener send a request."""
        handlers = self.parent.handle_open[request.type]  # type: ignore[attr-defined]
        for handler in handlers[handlers.index(self) + 1 :]:
            response = getattr(handler, f"{request.type}_open")(request)
            if response is not None:
                return response
        raise URLError(f"no other handler of the opener sends {request.type} requests")


class _Visited(dict):  # type: ignore[type-arg]  # urllib keeps URLs and counts in it
    """The ``redirect_dict`` of a request, which the requests of all hops share."""

    trail: Trail = ()


class _Request:
    """A request. The caller's is never changed: a copy is sent."""

    def __init__(self, request: Request, handle: Callable[[Request], Any]) -> None:
        self._request: Any = request
        self._handle = handle

    def can_resend(self) -> bool:
        body = self._request.data
        return body is None or isinstance(body, bytes)

    def send(self, header: str | None, url: str | None) -> Any:
        request = self._request
        sent = object.__new__(type(request))
        sent.__dict__.update(request.__dict__)
        if url is not None:
            is_proxied = request.selector == request.full_url
            sent.selector = url if is_proxied else Request(url).selector  # noqa: S310
        if header is not None:
            sent.unredirected_hdrs = {**request.unredirected_hdrs, "Authorization": header}
        return self._handle(sent)

    def status(self, response: Any) -> int:
        status: int = response.status
        return status

    def headers(self, response: Any) -> dict[str, str]:
        headers = response.headers
        challenges = headers.get_all("WWW-Authenticate", ())
        return joined(headers.get("Location", ""), challenges)

    def follow(self, trail: Trail, location: str) -> None:
        request = self._request
        visited = _Visited(getattr(request, "redirect_dict", {}))
        visited.trail = depart(trail, request.full_url, location)
        request.redirect_dict = visited

    def clean(self, response: Any, censor: Censor) -> None:
        response.reason = censor.mask(response.reason)
        response.msg = censor.mask(response.msg)
        pairs = [(name, censor.remove(value)) for name, value in response.headers.items()]
        for name in set(response.headers):
            del response.headers[name]
        for name, value in pairs:
            response.headers[name] = value

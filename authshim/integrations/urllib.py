"""Serve ``urllib.request`` by a handler that stands before the handlers of http and https.

    opener = urllib.request.build_opener(authshim.integrations.urllib.AuthHandler())
    urllib.request.install_opener(opener)  # urlopen uses it, and so does pandas

The caller's Request never has the header: the handler sends copies.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any
from urllib.request import BaseHandler, Request

from authshim.credentials import CondaToken
from authshim.lookup.censor import Censor, CleanErrors
from authshim.lookup.chain import chain_of
from authshim.lookup.exchange import REDIRECTS, Exchange
from authshim.lookup.naming import SERVER, arrive, depart

if TYPE_CHECKING:
    import os

    from authshim.credentials import Credential
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy, Trail
    from authshim.project.manifest import Manifest


class _Visited(dict):  # type: ignore[type-arg]  # urllib keeps URLs and counts in it
    """The ``redirect_dict`` of a request, which the requests of all hops share."""

    trail: Trail = ()


class AuthHandler(BaseHandler):
    """A handler that sends requests with the user's credentials."""

    handler_order = 450
    """Behind ProxyHandler (100), before HTTPHandler (500)."""

    def __init__(
        self,
        chain: Chain | None = None,
        *,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
    ) -> None:
        """Take a chain, or make one; the options are those of ``AuthAdapter``."""
        self.chain = chain_of(chain, manifest, environment)

    def http_open(self, request: Request) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        trail, named_by = _arrive(request)
        exchange = Exchange(
            self.chain,
            request.get_method(),
            request.full_url,
            authorization=request.get_header("Authorization"),
            named_by=named_by,
            can_resend=lambda: request.data is None or isinstance(request.data, bytes),
        )
        with CleanErrors(exchange.credentials):
            return self._drive(exchange, request, trail)

    https_open = http_open

    def _drive(self, exchange: Exchange, request: Request, trail: Trail) -> Any:
        credential = exchange.begin()
        kept = None
        while True:
            response = self._send(_with_credential(request, credential))
            if response is None:
                return None
            _clean(response, credential)
            _note_redirect(request, response, trail)
            credential = exchange.receive(response.status, _headers(response))
            if exchange.keeps:
                kept, response = response, kept
            if response is not None:
                response.close()
            if credential is None:
                return kept

    def _send(self, request: Request) -> Any:
        """Let the next handler of the opener send a request."""
        handlers = self.parent.handle_open[request.type]  # type: ignore[attr-defined]
        for handler in handlers[handlers.index(self) + 1 :]:
            response = getattr(handler, f"{request.type}_open")(request)
            if response is not None:
                return response
        return None


def _headers(response: Any) -> dict[str, str]:
    """Return the headers that the exchange reads."""
    if response.status < 300:
        return {}
    headers = response.headers
    challenges = headers.get_all("WWW-Authenticate", [])
    return {
        "WWW-Authenticate": ", ".join(challenges),
        "Location": headers.get("Location", ""),
    }


def _arrive(request: Request) -> tuple[Trail, NamedBy]:
    trail = getattr(getattr(request, "redirect_dict", None), "trail", ())
    if request.unverifiable and not trail:
        return (), SERVER
    return arrive(trail, request.full_url)


def _note_redirect(request: Any, response: Any, trail: Trail) -> None:
    if response.status not in REDIRECTS:
        return
    visited = _Visited(getattr(request, "redirect_dict", {}))
    visited.trail = depart(trail, request.full_url, response.headers.get("Location", ""))
    request.redirect_dict = visited


def _with_credential(request: Request, credential: Credential | None) -> Request:
    """Return a copy of a request with a credential; without one, the request itself."""
    if credential is None:
        return request
    sent = copy(request)
    if isinstance(credential, CondaToken):
        wire_url = credential.wire_url(request.full_url)
        is_proxied = request.selector == request.full_url
        sent.selector = wire_url if is_proxied else Request(wire_url).selector  # noqa: S310
    if credential.header is not None:
        sent.unredirected_hdrs = {
            **request.unredirected_hdrs,
            "Authorization": credential.header,
        }
    return sent


def _clean(response: Any, credential: Credential | None) -> None:
    """Remove a token of the URL from the answer of the server."""
    if not isinstance(credential, CondaToken):
        return
    censor = Censor(credential)
    response.reason = censor.mask(response.reason)
    response.msg = censor.mask(response.msg)
    pairs = [(name, censor.remove(value)) for name, value in response.headers.items()]
    for name in set(response.headers):
        del response.headers[name]
    for name, value in pairs:
        response.headers[name] = value

"""Serve aiohttp (3.12 and later) by a middleware, which sees each hop of a redirect.

    session = aiohttp.ClientSession(middlewares=[authshim.integrations.aiohttp.AuthMiddleware()])

aiohttp makes a new request for each hop. So the way to a URL is in the process-wide list of
Locations, as for a caller who follows them by hand. aiohttp itself makes a header of ``user@`` in
a URL, and of netrc with ``trust_env``. Such a header counts as set by the caller.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from authshim.concurrency import start_in_thread
from authshim.credentials import CondaToken
from authshim.lookup.censor import Censor, CleanErrors
from authshim.lookup.chain import chain_of
from authshim.lookup.exchange import REDIRECTS, Exchange
from authshim.lookup.naming import CALLER, arrive, depart, seen_locations

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable

    from authshim.credentials import Credential
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import Trail
    from authshim.project.manifest import Manifest


class AuthMiddleware:
    """A middleware that sends requests with the user's credentials."""

    def __init__(
        self,
        chain: Chain | None = None,
        *,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
    ) -> None:
        """Take a chain, or make one; the options are those of ``AuthAdapter``."""
        self.chain = chain_of(chain, manifest, environment)

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        url = str(request.url)
        trail: Trail = ()
        named_by = CALLER
        if seen_locations.origins:
            trail, named_by = arrive((), url)
        exchange = Exchange(
            self.chain,
            request.method,
            url,
            authorization=request.headers.get("Authorization"),
            named_by=named_by,
            can_resend=lambda: _is_in_memory(request.body),
        )
        with CleanErrors(exchange.credentials):
            return await _drive(exchange, request, handler, trail)


async def _drive(
    exchange: Exchange, request: Any, handler: Callable[[Any], Awaitable[Any]], trail: Trail
) -> Any:
    if exchange.is_cached:
        credential = exchange.begin()
    else:
        credential = await asyncio.wrap_future(start_in_thread(exchange.begin))
    kept = None
    while True:
        response = await _send(request, handler, credential)
        _note_redirect(request, response, trail)
        receive = partial(exchange.receive, response.status, _headers(response))
        if exchange.may_block(response.status):
            credential = await asyncio.wrap_future(start_in_thread(receive))
        else:
            credential = receive()
        if exchange.keeps:
            kept, response = response, kept
        if response is not None:
            response.release()
        if credential is None:
            return kept


def _headers(response: Any) -> dict[str, str]:
    """Return the headers that the exchange reads."""
    if response.status < 300:
        return {}
    headers = response.headers
    challenges = headers.getall("WWW-Authenticate", ())
    return {
        "WWW-Authenticate": ", ".join(challenges),
        "Location": headers.get("Location", ""),
    }


async def _send(
    request: Any, handler: Callable[[Any], Awaitable[Any]], credential: Credential | None
) -> Any:
    """Send a request with a credential, which the request has only for that time."""
    if credential is None:
        return await handler(request)
    url = request.url
    try:
        if isinstance(credential, CondaToken):
            request.url = type(url)(credential.wire_url(str(url)), encoded=True)
        if credential.header is not None:
            request.headers["Authorization"] = credential.header
        response = await handler(request)
    except BaseException as error:
        if isinstance(credential, CondaToken) and hasattr(error, "request_info"):
            _clean(error, "request_info", url)
        raise
    finally:
        request.url = url
        if credential.header is not None:
            request.headers.pop("Authorization", None)
    if isinstance(credential, CondaToken):
        _clean(response, "_request_info", url)
        _clean_words(response, Censor(credential))
    return response


def _clean(holder: Any, name: str, url: Any) -> None:
    """Put the caller's URL into the ``RequestInfo`` of a response or an exception."""
    info = getattr(holder, name)
    clean = type(info)(url, info.method, info.headers, info.real_url)
    setattr(holder, name, clean)
    if isinstance(holder, BaseException):
        holder.args = tuple(clean if arg is info else arg for arg in holder.args)


def _clean_words(response: Any, censor: Censor) -> None:
    """Remove the token from the answer of the server, which may repeat it."""
    response.reason = censor.mask(response.reason)
    headers = response._headers
    pairs = [(name, censor.remove(value)) for name, value in headers.items()]
    response._raw_headers = tuple(
        (name.encode("utf-8"), value.encode("utf-8", "surrogateescape")) for name, value in pairs
    )
    response._headers = type(headers)(type(headers.copy())(pairs))
    response._cache.clear()  # it may have the headers as they were


def _note_redirect(request: Any, response: Any, trail: Trail) -> None:
    if response.status in REDIRECTS:
        url = request.url
        location = response.headers.get("Location", "")
        # The next request has the URL as aiohttp writes it.
        depart(trail, str(url), location, lambda _, target: str(url.join(type(url)(target))))


def _is_in_memory(body: Any) -> bool:
    """Return True for a body of bytes, or none. Any other may be a stream."""
    kinds = {kind.__name__ for kind in type(body).__mro__}
    return body is None or bool(kinds & {"bytes", "BytesPayload"})

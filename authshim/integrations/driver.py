"""Send the request of an HTTP client as an ``Exchange`` says, with asyncio or without.

Each client has a class of its own for a request. It knows how the client sends, and where the
client keeps the way to a URL. It has no rule.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from authshim.credentials import CondaToken
from authshim.lookup.censor import Censor, cleaned
from authshim.lookup.exchange import REDIRECTS, Exchange, credentials_of, is_settled
from authshim.lookup.locations import arrive, seen_locations
from authshim.lookup.naming import CALLER
from authshim.lookup.options import chain_of, options_of
from authshim.secret import SecretHolder

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Protocol

    from authshim.credentials import Credential
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.chain import Chain
    from authshim.lookup.exchange import Headers
    from authshim.lookup.naming import NamedBy, Trail
    from authshim.project.manifest import Manifest

    InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
    """Runs a function in a thread, as an event loop does."""

    class ClientRequest(Protocol):
        """One request of a client. A redirect is another one."""

        def can_resend(self) -> bool:
            """Return True if the body can be sent again."""

        def send(self, header: str | None, url: str | None) -> Any:
            """Send the request and return the response, or an awaitable of it.

            :param header: the ``Authorization`` to add.
            :param url: the URL to send it to, in place of the request's own.
            """

        def status(self, response: Any) -> int:
            """Return the status of a response."""

        def headers(self, response: Any) -> Headers:
            """Return the headers of a response that is no success."""

        def follow(self, trail: Trail, location: str) -> None:
            """Let the request for a ``Location`` carry the way to it."""

        def clean(self, response: Any, censor: Censor) -> None:
            """Remove a token from a response, which may repeat the URL."""

    class AsyncClientRequest(ClientRequest, Protocol):
        """One request of a client for an event loop."""

        def discard(self, response: Any) -> Awaitable[None]:
            """Close a response."""


_NO_HEADERS: dict[str, str] = {}


class ChainUser:
    """A base of the integrations that have a chain, and remember the options it was made with."""

    def __init__(
        self,
        chain: Chain | None = None,
        *,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
    ) -> None:
        """Take a chain, or make one; the options are those of ``AuthAdapter``."""
        self.chain = chain_of(chain, manifest, environment)
        self.made_with = options_of(chain, manifest, environment)


class Driver(SecretHolder):
    """A driver that lets a client send one request, and makes an exchange if it has to."""

    __slots__ = (
        "_chain",
        "_credential",
        "_has_login",
        "_method",
        "_named_by",
        "_request",
        "_tried",
        "_url",
        "trail",
    )

    def __init__(
        self,
        chain: Chain,
        request: ClientRequest,
        method: str,
        url: str,
        authorization: str | None,
        trail: Trail = (),
        named_by: NamedBy = CALLER,
    ) -> None:
        """Take one request. A redirect is another one.

        :param authorization: the header that the caller has set.
        :param trail: the way to the URL that the request carries.
        :param named_by: who named the URL, if the request carries no way.
        """
        if trail or (named_by is CALLER and seen_locations.origins):
            trail, named_by = arrive(trail, url)
        self._chain = chain
        self._request = request
        self._method = method
        self._url = url
        self._has_login = authorization is not None
        self._named_by = named_by
        self._tried: list[CachedCredential] = []
        self._credential: Credential | None = None
        self.trail = trail

    # Both methods keep the credential in the driver: their own frames stay in an exception.

    def run(self) -> Any:
        """Send the request for as long as there is another credential, and return the response."""
        try:
            if not self._has_login:
                self._begin(self._chain.look_up(self._url, self._named_by))
            response = self._transmit()
            status, headers = self._take(response)
            if self._has_login or is_settled(self._chain, self._tried, status):
                return response
            return self._finish(response, status, headers)
        except BaseException as error:
            if not self._tried:
                raise
            failure = error
        try:
            raise cleaned(failure, credentials_of(self._tried))
        finally:
            del failure

    async def run_async(self, in_thread: InThread) -> Any:
        """Do the same in an event loop. A look-up that may block runs in a thread."""
        try:
            if not (self._has_login or self._look_up_cached()):
                await in_thread(self._look_up)
            response = await self._transmit()
            status, headers = self._take(response)
            if self._has_login or is_settled(self._chain, self._tried, status):
                return response
            return await self._finish_async(response, status, headers, in_thread)
        except BaseException as error:
            if not self._tried:
                raise
            failure = error
        try:
            raise cleaned(failure, credentials_of(self._tried))
        finally:
            del failure

    def _finish(self, response: Any, status: int, headers: Headers) -> Any:
        """Take the first response, and send the request again while the exchange says so."""
        exchange = self._exchange()
        kept = None
        while True:
            self._credential = exchange.receive(status, headers)
            kept, dropped = _choose(exchange, kept, response)
            if dropped is not None:
                dropped.close()
            if self._credential is None:
                return kept
            response = self._transmit()
            status, headers = self._take(response)

    async def _finish_async(
        self,
        response: Any,
        status: int,
        headers: Headers,
        in_thread: InThread,
    ) -> Any:
        """Do the same in an event loop. Only a refusal or a missing file asks a provider."""
        request: Any = self._request
        exchange = self._exchange()
        kept = None
        while True:
            receive = partial(exchange.receive, status, headers)
            if status < 400:
                self._credential = receive()
            else:
                self._credential = await in_thread(receive)
            kept, dropped = _choose(exchange, kept, response)
            if dropped is not None:
                await request.discard(dropped)
            if self._credential is None:
                return kept
            response = await self._transmit()
            status, headers = self._take(response)

    def _look_up(self) -> None:
        self._begin(self._chain.look_up(self._url, self._named_by))

    def _look_up_cached(self) -> bool:
        """Return True if the cache has answered, so that no provider is asked."""
        if self._named_by is not CALLER:
            return False
        is_known, found = self._chain.look_up_cached(self._url)
        self._begin(found)
        return is_known

    def _begin(self, found: CachedCredential | None) -> None:
        if found is not None:
            self._credential = found.credential
            self._tried.append(found)

    def _exchange(self) -> Exchange:
        return Exchange(
            self._chain,
            self._method,
            self._url,
            self._named_by,
            can_resend=self._request.can_resend,
            tried=self._tried,
        )

    def _transmit(self) -> Any:
        """Send the request with the credential, and return the response or an awaitable of it."""
        credential = self._credential
        if credential is None:
            return self._request.send(None, None)
        if isinstance(credential, CondaToken):
            return self._request.send(None, credential.wire_url(self._url))
        return self._request.send(credential.header, None)

    def _take(self, response: Any) -> tuple[int, Headers]:
        """Return the status and the headers of a response, without a token of the URL."""
        if isinstance(self._credential, CondaToken):
            self._request.clean(response, Censor(self._credential))
        status = self._request.status(response)
        if status < 300:
            return status, _NO_HEADERS
        headers = self._request.headers(response)
        if status in REDIRECTS:
            self._request.follow(self.trail, headers.get("Location", ""))
        return status, headers


def _choose(exchange: Exchange, kept: Any, response: Any) -> tuple[Any, Any]:
    """Return the response to keep, and the response to discard."""
    if exchange.keeps:
        return response, kept
    return kept, response


def joined(location: str, challenges: Iterable[str]) -> dict[str, str]:
    """Return the headers that an exchange reads, for a client that keeps repeated ones apart."""
    return {
        "Location": location,
        "WWW-Authenticate": ", ".join(challenges),
    }

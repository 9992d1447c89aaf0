"""Send the request of an HTTP client as an ``Exchange`` says, with asyncio or without.

Each client has a class of its own for a request. It knows how the client sends, and where the
client keeps the way to a URL. It has no rule.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from authshim.credentials import CondaToken
from authshim.lookup.censor import Censor, CleanErrors
from authshim.lookup.exchange import REDIRECTS, Exchange
from authshim.lookup.locations import arrive, seen_locations
from authshim.lookup.naming import CALLER
from authshim.lookup.options import chain_of, options_of

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Protocol

    from authshim.credentials import Credential
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


class Driver(Exchange):
    """An exchange that lets a client send."""

    __slots__ = ("_credential", "_request", "trail")

    def __init__(
        self,
        chain: Chain,
        request: ClientRequest,
        method: str,
        url: str,
        *,
        authorization: str | None,
        trail: Trail = (),
        named_by: NamedBy = CALLER,
    ) -> None:
        """Begin the exchange of one request.

        :param trail: the way to the URL that the request carries.
        :param named_by: who named the URL, if the request carries no way.
        """
        if trail or (named_by is CALLER and seen_locations.origins):
            trail, named_by = arrive(trail, url)
        super().__init__(
            chain,
            method,
            url,
            authorization=authorization,
            named_by=named_by,
            can_resend=request.can_resend,
        )
        self._credential: Credential | None = None
        self._request = request
        self.trail = trail

    # Both loops keep the credential in the driver: the frame that enters CleanErrors stays.

    def run(self) -> Any:
        """Send the request for as long as there is another credential, and return the response."""
        with CleanErrors(self.credentials):
            self._credential = self.begin()
            kept = None
            while True:
                response = self._transmit()
                self._credential = self.receive(*self._take(response))
                kept, dropped = self._choose(kept, response)
                if dropped is not None:
                    dropped.close()
                if self._credential is None:
                    return kept

    async def run_async(self, in_thread: InThread) -> Any:
        """Do the same in an event loop. A look-up that may block runs in a thread."""
        request: Any = self._request
        with CleanErrors(self.credentials):
            if self.is_cached:
                self._credential = self.begin()
            else:
                self._credential = await in_thread(self.begin)
            kept = None
            while True:
                response = await self._transmit()
                status, headers = self._take(response)
                if self.may_block(status):
                    receive = partial(self.receive, status, headers)
                    self._credential = await in_thread(receive)
                else:
                    self._credential = self.receive(status, headers)
                kept, dropped = self._choose(kept, response)
                if dropped is not None:
                    await request.discard(dropped)
                if self._credential is None:
                    return kept

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

    def _choose(self, kept: Any, response: Any) -> tuple[Any, Any]:
        """Return the response to keep, and the response to discard."""
        if self.keeps:
            return response, kept
        return kept, response


def joined(location: str, challenges: Iterable[str]) -> dict[str, str]:
    """Return the headers that an exchange reads, for a client that keeps repeated ones apart."""
    return {
        "Location": location,
        "WWW-Authenticate": ", ".join(challenges),
    }

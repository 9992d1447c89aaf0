"""Serve httpx and httpx2 by their transports, which see each hop of a redirect.

    client = authshim.integrations.httpx.install(httpx.Client())

Neither library is imported: a request makes its own copies. A login by ``auth=`` that answers a
challenge, as DigestAuth does, is not visible to a transport. Use a client of its own for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP, CondaToken
from authshim.errors import InstallError
from authshim.lookup.censor import Censor, CleanErrors, hide_request_lines
from authshim.lookup.chain import chain_of, options_of
from authshim.lookup.exchange import REDIRECTS, Exchange
from authshim.lookup.naming import CALLER, arrive, depart, seen_locations

if TYPE_CHECKING:
    import os
    from typing import Callable, TypeVar

    from authshim.credentials import Credential
    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Manifest

    AnyClient = TypeVar("AnyClient")
    Result = TypeVar("Result")

NAMED_BY = "authshim: named by"
"""The key of ``request.extensions`` that carries the way to a URL. A redirect inherits it."""


_LOGGERS = ("httpcore.http11", "httpcore.http2", "httpcore2.http11", "httpcore2.http2")
"""The loggers that show the headers of responses."""


class _Transport:
    """A transport around another one."""

    def __init__(
        self,
        inner: Any,
        chain: Chain | None = None,
        *,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
    ) -> None:
        """Wrap a transport of httpx or httpx2; the other options are those of ``AuthAdapter``."""
        self.inner = inner
        self.chain = chain_of(chain, manifest, environment)
        self.made_with = options_of(chain, manifest, environment)


class AuthTransport(_Transport):
    """A transport for ``Client`` that sends requests with the user's credentials."""

    def handle_request(self, request: Any) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        exchange = _exchange(self.chain, request)
        with CleanErrors(exchange.credentials):
            return self._drive(exchange, request)

    def _drive(self, exchange: Exchange, request: Any) -> Any:
        credential = exchange.begin()
        kept = None
        while True:
            response = self.inner.handle_request(_with_credential(request, credential))
            _clean(request, response, credential)
            credential = exchange.receive(response.status_code, response.headers)
            if exchange.keeps:
                kept, response = response, kept
            if response is not None:
                response.close()
            if credential is None:
                return kept

    def close(self) -> None:
        """Close the wrapped transport."""
        self.inner.close()

    def __enter__(self) -> Any:
        self.inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.inner.__exit__(*error)


class AsyncAuthTransport(_Transport):
    """A transport for ``AsyncClient``. A look-up that may block runs in a thread."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        exchange = _exchange(self.chain, request)
        with CleanErrors(exchange.credentials):
            return await self._drive(exchange, request)

    async def _drive(self, exchange: Exchange, request: Any) -> Any:
        if exchange.is_cached:
            credential = exchange.begin()
        else:
            credential = await _in_thread(exchange.begin)
        kept = None
        while True:
            response = await self.inner.handle_async_request(_with_credential(request, credential))
            _clean(request, response, credential)
            status = response.status_code
            if exchange.may_block(status):
                credential = await _in_thread(exchange.receive, status, response.headers)
            else:
                credential = exchange.receive(status, response.headers)
            if exchange.keeps:
                kept, response = response, kept
            if response is not None:
                await response.aclose()
            if credential is None:
                return kept

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self.inner.aclose()

    async def __aenter__(self) -> Any:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.inner.__aexit__(*error)


def install(
    client: AnyClient,
    chain: Chain | None = None,
    *,
    manifest: str | os.PathLike[str] | Manifest | None = None,
    environment: str | None = None,
) -> AnyClient:
    """Wrap the transports of a ``Client`` or ``AsyncClient``, and return the client.

    Its proxies, ``verify`` and limits stay, as the wrapped transports have them. A second call
    with equal options does nothing.

    :raises InstallError: the client was installed before with other options.
    """
    held: Any = client
    options = options_of(chain, manifest, environment)
    if isinstance(held._transport, _Transport):
        if held._transport.made_with == options:
            return client
        raise InstallError("this client was installed with other options: use another client")
    kind = AsyncAuthTransport if hasattr(client, "aclose") else AuthTransport
    first = kind(held._transport, chain, manifest=manifest, environment=environment)
    held._transport = first
    for pattern, transport in list(held._mounts.items()):
        if transport is not None:
            held._mounts[pattern] = kind(transport, first.chain)
    return client


def _exchange(chain: Chain, request: Any) -> Exchange:
    url = str(request.url)
    trail, named_by = request.extensions.get(NAMED_BY, ()), CALLER
    if trail or seen_locations.origins:
        trail, named_by = arrive(trail, url)
        request.extensions = {**request.extensions, NAMED_BY: trail}
    return Exchange(
        chain,
        request.method,
        url,
        authorization=_authorization(request),
        named_by=named_by,
        # Any other body may be a stream that can be read only once.
        can_resend=lambda: type(request.stream).__name__ == "ByteStream",
    )


def _authorization(request: Any) -> str | None:
    """Return the header that the caller has set. httpx itself makes one of a lone ``user@``."""
    if "Authorization" not in request.headers:
        return None
    header: str = request.headers["Authorization"]
    user = request.url.userinfo
    if not user or b":" in user:
        return header
    return None if header == BasicHTTP(request.url.username, "").header else header


def _with_credential(request: Any, credential: Credential | None) -> Any:
    """Return a copy of a request with a credential; without one, the request itself."""
    if credential is None:
        return request
    copy = object.__new__(type(request))
    copy.__dict__.update(request.__dict__)
    if isinstance(credential, CondaToken):
        hide_request_lines(*_LOGGERS)
        copy.url = type(request.url)(credential.wire_url(str(request.url)))
    if credential.header is not None:
        copy.headers = request.headers.copy()
        copy.headers["Authorization"] = credential.header
    return copy


def _clean(request: Any, response: Any, credential: Credential | None) -> None:
    """Remove a token of the URL from the answer of the server, and note a redirect."""
    if isinstance(credential, CondaToken):
        censor = Censor(credential)
        headers = response.headers
        cleaned = [(name, censor.remove(value)) for name, value in headers.multi_items()]
        response.headers = type(headers)(cleaned)
        reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
        response.extensions["reason_phrase"] = censor.mask(reason).encode("ascii", "replace")
    if response.status_code in REDIRECTS:
        trail = request.extensions.get(NAMED_BY, ())
        location = response.headers.get("Location", "")
        way = depart(trail, str(request.url), location)
        request.extensions = {**request.extensions, NAMED_BY: way}


async def _in_thread(work: Callable[..., Result], *args: Any) -> Result:
    """Run a look-up in a thread. If the request is cancelled, the look-up ends by itself."""
    from anyio import to_thread

    return await to_thread.run_sync(partial(work, *args), abandon_on_cancel=True)

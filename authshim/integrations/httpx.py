"""Serve httpx and httpx2 by their transports, which see each hop of a redirect.

    client = authshim.integrations.httpx.install(httpx.Client())

Neither library is imported: a request makes its own copies. A login by ``auth=`` that answers a
challenge, as DigestAuth does, is not visible to a transport. Use a client of its own for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import InstallError
from authshim.integrations.driver import ChainUser
from authshim.integrations.httpx_request import driver_of
from authshim.lookup.options import options_of

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Manifest

    AnyClient = TypeVar("AnyClient")


class _Transport(ChainUser):
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
        super().__init__(chain, manifest=manifest, environment=environment)
        self.inner = inner


class AuthTransport(_Transport):
    """A transport for ``Client`` that sends requests with the user's credentials."""

    def handle_request(self, request: Any) -> Any:
        """Send a request, and send it again for as long as there is another credential."""
        driver = driver_of(self.chain, request, self.inner.handle_request)
        return driver.run()

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

    def handle_async_request(self, request: Any) -> Awaitable[Any]:
        """Send a request, and send it again for as long as there is another credential."""
        driver = driver_of(self.chain, request, self.inner.handle_async_request)
        return driver.run_async(_in_thread)

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
    if isinstance(held._transport, _Transport):
        options = options_of(chain, manifest, environment)
        if held._transport.made_with == options:
            return client
        raise InstallError("this client was installed with other options: use another client")
    kind: type[_Transport] = AuthTransport
    if hasattr(client, "aclose"):
        kind = AsyncAuthTransport
    first = kind(
        held._transport,
        chain,
        manifest=manifest,
        environment=environment,
    )
    held._transport = first
    for pattern, transport in list(held._mounts.items()):
        if transport is not None:
            held._mounts[pattern] = kind(transport, first.chain)
    return client


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run a look-up in a thread. If the request is cancelled, the look-up ends by itself."""
    from anyio import to_thread

    return await to_thread.run_sync(work, abandon_on_cancel=True)

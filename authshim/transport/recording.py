"""A session that knows which credential it sent, for commands that explain a refusal.

No server can hold it up. It reads no body of a redirect or refusal, as such a body may have no end.
The heads of all responses to one question share a timeout. Look-ups do not count.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.lookup.exchange import last_sent
from authshim.transport import failures
from authshim.transport.adapter import AuthAdapter
from authshim.transport.session import install
from authshim.urls import parse
from authshim.urls.url import S3_SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import PreparedRequest, Response

    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.s3 import S3Route
    from authshim.lookup.trace import Found
    from authshim.settings.network import Proxies
    from authshim.transport.adapter import Options


class RecordingAdapter(AuthAdapter):
    """An adapter that remembers the credentials that it tried for its last request."""

    _own = AuthAdapter._own | {"_tried", "last_route"}

    def __init__(self, chain: Chain) -> None:
        self._tried: Sequence[CachedCredential] = ()
        self.last_route: S3Route | None = None
        """The endpoint and the keys of the last ``s3://`` URL."""
        super().__init__(chain, inner=_TimedAdapter(chain.circumstances.proxies))

    def session(self) -> requests.Session:
        """Return a session that sends all its requests with this adapter."""
        session = install(requests.Session(), self.chain)
        session.verify = self.chain.circumstances.certificates.path or True
        for scheme in ("https://", "http://", S3_SCHEME):
            session.mount(scheme, self)
        return session

    @property
    def last_credential(self) -> Found | None:
        """The credential that was sent last. A refused lone token does not count."""
        return last_sent(self._tried)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request as AuthAdapter does, and do not read the body of a redirect."""
        self._tried = ()
        response = super().send(request, *args, **options)
        if response.is_redirect:
            response.close()
        return response

    def drive(
        self,
        request: PreparedRequest,
        named_by: NamedBy,
        tried: list[CachedCredential],
        options: Options,
    ) -> Response:
        """Keep the list of credentials."""
        self._tried = tried
        return super().drive(request, named_by, tried, options)

    def route(self, request: PreparedRequest, named_by: NamedBy) -> S3Route:
        """Keep the route."""
        self.last_route = super().route(request, named_by)
        return self.last_route

    def discard(self, response: Response) -> None:
        """Close a response without reading its body."""
        response.close()


class _TimedAdapter(HTTPAdapter):
    """An HTTPAdapter that gives up on a head that trickles in, which resets any timeout.

    :param proxies: those of pixi's configuration, which replace all others.
    """

    elapsed = 0.0
    """The seconds on the wire since somebody set it to 0: before each question."""

    def __init__(self, proxies: Proxies | None) -> None:
        super().__init__()
        self._pixi_proxies = proxies

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        send = super().send
        if self._pixi_proxies is not None:
            url = parse(str(request.url))
            options["proxies"] = {url.scheme: self._pixi_proxies.find(url.scheme, url.host)}
        seconds = failures.MAX_TOTAL_SECONDS - self.elapsed
        started = time.monotonic()
        try:
            return call_with_timeout(
                seconds, lambda: send(request, *args, **options), late=requests.Response.close
            )
        except TimedOut:
            raise failures.TooSlow from None
        finally:
            self.elapsed += time.monotonic() - started

"""A session that knows which credential it sent, for commands that explain a refusal.

No server can hold it up. It reads no body of a redirect or refusal, as such a body may have no end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from authshim.lookup.exchange import last_sent
from authshim.transport.adapter import AuthAdapter
from authshim.transport.session import install
from authshim.transport.timed import TimedAdapter
from authshim.urls.url import S3_SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import PreparedRequest, Response

    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.s3 import S3Route
    from authshim.lookup.trace import Found
    from authshim.transport.adapter import Options


class RecordingAdapter(AuthAdapter):
    """An adapter that remembers the credentials that it tried for its last request."""

    _own = AuthAdapter._own | {"_tried", "last_route"}

    def __init__(self, chain: Chain) -> None:
        self._tried: Sequence[CachedCredential] = ()
        self.last_route: S3Route | None = None
        """The endpoint and the keys of the last ``s3://`` URL."""
        inner = TimedAdapter(chain.circumstances.proxies)
        super().__init__(chain, inner=inner)

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

    def send(
        self,
        request: PreparedRequest,
        *args: Any,
        **options: Any,
    ) -> Response:
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

    def route(
        self,
        request: PreparedRequest,
        named_by: NamedBy,
    ) -> S3Route:
        """Keep the route."""
        self.last_route = super().route(request, named_by)
        return self.last_route

    def discard(self, response: Response) -> None:
        """Close a response without reading its body."""
        response.close()

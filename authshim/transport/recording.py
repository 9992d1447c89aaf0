"""A session that knows which credential it sent, for commands that explain a refusal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials import S3Credentials
from authshim.transport import failures
from authshim.transport.adapter import AuthAdapter
from authshim.transport.session import install
from authshim.urls import parse
from authshim.urls.s3 import SCHEME

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.exchange import Exchange
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.s3 import S3Route
    from authshim.lookup.trace import Found
    from authshim.settings.network import Proxies


class RecordingAdapter(AuthAdapter):
    """An adapter that keeps the exchange of its last request.

    No server can hold it up. It reads no body of a redirect or refusal, as such a body may have
    no end. The heads of all responses to one question share a timeout. Look-ups do not count.
    """

    _own = AuthAdapter._own | {"_last", "_signed", "last_route"}

    def __init__(self, chain: Chain) -> None:
        self._last: Exchange | None = None
        self._signed: Found | None = None
        self.last_route: S3Route | None = None
        """The way of the last request for an ``s3://`` URL."""
        super().__init__(chain, inner=_TimedAdapter(chain.circumstances.proxies))

    def session(self) -> requests.Session:
        """Return a session that sends all its requests with this adapter."""
        session = install(_Session(self), self.chain)
        session.verify = self.chain.circumstances.certificates.path or True
        for scheme in ("https://", "http://", SCHEME):
            session.mount(scheme, self)
        return session

    @property
    def last_credential(self) -> Found | None:
        """The credential that was sent last. A refused lone token does not count."""
        if self._signed is not None:
            return self._signed
        last = self._last
        if last is None or not last.tried:
            return None
        sent = last.tried[-1]
        is_refused = sent.is_lone_token and not sent.accepted
        if is_refused or isinstance(sent.credential, S3Credentials):
            return None
        return sent.public

    @property
    def elapsed(self) -> float:
        """The seconds that the last question took, up to the head of its last response."""
        return failures.MAX_TOTAL_SECONDS - float(self.left)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request as AuthAdapter does, and do not read the body of a redirect."""
        self._last = self._signed = None
        response = super().send(request, *args, **options)
        if response.is_redirect:
            response.close()
        return response

    def exchange(self, request: PreparedRequest, named_by: NamedBy) -> Exchange:
        """Keep the exchange."""
        self._last = super().exchange(request, named_by)
        return self._last

    def route(self, request: PreparedRequest, named_by: NamedBy) -> S3Route:
        """Keep the keys."""
        self.last_route = None
        self.last_route = route = super().route(request, named_by)
        self._signed = route.found
        return route

    def discard(self, response: Response) -> None:
        """Close a response without reading its body."""
        response.close()


class _TimedAdapter(HTTPAdapter):
    """An HTTPAdapter that gives up on a head that trickles in, which resets any timeout.

    :param proxies: those of pixi's configuration, which replace all others.
    """

    left = failures.MAX_TOTAL_SECONDS
    """Seconds."""

    def __init__(self, proxies: Proxies | None = None) -> None:
        super().__init__()
        self._pixi_proxies = proxies

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        send = super().send
        if self._pixi_proxies is not None:
            options["proxies"] = _proxies_for(request, self._pixi_proxies)
        started = time.monotonic()
        try:
            return call_with_timeout(
                self.left, lambda: send(request, *args, **options), late=requests.Response.close
            )
        except TimedOut:
            raise failures.TooSlow from None
        finally:
            self.left -= time.monotonic() - started


class _Session(requests.Session):
    """A session that gives each question, with its redirects, the same timeout."""

    def __init__(self, adapter: RecordingAdapter) -> None:
        super().__init__()
        self._adapter = adapter

    def request(self, *args: Any, **options: Any) -> Response:
        self._adapter.left = failures.MAX_TOTAL_SECONDS
        return super().request(*args, **options)


def _proxies_for(request: PreparedRequest, config: Proxies) -> dict[str, str]:
    """Return the proxies of a request as requests has them, or none if its host bypasses them."""
    url = parse(str(request.url))
    proxy = config.find(url.scheme, url.host)
    return {url.scheme: proxy} if proxy else {}

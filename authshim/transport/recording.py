"""A session that knows which credential it sent, for those who have to say why it was refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials import S3Credentials
from authshim.transport import failures
from authshim.transport.adapter import AuthAdapter
from authshim.transport.session import install

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.transport.adapter import Options


class RecordingAdapter(AuthAdapter):
    """Remembers what it sent last, so that nobody has to guess which credential was refused.

    No server holds it: the page that comes with a redirect or a refusal is not read, as it may have no end, and
    the heads of all answers are bounded in time together. What the chain takes is not counted.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        self.sent: list[Found] = []
        self.left = failures.TOTAL_TIMEOUT
        """Seconds."""

    def session(self) -> requests.Session:
        """Return a session that sends all its requests this way."""
        session = install(_Session(self), self.chain)
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)
        return session

    @property
    def last_credential(self) -> Found | None:
        """The credential that was sent last; S3 keys are none for http, nor is a lone token that was refused."""
        found = self.sent[-1] if self.sent else None
        if found is None or isinstance(found.credential, S3Credentials):
            return None
        is_refused = found.is_lone_token and not found.accepted
        return None if is_refused else found

    @property
    def elapsed(self) -> float:
        """The seconds that the last question spent on the wire, up to the head of its last answer."""
        return failures.TOTAL_TIMEOUT - self.left

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request, as the adapter does."""
        self.sent = []
        response = super().send(request, *args, **options)
        if response.is_redirect:
            response.close()
        return response

    def _exchange(self, request: PreparedRequest, options: Options, tried: list[Found]) -> Response:
        self.sent = tried
        return super()._exchange(request, options, tried)

    def _put_aside(self, response: Response) -> None:
        response.close()

    def _transmit(self, *args: Any) -> Response:
        """Send in a thread of its own: a head that comes byte by byte keeps no timeout."""
        send = super()._transmit
        started = time.monotonic()
        try:
            return call_with_timeout(self.left, lambda: send(*args), late=requests.Response.close)
        except TimedOut:
            raise failures.TooSlow from None
        finally:
            self.left -= time.monotonic() - started


class _Session(requests.Session):
    """Gives each question, with all that it is redirected to, the same time."""

    def __init__(self, adapter: RecordingAdapter) -> None:
        super().__init__()
        self._adapter = adapter

    def request(self, *args: Any, **options: Any) -> Response:
        self._adapter.left = failures.TOTAL_TIMEOUT
        return super().request(*args, **options)

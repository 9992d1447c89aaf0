"""A session that knows which credential it sent, for those who have to say why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from authshim.adapter import AuthAdapter, install
from authshim.credentials import S3Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import PreparedRequest, Response

    from authshim.chain import Chain
    from authshim.trace import Found

_AT_ONCE = 64 * 1024


class Witness(AuthAdapter):
    """Remembers what it sent last, so that nobody has to guess which credential was refused.

    The page that comes with a redirect is not read: it may have no end.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        self.sent: list[Found] = []

    def session(self) -> requests.Session:
        """Return a session that sends all its requests this way."""
        session = install(requests.Session(), self.chain)
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)
        return session

    @property
    def found(self) -> Found | None:
        """The credential that was sent last; S3 keys are none for http."""
        found = self.sent[-1] if self.sent else None
        return None if found is not None and isinstance(found.credential, S3Credentials) else found

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request, as the adapter does."""
        self.sent = []
        response = super().send(request, *args, **options)
        if response.is_redirect:
            response.close()
        return response

    def _exchange(self, request: PreparedRequest, options: dict[str, Any], tried: list[Found]) -> Response:
        self.sent = tried
        return super()._exchange(request, options, tried)


def as_it_comes(response: Response, *, decode: bool) -> Iterator[bytes]:
    """Yield of a body what has arrived, so that one that trickles in is noticed.

    :param decode: undo a ``Content-Encoding``.
    """
    raw = response.raw
    if hasattr(raw, "read1"):
        return iter(lambda: raw.read1(_AT_ONCE, decode_content=decode), b"")
    # urllib3 1.26 waits until as much has arrived as it was asked for, and takes a short body for a whole one.
    raw.enforce_content_length = True
    return raw.stream(1024, decode_content=decode)

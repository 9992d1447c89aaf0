"""An adapter that bounds the time to the heads of responses, which may trickle in.

Each byte starts a timeout of the socket again. The heads of all responses to one question share a
timeout. The look-ups of credentials do not count.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from requests import Response
from requests.adapters import HTTPAdapter

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.transport import failures
from authshim.urls import parse

if TYPE_CHECKING:
    from requests import PreparedRequest

    from authshim.settings.network import Proxies


class TimedAdapter(HTTPAdapter):
    """An HTTPAdapter that gives up on a question after ``MAX_TOTAL_SECONDS``.

    :param proxies: those of pixi's configuration, which replace all others.
    """

    elapsed = 0.0
    """The seconds on the wire since somebody set it to 0: before each question."""

    def __init__(self, proxies: Proxies | None) -> None:
        super().__init__()
        self._pixi_proxies = proxies

    def send(
        self,
        request: PreparedRequest,
        *args: Any,
        **options: Any,
    ) -> Response:
        """Send a request in a thread.

        :raises TooSlow: the time has passed. A late response is closed.
        """
        if self._pixi_proxies is not None:
            url = parse(str(request.url))
            proxy = self._pixi_proxies.find(url.scheme, url.host)
            options["proxies"] = {url.scheme: proxy}
        work = partial(super().send, request, *args, **options)
        seconds = failures.MAX_TOTAL_SECONDS - self.elapsed
        started = time.monotonic()
        try:
            return call_with_timeout(seconds, work, late=Response.close)
        except TimedOut:
            raise failures.TooSlow from None
        finally:
            self.elapsed += time.monotonic() - started

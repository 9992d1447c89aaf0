"""Read the rest of a response that is dropped, so that its connection can be used again."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

MAX_DRAINED_BYTES = 64 * 1024
"""The longest body of a discarded response that is read, so that its connection stays open."""

MAX_DRAINED_SECONDS = 1.0
"""The time in which such a body has to be read. After it, the connection is closed."""


def drain(response: Response) -> None:
    """Read a short body to its end, so that its connection can be used again. Close any other."""
    headers = response.headers
    try:
        size = int(headers.get("Content-Length", -1))
        if 0 <= size <= MAX_DRAINED_BYTES and "Transfer-Encoding" not in headers:
            _read_in_time(response.raw, size)
    except Exception:  # noqa: BLE001, S110 - the body is discarded, so no error in it matters
        pass
    with suppress(Exception):  # the response of a fake adapter may have nothing to close
        response.close()


def _read_in_time(raw: Any, size: int) -> None:
    """Read a body of ``size`` bytes, or the part of it that arrives in time.

    A timeout of the socket starts again with each byte, so it does not bound the whole. Here
    ``peek`` receives at most once, and ``read`` then takes no more than has been received.
    """
    if size == 0:
        raw.read()  # receives nothing, and gives the connection back
        return
    socket = raw.connection.sock
    timeout = socket.gettimeout()
    deadline = time.monotonic() + MAX_DRAINED_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        socket.settimeout(left if timeout is None else min(left, timeout))
        received = len(raw._fp.peek())
        # The last read gives the connection back, so its timeout must be as before by then.
        socket.settimeout(timeout)
        data = raw.read(max(min(received, size), 1), decode_content=False)
        size -= len(data)
        if not data or size <= 0:
            return

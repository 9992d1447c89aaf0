"""Read the body of a response as it arrives, so that a body without an end is noticed."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, cast

from urllib3.exceptions import DecodeError, HTTPError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from requests import Response

_PIECE_BYTES = 64 * 1024
_OLD_PIECE_BYTES = 1024
_GZIP = zlib.MAX_WBITS | 16
_MAGIC = b"\x1f"

MAX_SILENT_SECONDS = 60.0
"""Seconds within which some bytes of a body have to arrive."""


class BodyTooSlow(HTTPError):
    """A body of which nothing arrived for a long time, though other bytes may have."""


def iter_body(response: Response) -> Iterator[bytes]:
    """Yield the bytes of a body as they arrive, with their ``Content-Encoding``.

    :raises BodyTooSlow: no byte of the body arrived for ``MAX_SILENT_SECONDS``.
    """
    pieces = _pieces(response.raw)
    with closing(_StallWatch(response.raw)) as watch:
        while piece := watch.next(pieces):
            yield piece


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield unpacked pieces of at most 64 KiB each, some of them empty; nothing is unpacked ahead.

    :raises DecodeError: the bytes are not gzip, or end too early.
    """
    unpacker: Any = None
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker is None or unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP)
                yield unpacker.decompress(rest, _PIECE_BYTES)
                rest = unpacker.unconsumed_tail or _next_member(unpacker)
    except zlib.error:
        raise DecodeError from None
    if unpacker is not None and not unpacker.eof:
        raise DecodeError


def _next_member(unpacker: Any) -> bytes:
    """Return the bytes behind the end of a gzip member if they begin another one."""
    rest: bytes = unpacker.unused_data
    return rest if rest.startswith(_MAGIC) else b""


def _pieces(raw: Any) -> Iterator[bytes]:
    if hasattr(raw, "read1"):
        return iter(lambda: raw.read1(_PIECE_BYTES, decode_content=False), b"")
    # urllib3 1.26 waits for all the bytes that it is asked for.
    # It also takes a short body for a whole one.
    raw.enforce_content_length = True
    # Its own ``stream`` reads a line between two chunks without a limit.
    return iter(lambda: raw.read(_OLD_PIECE_BYTES, decode_content=False), b"")


class _StallWatch:
    """A thread that hangs up on a server that keeps one read from its end.

    The timeout of a socket is not enough: the sizes and trailers of chunks may be endless.
    """

    def __init__(self, raw: Any) -> None:
        self._began: float | None = None
        """When the present read began; None between two reads."""
        self._hung_up = False
        self._ended = threading.Event()
        self._connection = _duplicate(raw)
        if self._connection is not None:
            thread = threading.Thread(target=self._watch, daemon=True)
            thread.start()

    def next(self, pieces: Iterator[bytes]) -> bytes:
        """Return the next piece, or an empty one at the end.

        :raises BodyTooSlow: the watch hung up.
        """
        self._began = time.monotonic()
        try:
            piece = next(pieces, b"")
        except (HTTPError, OSError, ValueError):
            if not self._hung_up:
                raise
        finally:
            self._began = None
        if self._hung_up:
            raise BodyTooSlow
        return piece

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def _watch(self) -> None:
        pause = min(1.0, MAX_SILENT_SECONDS / 4)
        with cast("socket.socket", self._connection) as connection:
            while not self._ended.wait(pause):
                if not self._is_stalled():
                    continue
                self._hung_up = True
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                return

    def _is_stalled(self) -> bool:
        """Return True if the present read takes too long."""
        # In this order: if another read begins in between, it is not taken for the old one.
        now = time.monotonic()
        began = self._began
        if began is None:
            return False
        return now - began > MAX_SILENT_SECONDS


def _duplicate(raw: Any) -> socket.socket | None:
    """Return a second handle to a connection, or None if the connection has ended."""
    try:
        descriptor = raw.fileno()
        return socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
    except (AttributeError, OSError, ValueError):
        return None

"""The Locations that servers named, for callers who follow redirects by hand."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from authshim.lookup.naming import CALLER, UNKNOWN, follow, named_by, origin_of
from authshim.secret import SecretHolder
from authshim.urls import normalise

if TYPE_CHECKING:
    from collections.abc import Callable

    from authshim.lookup.naming import NamedBy, Trail

MAX_SEEN_LOCATIONS = 1000
"""Locations that are remembered at once, for callers who follow them by hand."""

_PLAIN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*\Z")
"""A path with one origin for every parser; some drop a tab behind its slash."""


class SeenLocations(SecretHolder):
    """The newest Locations that name another origin, as keyed hashes, and the way to each.

    For callers who follow by hand: each marks one request. A request that ``requests``
    itself makes of a redirect carries its mark.
    """

    __slots__ = ("_key", "_lock", "_starts", "_trails", "origins")

    def __init__(self) -> None:
        self.origins: dict[str, int] = {}
        """The number of Locations at each origin. If it is empty, no URL is parsed for them."""
        self._trails: dict[bytes, tuple[str, Trail]] = {}
        self._starts: dict[str, str] = {}
        self._key = os.urandom(16)
        self._lock = threading.Lock()

    def note(self, url: str, trail: Trail) -> None:
        """Remember a URL that an answer names, if it is marked."""
        if not named_by(trail, url).is_marked:
            return
        origin = origin_of(url)
        if origin == UNKNOWN:
            return
        name = self._name(url)
        with self._lock:
            self._drop(name)
            if len(self._trails) >= MAX_SEEN_LOCATIONS:
                oldest = next(iter(self._trails))
                self._drop(oldest)
            self._trails[name] = origin, trail
            count = self.origins.get(origin, 0)
            self.origins[origin] = count + 1

    def take(self, url: str) -> Trail:
        """Return the way to a URL, and forget it; empty if no server has named it since."""
        if self._origin_of(url) not in self.origins:
            return ()
        name = self._name(url)
        with self._lock:
            return self._drop(name)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._trails.clear()
            self.origins.clear()

    def renew_lock(self) -> None:
        """Replace the lock: after a fork a thread that is not here may hold it."""
        self._lock = threading.Lock()

    def _drop(self, name: bytes) -> Trail:
        origin, trail = self._trails.pop(name, (UNKNOWN, ()))
        if trail:
            self.origins[origin] -= 1
            if not self.origins[origin]:
                del self.origins[origin]
        return trail

    def _name(self, url: str) -> bytes:
        from hashlib import blake2b  # 4 ms, which a program of one look-up does not need

        text = normalise(url)
        written = text.encode("utf-8", "surrogatepass")
        keyed = blake2b(written, key=self._key, digest_size=16)
        return keyed.digest()

    def _origin_of(self, url: str) -> str:
        """Return the origin of a URL. Each spelling is parsed once, if it has no userinfo."""
        end = url.find("/", 8)
        if end < 0:
            return origin_of(url)
        start = url[:end]
        if "@" in start:
            return origin_of(url)
        origin = self._starts.get(start)
        if origin is None:
            if len(self._starts) >= MAX_SEEN_LOCATIONS:
                self._starts.clear()
            origin = origin_of(start)
            self._starts[start] = origin
        return origin


seen_locations = SeenLocations()
"""Those of this process: two adapters that are mounted by hand have one memory."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=seen_locations.renew_lock)


def arrive(
    trail: Trail,
    url: str,
) -> tuple[Trail, NamedBy]:
    """Return the way to the URL of a request, and who named it.

    :param trail: the way that the request carries. Without one, it takes the way of a Location
        that its caller followed by hand.
    """
    way = trail or seen_locations.take(url)
    if not way:
        return (), CALLER
    named = named_by(way, url)
    if named.is_marked:
        seen_locations.take(url)  # it was followed, so it marks no other request
    return way, named


def depart(
    trail: Trail,
    url: str,
    location: str,
    join: Callable[[str, str], str] = urljoin,
) -> Trail:
    """Return the way that the request for a ``Location`` carries, and remember that Location.

    :param join: returns the URL to which the client follows it.
    """
    way = follow(trail, url)
    stays_here = _PLAIN_PATH.match(location)  # nearly all do: it spares the parsing
    if len(way) == 1 and stays_here:
        return way
    with suppress(ValueError):  # no client can follow it
        target = join(url, location)
        seen_locations.note(target, way)
    return way

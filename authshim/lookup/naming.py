"""Who named a URL: the caller, the manifest, or a server. Less goes where only a server points.

Invariants, kept here and nowhere else:

1. A URL is marked if an answer on its way names a URL of another origin. The URLs that the
   marked one names are marked too.
2. Only origins are kept, never URLs: a URL may be presigned.
3. http to https on one host, both on their default ports, is one origin.
4. Nobody vouches for another: what holds for a marked URL holds for every server on its way.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from authshim.errors import UrlError
from authshim.secret import SecretHolder
from authshim.urls import (
    DEFAULT,
    IDENTITY,
    JOB,
    SERVICE,
    WILDCARD,
    is_ip,
    is_loopback,
    normalise,
    parse,
)
from authshim.urls.s3 import parse_s3
from authshim.urls.url import S3_SCHEME, https_twin, is_s3

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from authshim.urls import Key
    from authshim.urls.url import Url

MAX_SEEN_LOCATIONS = 1000
"""Locations that are remembered at once, for callers who follow them by hand."""

MAX_ORIGINS = 64
"""Origins on one way at most; behind them a mark is as strict as one of an unknown server."""

UNKNOWN = ""
"""In place of an origin that cannot be read, and of those behind ``MAX_ORIGINS``."""

_PLAIN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*\Z")
"""A path with one origin for every parser; some drop a tab behind its slash."""

Trail = tuple[str, ...]
"""The origins through which a URL came, in order; equal neighbours are one."""


class NamedBy(NamedTuple):
    """A name for who named a URL, and the origins through which it came if that was a server."""

    who: str
    origins: Trail = ()

    @property
    def is_marked(self) -> bool:
        """True if only a server named the URL."""
        return self.who == SERVER.who

    @property
    def is_from_bucket(self) -> bool:
        """True if a signed request led to the URL. Its redirect carries no credential."""
        return any(map(is_s3, self.origins))

    @property
    def host(self) -> str:
        """The host that named the URL last."""
        return _host_of(self.origins[-1]) if self.origins else "a server"

    def allows(self, key: Key) -> bool:
        """Tell if what is kept under a key may go to the URL, if it is known already."""
        if not self.is_marked:
            return True
        if self.is_from_bucket:
            return False
        if key.kind == WILDCARD:
            return bool(self.origins) and all(_is_covered(origin, key) for origin in self.origins)
        return key.kind not in (DEFAULT, JOB, IDENTITY)

    def lets_ask(self, key: Key) -> bool:
        """Tell if the providers may be asked for a key: no server starts the keyring command."""
        return self.allows(key) and not (self.is_marked and key.kind == SERVICE)

    def forbidden_by(self, url: Url, declared: Container[str]) -> str:
        """Return the host that keeps credentials from a plain http URL, or an empty string.

        :param declared: the origins that the manifest names.
        """
        origin = url.origin
        if not self.is_marked or url.scheme != "http" or origin in declared:
            return ""
        if self.origins and (origin == self.origins[0] or self._is_all_http_loopback(origin)):
            return ""
        others = [each for each in self.origins if each != origin]
        return _host_of(others[-1]) if others else self.host

    def _is_all_http_loopback(self, origin: str) -> bool:
        way = (*self.origins, origin)
        return all(each.startswith("http://") and is_loopback(_host_of(each)) for each in way)


CALLER = NamedBy("the caller")
MANIFEST = NamedBy("the manifest")
SERVER = NamedBy("a server")
"""A server of which nothing is known; ``named_by`` adds the origins."""


def named_by(trail: Trail, url: str) -> NamedBy:
    """Return who named a URL at the end of a trail: the caller, if it never left one origin."""
    steps = zip(trail, (*trail[1:], origin_of(url)))
    if all(_is_one_origin(*step) for step in steps):
        return CALLER
    return SERVER._replace(origins=trail)


def follow(trail: Trail, url: str) -> Trail:
    """Return the way to what the answer from a URL names."""
    origin = origin_of(url)
    if trail and trail[-1] == origin:
        return trail
    return (*trail, origin) if len(trail) < MAX_ORIGINS else (*trail[:MAX_ORIGINS], UNKNOWN)


def origin_of(url: str) -> str:
    """Return the origin of a URL; UNKNOWN if it cannot be dialled."""
    try:
        if is_s3(url):
            return f"{S3_SCHEME}{parse_s3(url).bucket}"
        return parse(url).origin
    except UrlError:
        return UNKNOWN


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
        if not named_by(trail, url).is_marked or not (origin := origin_of(url)):
            return
        name = self._name(url)
        with self._lock:
            self._drop(name)
            if len(self._trails) >= MAX_SEEN_LOCATIONS:
                self._drop(next(iter(self._trails)))
            self._trails[name] = origin, trail
            self.origins[origin] = self.origins.get(origin, 0) + 1

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

        written = normalise(url).encode("utf-8", "surrogatepass")
        return blake2b(written, key=self._key, digest_size=16).digest()

    def _origin_of(self, url: str) -> str:
        """Return the origin of a URL. Each spelling is parsed once, if it has no userinfo."""
        end = url.find("/", 8)
        start = url if end < 0 else url[:end]
        if end < 0 or "@" in start:
            return origin_of(url)
        origin = self._starts.get(start)
        if origin is None:
            if len(self._starts) >= MAX_SEEN_LOCATIONS:
                self._starts.clear()
            origin = self._starts[start] = origin_of(start)
        return origin


seen_locations = SeenLocations()
"""Those of this process: two adapters that are mounted by hand have one memory."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=seen_locations.renew_lock)


def arrive(trail: Trail, url: str) -> tuple[Trail, NamedBy]:
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
    if len(way) > 1 or not _PLAIN_PATH.match(location):  # nearly all match: it spares the parsing
        with suppress(ValueError):  # no client can follow it
            seen_locations.note(join(url, location), way)
    return way


def _is_one_origin(source: str, target: str) -> bool:
    if source == target:
        return source != UNKNOWN
    return https_twin(source) == target != UNKNOWN


def _is_covered(origin: str, wildcard: str) -> bool:
    """Tell if ``*.host`` is a key of a server, too."""
    host = _host_of(origin)
    return f".{host}".endswith(wildcard[1:]) and not is_ip(host)


def _host_of(origin: str) -> str:
    if is_s3(origin):
        return origin[len(S3_SCHEME) :]
    return origin.partition("://")[2].rpartition(":")[0] or "a server"

"""Who named a URL: the caller, the manifest, or a server. Less goes where only a server points.

Invariants, kept here and nowhere else:

1. A URL is marked if an answer on its way names a URL of another origin. The URLs that the
   marked one names are marked too.
2. Only origins are kept, never URLs: a URL may be presigned.
3. http to https on one host, both on their default ports, is one origin.
4. Nobody vouches for another: what holds for a marked URL holds for every server on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import UrlError
from authshim.urls import (
    DEFAULT,
    IDENTITY,
    JOB,
    SERVICE,
    WILDCARD,
    is_ip,
    is_loopback,
    parse,
)
from authshim.urls.s3 import parse_s3
from authshim.urls.url import S3_SCHEME, https_twin, is_s3

if TYPE_CHECKING:
    from collections.abc import Container

    from authshim.urls import Key
    from authshim.urls.url import Url

MAX_ORIGINS = 64
"""Origins on one way at most; behind them a mark is as strict as one of an unknown server."""

UNKNOWN = ""
"""In place of an origin that cannot be read, and of those behind ``MAX_ORIGINS``."""

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
        if not self.origins:
            return "a server"
        return _host_of(self.origins[-1])

    def allows(self, key: Key) -> bool:
        """Tell if what is kept under a key may go to the URL, if it is known already."""
        if not self.is_marked:
            return True
        if self.is_from_bucket:
            return False
        if key.kind == WILDCARD:
            return self._is_covered_by(key)
        return key.kind not in (DEFAULT, JOB, IDENTITY)

    def lets_ask(self, key: Key) -> bool:
        """Tell if the providers may be asked for a key: no server starts the keyring command."""
        if self.is_marked and key.kind == SERVICE:
            return False
        return self.allows(key)

    def forbidden_by(
        self,
        url: Url,
        declared: Container[str],
    ) -> str:
        """Return the host that keeps credentials from a plain http URL, or an empty string.

        :param declared: the origins that the manifest names.
        """
        origin = url.origin
        if not self.is_marked or url.scheme != "http":
            return ""
        if origin in declared or self._is_at_home(origin):
            return ""
        others = [each for each in self.origins if each != origin]
        if not others:
            return self.host
        return _host_of(others[-1])

    def _is_covered_by(self, wildcard: str) -> bool:
        """Tell if ``*.host`` is a key of every server on the way."""
        if not self.origins:
            return False
        return all(_is_covered(origin, wildcard) for origin in self.origins)

    def _is_at_home(self, origin: str) -> bool:
        """Tell if the way began at an origin, or never left this machine and http."""
        if not self.origins:
            return False
        if origin == self.origins[0]:
            return True
        way = (*self.origins, origin)
        return all(_is_http_loopback(each) for each in way)


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
    if len(trail) < MAX_ORIGINS:
        return (*trail, origin)
    kept = trail[:MAX_ORIGINS]
    return (*kept, UNKNOWN)


def origin_of(url: str) -> str:
    """Return the origin of a URL; UNKNOWN if it cannot be dialled."""
    try:
        if is_s3(url):
            bucket = parse_s3(url).bucket
            return f"{S3_SCHEME}{bucket}"
        return parse(url).origin
    except UrlError:
        return UNKNOWN


def _is_one_origin(source: str, target: str) -> bool:
    if source == target:
        return source != UNKNOWN
    return https_twin(source) == target != UNKNOWN


def _is_covered(origin: str, wildcard: str) -> bool:
    """Tell if ``*.host`` is a key of a server, too."""
    host = _host_of(origin)
    if is_ip(host):
        return False
    return f".{host}".endswith(wildcard[1:])


def _is_http_loopback(origin: str) -> bool:
    if not origin.startswith("http://"):
        return False
    return is_loopback(_host_of(origin))


def _host_of(origin: str) -> str:
    if is_s3(origin):
        return origin[len(S3_SCHEME) :]
    _, _, netloc = origin.partition("://")
    host, _, _ = netloc.rpartition(":")
    return host or "a server"

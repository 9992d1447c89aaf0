"""The cache of a chain: an entry for each credential, and what is known of each origin.

The beginning of a URL, up to its path, names its origin. Most origins have one candidate set. The
others are an ``OriginEntry``, which has a set for each path that matters.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from authshim.errors import UrlError
from authshim.lookup.coverage import DeclaredAtOrigin
from authshim.lookup.entry import MAX_CACHED_ENTRIES, CacheEntry
from authshim.lookup.origin import OriginEntry
from authshim.secret import Secret, clears_frames
from authshim.urls import SERVICE, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from authshim.concurrency import Clock
    from authshim.lookup.candidate_set import CandidateSet
    from authshim.lookup.coverage import Declared
    from authshim.urls import Key
    from authshim.urls.url import Url

_NOTHING_DECLARED = DeclaredAtOrigin()

_SCHEME_CHARACTERS = len("https://")
"""Past the slashes of either scheme. CPython does not compute it once by itself."""


class Cache:
    """The origins and entries that were looked up, at most ``MAX_CACHED_ENTRIES`` of each."""

    def __init__(
        self,
        declared: Mapping[str, DeclaredAtOrigin],
        list_path_keys: Callable[[], Iterable[str]],
        clock: Clock = time,
    ) -> None:
        """Make an empty cache.

        :param declared: the indexes and channels of the project, by origin.
        :param list_path_keys: return the keys with a path that the providers have.
        """
        self.declared = declared
        self.generation = 0
        """The number of changes of the providers' files."""
        self.has_ties = any(origin.has_ties for origin in declared.values())
        self._list_path_keys = list_path_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._origins: dict[object, OriginEntry | CandidateSet | None] = {}
        self._entries: dict[tuple[object, ...], CacheEntry] = {}
        self._path_keys: dict[str, frozenset[str]] | None = None

    def origin(
        self,
        url: str,
        username: str | None = None,
    ) -> OriginEntry | CandidateSet | None:
        """Return the candidate sets of a URL's origin, or None if the URL cannot be dialled."""
        start = _start(url)
        origin = None
        if username is None:
            origin = self._origins.get(start)
        if origin is None:  # it is new, has a user, or cannot be dialled
            origin = self._named(start, username)
        return origin

    def known(self, url: str) -> OriginEntry | CandidateSet | None:
        """Return the same for an origin that was looked up before, and read no file."""
        return self._origins.get(_start(url))

    def candidates(
        self,
        url: str,
        username: str | None = None,
    ) -> CandidateSet | None:
        """Return the candidate set of a URL, or None if the URL cannot be dialled."""
        origin = self.origin(url, username)
        if isinstance(origin, OriginEntry):
            return origin.candidates(url)
        return origin

    def choose(self, url: str, entry: CacheEntry) -> None:
        """Note the entry that opened a URL."""
        origin = self.origin(url)
        if isinstance(origin, OriginEntry):
            origin.choose(url, entry)

    def next_generation(self) -> None:
        """Forget the misses, the refusals and the path keys. The credentials stay."""
        with self._lock:
            self.generation += 1
            self._path_keys = None
            self._origins.clear()

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that no longer exist."""
        self._lock = threading.Lock()
        # A candidate set may hold an entry that such a thread had just taken out of the cache.
        self._origins.clear()
        for entry in self._entries.values():
            entry.lock = threading.Lock()

    def entry(
        self,
        url: Url,
        declared: Declared | None,
        path_keys: tuple[Key, ...],
        service: str | None,
    ) -> CacheEntry:
        """Return the entry of a user at a declared index, or at a service of a keyring."""
        if declared is not None:
            url = _with_declared_user(url, declared)
        identity = (url, declared, service, path_keys)
        with self._lock:
            entry = self._entries.pop(identity, None)
            if entry is None:
                if len(self._entries) >= MAX_CACHED_ENTRIES:
                    self._make_room()
                entry = CacheEntry(
                    url,
                    declared,
                    path_keys,
                    service,
                    self._clock,
                )
            self._entries[identity] = entry  # the last entry is the one that was used last
            return entry

    def _make_room(self) -> None:
        """Drop an eighth of the entries: misses first, a keyring's answers last."""
        costs = {identity: _cost(entry) for identity, entry in self._entries.items()}
        cheapest = sorted(costs, key=costs.__getitem__)
        eighth = MAX_CACHED_ENTRIES // 8
        for identity in cheapest[:eighth]:
            del self._entries[identity]
        self._origins.clear()  # their candidate sets would keep the entries

    def _named(
        self,
        start: str,
        username: str | None,
    ) -> OriginEntry | CandidateSet | None:
        name = _name(start, username)
        try:
            return self._origins[name]
        except KeyError:
            return self._remember(start, username)

    @clears_frames
    def _remember(
        self,
        start: str,
        username: str | None,
    ) -> OriginEntry | CandidateSet | None:
        # Not under the lock: the providers that list the path keys have locks of their own.
        generation = self.generation
        path_keys = self._path_keys
        if path_keys is None:
            listed = self._list_path_keys()
            path_keys = _by_netloc(listed)
        origin = self._origin(start, username, path_keys)
        name = _name(start, username)
        with self._lock:
            if generation != self.generation:
                return origin
            self._path_keys = path_keys
            if len(self._origins) >= MAX_CACHED_ENTRIES:
                self._origins.clear()
            self._origins[name] = origin
        return origin

    def _origin(
        self,
        start: str,
        username: str | None,
        path_keys: Mapping[str, frozenset[str]],
    ) -> OriginEntry | CandidateSet | None:
        """Return the candidate sets of an origin, or the set itself if there is but one."""
        try:
            url = parse(start)._replace(path="/")
        except UrlError:
            return None
        if username is not None and url.username is None:
            url = url._replace(username=username)
        root = url._replace(path="")
        keys: set[str] = set()
        for netloc in (url.host, f"{url.host}:{url.port}", root.prefix):
            keys.update(path_keys.get(netloc, ()))
        declared = self.declared.get(url.origin, _NOTHING_DECLARED)
        origin = OriginEntry(
            url,
            declared,
            frozenset(keys),
            self.entry,
        )
        if origin.is_by_path:
            return origin
        return origin.candidates_at("/", "")


def _start(url: str) -> str:
    """Return a URL up to its path."""
    end = url.find("/", _SCHEME_CHARACTERS)
    if end < 0:
        return url
    return url[:end]


def _with_declared_user(url: Url, declared: Declared) -> Url:
    """Return a URL with the userinfo of its declaration, unless the URL has another user."""
    user = declared.username  # an empty one if there is only a password
    if user is None or declared.forbids_logins:
        return url
    if url.password is not None:
        return url
    if url.username not in (None, user):
        return url
    return url._replace(username=user, password=declared.password)


def _name(start: str, username: str | None) -> object:
    """Return the key of an origin in the cache. It shows no password of the URL."""
    name: object = start
    if "@" in start:
        name = Secret(start)
    if username is None:
        return name
    return name, username


def _cost(entry: CacheEntry) -> int:
    """Return the cost of looking an entry up again. A keyring may be slow."""
    found = entry.found  # read once: another thread may look it up again
    if found is None:
        return 0
    if found.key.kind == SERVICE:
        return 2
    return 1


def _by_netloc(path_keys: Iterable[str]) -> dict[str, frozenset[str]]:
    """Sort the keys with a path by the part before it."""
    found: dict[str, set[str]] = {}
    for key in path_keys:
        keys = found.setdefault(_place_of(key), set())
        keys.add(key)
    return {netloc: frozenset(keys) for netloc, keys in found.items()}


def _place_of(key: str) -> str:
    """Return a key without its path: ``host``, ``host:port`` or ``scheme://host[:port]``."""
    count = 1
    if key.startswith(("https://", "http://")):
        count = 3
    parts = key.split("/", count)
    return "/".join(parts[:count])

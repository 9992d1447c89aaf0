"""What the chain remembers: a CacheEntry for each credential, an OriginEntry for each scheme, user, host and port.

A URL's first characters, up to its path, name its origin; most origins are one candidate set, and
the rest have one for each path that matters.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from authshim.errors import UrlError
from authshim.lookup.coverage import DeclaredAtOrigin
from authshim.lookup.entry import ORIGINS, CacheEntry
from authshim.lookup.origin import OriginEntry
from authshim.secret import Secret, clears_frames
from authshim.urls import SERVICE, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from authshim.concurrency import Clock
    from authshim.lookup.coverage import Declared
    from authshim.lookup.entry import CandidateSet
    from authshim.urls import Key, Url

_NOTHING_DECLARED = DeclaredAtOrigin()


class Cache:
    """Every origin and entry that was looked up, within bounds."""

    def __init__(
        self,
        declared: Mapping[str, DeclaredAtOrigin],
        list_path_keys: Callable[[], Iterable[str]],
        clock: Clock = time,
    ) -> None:
        self.declared = declared
        self.generation = 0
        """Counts the changes of files."""
        self.has_ties = any(origin.has_ties for origin in declared.values())
        self._list_path_keys = list_path_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._origins: dict[object, OriginEntry | CandidateSet | None] = {}
        self._entries: dict[tuple[object, ...], CacheEntry] = {}
        self._path_keys: dict[str, frozenset[str]] | None = None

    def origin(self, url: str, username: str | None = None) -> OriginEntry | CandidateSet | None:
        """Return what knows the entries of a URL's origin; None for one that is not http(s), or cannot be dialled."""
        at = url.find("/", 8)
        start = url if at < 0 else url[:at]
        origin = self._origins.get(start) if username is None else None
        if origin is None:  # it is new, or somebody's, or cannot be dialled
            origin = self._named(start, username)
        return origin

    def known(self, url: str) -> OriginEntry | CandidateSet | None:
        """Return the entry of an origin that was looked up before, without reading a file."""
        at = url.find("/", 8)
        return self._origins.get(url if at < 0 else url[:at])

    def candidates(self, url: str, username: str | None = None) -> CandidateSet | None:
        """Return the candidate set of a URL; None where it has no origin."""
        origin = self.origin(url, username)
        return origin.candidates(url) if isinstance(origin, OriginEntry) else origin

    def choose(self, url: str, entry: CacheEntry) -> None:
        """Note which entry opened a URL."""
        origin = self.origin(url)
        if isinstance(origin, OriginEntry):
            origin.choose(url, entry)

    def next_generation(self) -> None:
        """Forget misses and refusals, and which paths matter; what was found stays."""
        with self._lock:
            self.generation += 1
            self._path_keys = None
            self._origins.clear()

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self._lock = threading.Lock()
        self._origins.clear()  # a candidate set of theirs may hold an entry that was just taken out of those below
        for entry in self._entries.values():
            entry.lock = threading.Lock()

    def entry(
        self, url: Url, declared: Declared | None, path_keys: tuple[Key, ...], service: str | None
    ) -> CacheEntry:
        """Return the entry of a user at what is declared, or at a service that a keyring may know."""
        user = declared and declared.username  # a password has a user, if an empty one
        if declared and user is not None and url.password is None and url.username in (None, user):
            url = url._replace(username=user, password=declared.password)
        identity = (url, declared, service, path_keys)
        with self._lock:
            entry = self._entries.pop(identity, None)
            if entry is None:
                if len(self._entries) >= ORIGINS:
                    self._make_room()
                entry = CacheEntry(url, declared, path_keys, service, self._clock)
            self._entries[identity] = entry  # the last one is the one that was wanted last
            return entry

    def _make_room(self) -> None:
        """Drop an eighth: misses first, a keyring's answers last, and of each the oldest."""
        cheapest = sorted(self._entries, key=lambda identity: _cost(self._entries[identity]))
        for identity in cheapest[: ORIGINS // 8]:
            del self._entries[identity]
        self._origins.clear()  # their candidate sets would keep the entries

    def _named(self, start: str, username: str | None) -> OriginEntry | CandidateSet | None:
        try:
            return self._origins[_name(start, username)]
        except KeyError:
            return self._remember(start, username)

    @clears_frames
    def _remember(self, start: str, username: str | None) -> OriginEntry | CandidateSet | None:
        # Not under the lock: the providers that list the path keys have locks of their own.
        generation, path_keys = self.generation, self._path_keys
        if path_keys is None:
            path_keys = _by_netloc(self._list_path_keys())
        origin = self._origin(start, username, path_keys)
        with self._lock:
            if generation == self.generation:
                self._path_keys = path_keys
                if len(self._origins) >= ORIGINS:
                    self._origins.clear()
                self._origins[_name(start, username)] = origin
        return origin

    def _origin(
        self, start: str, username: str | None, path_keys: Mapping[str, frozenset[str]]
    ) -> OriginEntry | CandidateSet | None:
        """Return what knows the candidate sets of an origin: where there is but one, that one."""
        try:
            url = parse(start)._replace(path="/")
        except UrlError:
            return None
        if username is not None and url.username is None:
            url = url._replace(username=username)
        here = (
            path_keys.get(netloc, frozenset()) for netloc in (url.host, f"{url.host}:{url.port}")
        )
        declared = self.declared.get(url.origin, _NOTHING_DECLARED)
        origin = OriginEntry(url, declared, frozenset().union(*here), self.entry)
        return origin if origin.is_by_path else origin.candidates_at("/", "")


def _name(start: str, username: str | None) -> object:
    """Return what an origin is remembered by; a URL's own password is not seen there."""
    name = Secret(start) if "@" in start else start
    return name if username is None else (name, username)


def _cost(entry: CacheEntry) -> int:
    """Rank what it takes to ask again; a keyring may be slow."""
    if entry.found is None:
        return 0
    return 2 if entry.found.key.kind == SERVICE else 1


def _by_netloc(path_keys: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key in path_keys:
        found.setdefault(key.partition("/")[0], set()).add(key)
    return {netloc: frozenset(keys) for netloc, keys in found.items()}

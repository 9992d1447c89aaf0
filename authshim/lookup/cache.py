"""What the chain remembers: a CacheEntry for each credential, an OriginEntry for each scheme, user, host and port.

A URL's first characters, up to its path, name its origin; most origins are one candidate set, and
the rest have one for each path that matters.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from authshim.errors import UrlError
from authshim.lookup.coverage import DeclaredAtOrigin
from authshim.lookup.entry import ORIGINS, CacheEntry, CandidateSet
from authshim.secret import Secret, clears_frames
from authshim.urls import (
    PATH,
    SERVICE,
    cut_after_simple,
    has_ambiguous_path,
    host_keys,
    parse,
    path_of,
    prefixes,
    shared_path,
    without_userinfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from authshim.lookup.coverage import Declared
    from authshim.urls import Key, Url

_NOTHING_DECLARED = DeclaredAtOrigin()


class Cache:
    """Every origin and entry that was looked up, within bounds."""

    def __init__(
        self, declared: Mapping[str, DeclaredAtOrigin], list_path_keys: Callable[[], Iterable[str]]
    ) -> None:
        self.declared = declared
        self.generation = 0
        """Counts the changes of files."""
        self.has_ties = any(origin.has_ties for origin in declared.values())
        self._list_path_keys = list_path_keys
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
                entry = CacheEntry(url, declared, path_keys, service)
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
        origin = OriginEntry(
            url, self.declared.get(url.origin, _NOTHING_DECLARED), frozenset().union(*here), self
        )
        return origin if origin.is_by_path else origin._candidates("/", "")


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


class OriginEntry:
    """The candidate sets of one scheme, user, host and port."""

    __slots__ = ("_cache", "_declared", "_parted", "_path_keys", "_sets", "_url", "latest")

    only = None
    """As ``CandidateSet`` has it: no entry is that of every URL."""

    def __init__(
        self, url: Url, declared: DeclaredAtOrigin, path_keys: frozenset[str], cache: Cache
    ) -> None:
        self._url = url
        self._declared = declared
        self._path_keys = path_keys
        self._cache = cache
        self._sets: dict[tuple[str, ...], CandidateSet] = {}
        self._parted: dict[str, str] = {}
        """Where a tie begins, and the longer path behind which two entries were seen to part."""
        self.latest: CacheEntry | None = None
        """Who was let in last at a root of its own: an index's page is fetched before its files are."""

    @property
    def is_by_path(self) -> bool:
        """Whether paths matter; else one candidate set is that of every URL."""
        declared = self._declared
        return bool(
            declared.by_path
            or self._path_keys
            or (_needs_service(self._url) and not declared.covering("/")[1])
        )

    def candidates(self, url: str) -> CandidateSet:
        """Return the candidate set of a URL that begins with this origin."""
        return self._candidates(path_of(url), url)

    def likeliest(self, url: str) -> CacheEntry:
        """Return the entry to try first for a URL that begins with this origin."""
        path = path_of(url)
        candidates = self._candidates(path, url)
        return candidates.only or candidates.likeliest(path, self.latest)

    def choose(self, url: str, entry: CacheEntry) -> None:
        """Note which entry opened a URL; where another one opened its neighbours, they part there."""
        path = path_of(url)
        candidates = self._candidates(path, url)
        if candidates.only:
            self.latest = entry
            return
        folder = max(path.rpartition("/")[0], candidates.path, key=len)
        if not candidates.is_parted_by(entry, folder):
            candidates.choose(entry, folder)
            return
        self._parted[candidates.path] = shared_path(candidates.known_prefix, folder)
        for winner, begin in (
            (candidates.entries[candidates.current], candidates.known_prefix),
            (entry, folder),
        ):
            side = self._candidates(begin, begin)
            side.choose(winner, side.path)

    def _candidates(self, path: str, text: str) -> CandidateSet:
        """Return the candidate set of a path.

        :param text: the URL as it is written.
        """
        url = self._url
        prefix, covering = self._declared.covering(path)
        covering = _of_user(covering, url.username)
        matched = _matched(url._replace(path=path), self._path_keys) if self._path_keys else ()
        service = _undeclared_service(url, text) if _needs_service(url) and not covering else None
        tie = self._tie(path, prefix) if len(covering) > 1 else ""
        identity = (prefix, tie, service or "", *matched)
        candidates = self._sets.get(identity)
        if candidates is None:
            if len(self._sets) >= ORIGINS:
                self._sets.clear()
            declared: list[Declared | None] = [*covering] or [None]
            entries = [self._cache.entry(url, item, matched, service) for item in declared]
            candidates = self._sets.setdefault(identity, CandidateSet(entries, tie))
        return candidates

    def _tie(self, path: str, prefix: str) -> str:
        """Return where the candidate set of a path begins that several cover: it has one winner, as far as is known."""
        tie = _parting(path, prefix)
        while tie in self._parted and path.startswith(self._parted[tie] + "/"):
            longer = _parting(path, self._parted[tie])
            if len(longer) <= len(tie):
                break
            tie = longer
        return tie


def _matched(url: Url, path_keys: frozenset[str]) -> tuple[Key, ...]:
    return tuple(key for key in host_keys(url, path_keys) if key.kind == PATH)


def _needs_service(url: Url) -> bool:
    """Tell whether a keyring is asked for a URL that nothing declared covers."""
    return bool(url.username) and url.password is None


def _of_user(covering: list[Declared], username: str | None) -> list[Declared]:
    """Of several that cover a URL with a username, keep those that are declared for it."""
    if username is None or len(covering) < 2:
        return covering
    return [item for item in covering if item.username in (None, username)] or covering


def _undeclared_service(url: Url, text: str) -> str:
    """Return what a keyring may know an undeclared URL by: the URL cut after ``/simple``, or its origin."""
    index = None if has_ambiguous_path(text) else cut_after_simple(without_userinfo(text))
    return index or f"{url.scheme}://{url.netloc}/"


def _parting(path: str, prefix: str) -> str:
    """Return the path with one more segment than ``prefix``: where it parts from what is declared."""
    longer = [item for item in prefixes(path) if len(item) > len(prefix)]
    return longer[-1] if longer else ""

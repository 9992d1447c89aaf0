"""What the chain remembers: a Realm for each credential, an Origin for each scheme, user, host and port.

A URL's first characters, up to its path, name its origin; most origins are one scope, and
the rest have one for each path that matters.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from authshim.errors import UrlError
from authshim.lookup.coverage import Site
from authshim.lookup.entry import ORIGINS, Realm, Scope
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

_NOTHING_DECLARED = Site()


class Memory:
    """Every origin and realm that was looked up, within bounds."""

    def __init__(self, sites: Mapping[str, Site], list_path_keys: Callable[[], Iterable[str]]) -> None:
        self.sites = sites
        self.era = 0
        """Counts the changes of files."""
        self.has_ties = any(site.has_ties for site in sites.values())
        self._list_path_keys = list_path_keys
        self._lock = threading.Lock()
        self._origins: dict[object, _Origin | Scope | None] = {}
        self._realms: dict[tuple[object, ...], Realm] = {}
        self._path_keys: dict[str, frozenset[str]] | None = None

    def origin(self, url: str, username: str | None = None) -> _Origin | Scope | None:
        """Return what knows the realms of a URL's origin; None for one that is not http(s), or cannot be dialled."""
        at = url.find("/", 8)
        start = url if at < 0 else url[:at]
        origin = self._origins.get(start) if username is None else None
        if origin is None:  # it is new, or somebody's, or cannot be dialled
            origin = self._named(start, username)
        return origin

    def scope(self, url: str, username: str | None = None) -> Scope | None:
        """Return the scope of a URL; None where it has no origin."""
        origin = self.origin(url, username)
        return origin.scope_of(url) if isinstance(origin, _Origin) else origin

    def choose(self, url: str, realm: Realm) -> None:
        """Note which realm opened a URL."""
        origin = self.origin(url)
        if isinstance(origin, _Origin):
            origin.choose(url, realm)

    def end_era(self) -> None:
        """Forget misses and refusals, and which paths matter; what was found stays."""
        with self._lock:
            self.era += 1
            self._path_keys = None
            self._origins.clear()

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self._lock = threading.Lock()
        self._origins.clear()  # a scope of theirs may hold a realm that was just taken out of those below
        for realm in self._realms.values():
            realm.lock = threading.Lock()

    def realm(self, url: Url, declared: Declared | None, path_keys: tuple[Key, ...], service: str | None) -> Realm:
        """Return the realm of a user at what is declared, or at a service that a keyring may know."""
        user = declared and declared.username  # a password has a user, if an empty one
        if declared and user is not None and url.password is None and url.username in (None, user):
            url = url._replace(username=user, password=declared.password)
        identity = (url, declared, service, path_keys)
        with self._lock:
            realm = self._realms.pop(identity, None)
            if realm is None:
                if len(self._realms) >= ORIGINS:
                    self._make_room()
                realm = Realm(url, declared, path_keys, service)
            self._realms[identity] = realm  # the last one is the one that was wanted last
            return realm

    def _make_room(self) -> None:
        """Drop an eighth: misses first, a keyring's answers last, and of each the oldest."""
        cheapest = sorted(self._realms, key=lambda identity: _cost(self._realms[identity]))
        for identity in cheapest[: ORIGINS // 8]:
            del self._realms[identity]
        self._origins.clear()  # their scopes would keep the realms

    def _named(self, start: str, username: str | None) -> _Origin | Scope | None:
        try:
            return self._origins[_name(start, username)]
        except KeyError:
            return self._remember(start, username)

    @clears_frames
    def _remember(self, start: str, username: str | None) -> _Origin | Scope | None:
        # Not under the lock: the providers that list the path keys have locks of their own.
        era, path_keys = self.era, self._path_keys
        if path_keys is None:
            path_keys = _by_netloc(self._list_path_keys())
        origin = self._origin(start, username, path_keys)
        with self._lock:
            if era == self.era:
                self._path_keys = path_keys
                if len(self._origins) >= ORIGINS:
                    self._origins.clear()
                self._origins[_name(start, username)] = origin
        return origin

    def _origin(
        self, start: str, username: str | None, path_keys: Mapping[str, frozenset[str]]
    ) -> _Origin | Scope | None:
        """Return what knows the scopes of an origin: where there is but one, that one."""
        try:
            url = parse(start)._replace(path="/")
        except UrlError:
            return None
        if username is not None and url.username is None:
            url = url._replace(username=username)
        here = (path_keys.get(netloc, frozenset()) for netloc in (url.host, f"{url.host}:{url.port}"))
        origin = _Origin(url, self.sites.get(url.origin, _NOTHING_DECLARED), frozenset().union(*here), self)
        return origin if origin.is_by_path else origin._scope("/", "")


def _name(start: str, username: str | None) -> object:
    """Return what an origin is remembered by; a URL's own password is not seen there."""
    name = Secret(start) if "@" in start else start
    return name if username is None else (name, username)


def _cost(realm: Realm) -> int:
    """Rank what it takes to ask again; a keyring may be slow."""
    if realm.found is None:
        return 0
    return 2 if realm.found.key.kind == SERVICE else 1


def _by_netloc(path_keys: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key in path_keys:
        found.setdefault(key.partition("/")[0], set()).add(key)
    return {netloc: frozenset(keys) for netloc, keys in found.items()}


class _Origin:
    """The scopes of one scheme, user, host and port."""

    __slots__ = ("_memory", "_parted", "_path_keys", "_scopes", "_site", "_url", "latest")

    only = None
    """As ``Scope`` has it: no realm is that of every URL."""

    def __init__(self, url: Url, site: Site, path_keys: frozenset[str], memory: Memory) -> None:
        self._url = url
        self._site = site
        self._path_keys = path_keys
        self._memory = memory
        self._scopes: dict[tuple[str, ...], Scope] = {}
        self._parted: dict[str, str] = {}
        """Where a tie begins, and the longer path behind which two realms were seen to part."""
        self.latest: Realm | None = None
        """Who was let in last at a root of its own: an index's page is fetched before its files are."""

    @property
    def is_by_path(self) -> bool:
        """Whether paths matter; else one scope is that of every URL."""
        site = self._site
        return bool(site.by_path or self._path_keys or (_needs_service(self._url) and not site.covering("/")[1]))

    def scope_of(self, url: str) -> Scope:
        """Return the scope of a URL that begins with this origin."""
        return self._scope(path_of(url), url)

    def likeliest(self, url: str) -> Realm:
        """Return the realm to try first for a URL that begins with this origin."""
        path = path_of(url)
        scope = self._scope(path, url)
        return scope.only or scope.likeliest(path, self.latest)

    def choose(self, url: str, realm: Realm) -> None:
        """Note which realm opened a URL; where another one opened its neighbours, they part there."""
        path = path_of(url)
        scope = self._scope(path, url)
        if scope.only:
            self.latest = realm
            return
        folder = max(path.rpartition("/")[0], scope.path, key=len)
        if not scope.is_parted_by(realm, folder):
            scope.choose(realm, folder)
            return
        self._parted[scope.path] = shared_path(scope.ground, folder)
        for winner, begin in ((scope.realms[scope.current], scope.ground), (realm, folder)):
            side = self._scope(begin, begin)
            side.choose(winner, side.path)

    def _scope(self, path: str, text: str) -> Scope:
        """Return the scope of a path.

        :param text: the URL as it is written.
        """
        url = self._url
        prefix, covering = self._site.covering(path)
        covering = _of_user(covering, url.username)
        matched = _matched(url._replace(path=path), self._path_keys) if self._path_keys else ()
        service = _undeclared_service(url, text) if _needs_service(url) and not covering else None
        tie = self._tie(path, prefix) if len(covering) > 1 else ""
        identity = (prefix, tie, service or "", *matched)
        scope = self._scopes.get(identity)
        if scope is None:
            if len(self._scopes) >= ORIGINS:
                self._scopes.clear()
            declared: list[Declared | None] = [*covering] or [None]
            realms = [self._memory.realm(url, item, matched, service) for item in declared]
            scope = self._scopes.setdefault(identity, Scope(realms, tie))
        return scope

    def _tie(self, path: str, prefix: str) -> str:
        """Return where the scope of a path begins that several cover: it has one winner, as far as is known."""
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

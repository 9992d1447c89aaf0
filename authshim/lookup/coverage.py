"""A table of the declared indexes and channels, by the URLs that they cover.

1. A channel covers its own root, and nothing else.
2. An index covers its own root: its URL less a trailing ``/simple``.
3. An index that stands alone at its origin covers the whole origin. Google serves files next to
   ``/simple``, Azure under the GUID of a feed.
4. If an origin has several indexes, those cover a URL that share the longest path with it, by
   whole segments, in the order of the manifest. Without a common segment no index covers it.
5. If a root of the URL is as long as a path that is merely shared, the root comes first.
6. An index that is declared twice counts once, even if only one of its URLs ends with a slash.
7. An index on http covers the same URLs on https, both on their default ports, if nothing is
   declared there: a load balancer redirects to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import UrlError
from authshim.project.declaration import Declaration
from authshim.secret import Secret, clears_frames
from authshim.urls import parse
from authshim.urls.paths import index_root, prefixes
from authshim.urls.url import https_twin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from authshim.project.manifest import Channel, Index
    from authshim.project.repositories import Repository
    from authshim.urls.url import Url


class Declared(NamedTuple):
    """An index or channel of a project, as the chain needs it."""

    url: str
    root: str
    """The path of the URL, of an index without a trailing ``/simple``."""
    username: str | None
    password: Secret | None
    is_index: bool
    """False for a channel."""
    declaration: Declaration = Declaration()

    @property
    def login_in(self) -> str:
        """The file with its line or the variable that has the login, or "manifest" for pixi's."""
        declaration = self.declaration
        return declaration.login_in or declaration.place or "manifest"

    @property
    def forbids_logins(self) -> str:
        """The reason for which nothing is sent, or an empty string."""
        if self.declaration.authenticate != "never":
            return ""
        return f'authenticate = "never" in {self.declaration.place}'

    @property
    def wants_login_first(self) -> bool:
        """True if uv's policy wants a login before the first request."""
        return self.declaration.authenticate == "always"

    def __repr__(self) -> str:
        return f"Declared({self.url!r})"


class DeclaredAtOrigin:
    """The declared indexes and channels of one origin."""

    def __init__(self, declared: Iterable[Declared] = ()) -> None:
        self.items = _without_repeats(declared)
        indexes = [item for item in self.items if item.is_index]
        self._by_root = _by_root(self.items)
        self._by_shared_path = _by_shared_path(indexes)
        is_whole_origin = len(self.items) == len(indexes) <= 1
        self.by_path = not is_whole_origin
        """True if the path of a URL matters."""
        covering = (*self._by_root.values(), *self._by_shared_path.values())
        self.has_ties = any(len(items) > 1 for items in covering)
        """True if several indexes may cover a URL alike."""
        self.depth = _longest(self._by_root)
        """The number of a path's first segments that decide."""
        if self.has_ties:
            # A tie is broken one segment below.
            self.depth += 1

    def covering(self, path: str) -> tuple[str, list[Declared]]:
        """Return the prefix by which a path is covered, and the indexes or channels that cover it.

        Several of them are a tie.
        """
        for prefix in (*prefixes(path), ""):
            found = self._by_root.get(prefix)
            if not found:
                found = self._by_shared_path.get(prefix)
            if found:
                return prefix, found
        return "", []


def _longest(paths: Iterable[str]) -> int:
    """Return the number of segments of the longest path."""
    depths = [path.count("/") for path in paths]
    return max(depths, default=0)


def _without_repeats(declared: Iterable[Declared]) -> list[Declared]:
    unique: dict[tuple[object, ...], Declared] = {}
    for item in declared:
        url = item.url.rstrip("/")
        identity = (url, *item[1:])
        unique.setdefault(identity, item)
    return [*unique.values()]


def _by_root(every: Iterable[Declared]) -> dict[str, list[Declared]]:
    found: dict[str, list[Declared]] = {}
    for item in every:
        items = found.setdefault(item.root, [])
        items.append(item)
    return found


def _by_shared_path(indexes: Sequence[Declared]) -> dict[str, list[Declared]]:
    """Sort indexes by the folders above their roots, or by an empty path if there is but one."""
    found: dict[str, list[Declared]] = {}
    for item in indexes:
        folders = prefixes(item.root)[1:]
        for folder in folders:
            items = found.setdefault(folder, [])
            items.append(item)
    if len(indexes) == 1:
        found.setdefault("", [*indexes])
    return found


@clears_frames
def declared_by_origin(
    indexes: Iterable[Index],
    channels: Iterable[Channel],
) -> Mapping[str, DeclaredAtOrigin]:
    """Sort the indexes and channels of a project by origin, without those on file systems."""
    by_origin: dict[str, list[Declared]] = {}
    for index in indexes:
        _add(index, by_origin, is_index=True)
    for channel in channels:
        _add(channel, by_origin, is_index=False)
    _add_https_twins(by_origin)
    found = {}
    for origin, items in by_origin.items():
        found[origin] = DeclaredAtOrigin(items)
    return found


def _add(
    item: Repository,
    by_origin: dict[str, list[Declared]],
    *,
    is_index: bool,
) -> None:
    """Add an index or channel to those of its origin, if it is on a server."""
    try:
        url = parse(item.url)
    except UrlError:
        return
    declared = _declared(item, url, is_index=is_index)
    items = by_origin.setdefault(url.origin, [])
    items.append(declared)


def _declared(
    item: Repository,
    url: Url,
    *,
    is_index: bool,
) -> Declared:
    password = None
    if item.password is not None:
        password = Secret(item.password)
    root = url.path.rstrip("/")
    if is_index:
        root = index_root(url.path)
    return Declared(
        url=item.url,
        root=root,
        username=item.username,
        password=password,
        is_index=is_index,
        declaration=item.declaration,
    )


def _add_https_twins(by_origin: dict[str, list[Declared]]) -> None:
    """Add the https origins of the indexes that are declared on http."""
    for origin, items in list(by_origin.items()):
        twin = https_twin(origin)
        if not twin:
            continue
        indexes = [item for item in items if item.is_index]
        if indexes:
            by_origin.setdefault(twin, indexes)


def login_key(
    url: Url,
    declared: Mapping[str, DeclaredAtOrigin],
) -> str:
    """Return the key under which a login serves a URL, and no other declared index.

    It is the host. It has the port if another port of the host is declared, and the path of the
    index if several indexes share the origin.
    """
    key = url.host
    ports = _ports_of(url.host, declared)
    if len(ports) > 1:
        key = f"{url.host}:{url.port}"
    here = declared.get(url.origin)
    if here is None:
        return key
    if len(_roots_of_indexes(here.items)) < 2:
        return key
    _, covering = here.covering(url.path)
    roots = _roots_of_indexes(covering)
    if len(roots) != 1:
        return key
    (root,) = roots
    return f"{key}{root}"


def _roots_of_indexes(items: Iterable[Declared]) -> set[str]:
    return {item.root for item in items if item.is_index}


def _ports_of(
    host: str,
    declared: Mapping[str, DeclaredAtOrigin],
) -> set[int]:
    """Return the ports of a host at which something is declared."""
    ports: set[int] = set()
    for origin in declared.values():
        for item in origin.items:
            url = parse(item.url)
            if url.host == host:
                ports.add(url.port)
    return ports

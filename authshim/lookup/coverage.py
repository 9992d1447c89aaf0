"""Which declared index or channel covers a URL.

1. A channel covers its own root, and nothing else.
2. An index covers its own root: its URL less a trailing ``/simple``.
3. An index that stands alone at its origin covers the whole origin: Google serves files
   beside ``/simple``, Azure under a feed's GUID.
4. Of several indexes at an origin, those that share the longest path with the URL, by
   whole segments, in the manifest's order; no common segment, no index.
5. Where a root that the URL lies under is as long as a path that is merely shared, the
   root goes first.
6. What is declared twice, with another slash at its end perhaps, is declared once.
7. An index on http covers the same URLs on https, both on their default ports, if nothing is declared there: a load
   balancer redirects to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import UrlError
from authshim.secret import Secret, clears_frames
from authshim.url_paths import index_root, prefixes
from authshim.urls import https_twin, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.project.manifest import Channel, Index
    from authshim.urls import Url


class Declared(NamedTuple):
    """An index or channel of a project, as the chain needs it."""

    url: str
    root: str
    username: str | None
    password: Secret | None
    is_index: bool

    def __repr__(self) -> str:
        return f"Declared({self.url!r})"


class DeclaredAtOrigin:
    """What is declared at one origin."""

    def __init__(self, declared: Iterable[Declared] = ()) -> None:
        self._whole: dict[str, list[Declared]] = {}
        self._shared: dict[str, list[Declared]] = {}
        unique: dict[tuple[object, ...], Declared] = {}
        for item in declared:
            unique.setdefault(_identity(item), item)
        every = [*unique.values()]
        indexes = [item for item in every if item.is_index]
        for item in every:
            self._whole.setdefault(item.root, []).append(item)
        for item in indexes:
            for prefix in prefixes(item.root)[1:]:
                self._shared.setdefault(prefix, []).append(item)
        if len(indexes) == 1:
            self._shared.setdefault("", indexes)
        self.by_path = bool(len(every) > 1 or (every and not indexes))
        """Whether the path of a URL matters."""
        covering = (*self._whole.values(), *self._shared.values())
        self.has_ties = any(len(items) > 1 for items in covering)
        """Whether several may cover a URL alike."""
        longest = max((root.count("/") for root in self._whole), default=0)
        self.depth = longest + int(self.has_ties)
        """The number of a path's first segments that decide, one more if a tie is broken by folder."""

    def covering(self, path: str) -> tuple[str, list[Declared]]:
        """Return the path by which a URL is covered, and what covers it; several are a tie."""
        for prefix in (*prefixes(path), ""):
            found = self._whole.get(prefix) or self._shared.get(prefix)
            if found:
                return prefix, found
        return "", []


def _identity(item: Declared) -> tuple[object, ...]:
    return (item.url.rstrip("/"), *item[1:])


@clears_frames
def declared_by_origin(
    indexes: Iterable[Index], channels: Iterable[Channel]
) -> Mapping[str, DeclaredAtOrigin]:
    """Sort what a project declares by origin; what is no http(s) URL is left out."""
    by_origin: dict[str, list[Declared]] = {}
    for item, is_index in [
        *((index, True) for index in indexes),
        *((channel, False) for channel in channels),
    ]:
        try:
            url = parse(item.url)
        except UrlError:
            continue
        password = None if item.password is None else Secret(item.password)
        declared = Declared(item.url, _root(url, is_index), item.username, password, is_index)
        by_origin.setdefault(url.origin, []).append(declared)
    for origin, items in list(by_origin.items()):
        twin, indexes_here = https_twin(origin), [item for item in items if item.is_index]
        if twin and indexes_here:
            by_origin.setdefault(twin, indexes_here)
    return {origin: DeclaredAtOrigin(items) for origin, items in by_origin.items()}


def _root(url: Url, is_index: bool) -> str:
    return index_root(url.path) if is_index else url.path.rstrip("/")

"""The candidate sets of one origin: which entries may open a path, and which one is tried first.

1. The declared indexes and channels that cover a path decide, then the path keys that match it.
2. If nothing declared covers a URL with a username, each index URL has a set of its own.
3. If several declared indexes cover a path alike, each of its first folders has a set of its own.
   If two of them open neighbouring folders, the set is split there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from authshim.lookup.candidate_set import CandidateSet
from authshim.lookup.entry import MAX_CACHED_ENTRIES
from authshim.urls import PATH, PREFIX, host_keys, path_of, without_userinfo
from authshim.urls.paths import (
    MAX_SEGMENTS,
    cut_after_simple,
    has_ambiguous_path,
    prefixes,
    shared_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from authshim.lookup.coverage import Declared, DeclaredAtOrigin
    from authshim.lookup.entry import CacheEntry
    from authshim.urls import Key
    from authshim.urls.url import Url

    MakeEntry = Callable[[Url, Declared | None, tuple[Key, ...], str | None], CacheEntry]


class OriginEntry:
    """The candidate sets of one scheme, user, host and port."""

    __slots__ = (
        "_declared",
        "_make_entry",
        "_paths",
        "_sets",
        "_splits",
        "_url",
        "_written_paths",
        "latest",
    )

    only = None
    """The same attribute as of ``CandidateSet``: None, since no entry serves every URL."""

    def __init__(
        self,
        url: Url,
        declared: DeclaredAtOrigin,
        path_keys: frozenset[str],
        make_entry: MakeEntry,
    ) -> None:
        """Make an origin without candidate sets.

        :param path_keys: the keys of the kinds "path" and "prefix" that the providers have here.
        :param make_entry: return the entry of a URL, from the cache or new.
        """
        self._url = url
        self._declared = declared
        self._paths = path_keys
        self._make_entry = make_entry
        self._sets: dict[tuple[str, ...], CandidateSet] = {}
        depth = max((_key_depth(key) for key in path_keys), default=0)
        self._written_paths = _WrittenPaths(max(depth, declared.depth))
        self._splits: dict[str, str] = {}
        """The longer path at which the candidate set of a path is split."""
        self.latest: CacheEntry | None = None
        """The entry that opened a root of its own last. A client reads an index's page first."""

    @property
    def is_by_path(self) -> bool:
        """Return True if the path of a URL matters. Otherwise all URLs share a candidate set."""
        if self._declared.by_path or self._paths:
            return True
        return self._is_by_text("/")

    def candidates(self, url: str) -> CandidateSet:
        """Return the candidate set of a URL at this origin."""
        paths = self._written_paths
        match = paths.match(url)
        if match is None:
            path = path_of(url)
            return self.candidates_at(path, url)
        segments = match[1]
        candidates = paths.sets.get(segments)
        if candidates is not None:
            return candidates
        path = path_of(url)
        candidates = self.candidates_at(path, url)
        if not self._is_by_text(path):
            paths.keep(segments, candidates)
        return candidates

    def likeliest(self, url: str) -> CacheEntry:
        """Return the entry to try first for a URL at this origin."""
        candidates = self.candidates(url)
        if candidates.only:
            return candidates.only
        path = path_of(url)
        return candidates.likeliest(path, self.latest)

    def choose(self, url: str, entry: CacheEntry) -> None:
        """Note the entry that opened a URL; split its set if another one opened its neighbours."""
        candidates = self.candidates(url)
        if candidates.only:
            self.latest = entry
            return
        folder, _, _ = path_of(url).rpartition("/")
        folder = max(folder, candidates.path, key=len)
        if candidates.is_parted_by(entry, folder):
            self._split(candidates, entry, folder)
        else:
            candidates.choose(entry, folder)

    def candidates_at(self, path: str, text: str) -> CandidateSet:
        """Return the candidate set of a path.

        :param text: the URL as it is written.
        """
        url = self._url
        prefix, covering = self._declared.covering(path)
        covering = _of_user(covering, url.username)
        matched = self._matched(path)
        service = None
        if self._is_by_text(path):
            service = _undeclared_service(url, text)
        tie = ""
        if len(covering) > 1:
            tie = self._tie(path, prefix)
        identity = (prefix, tie, service or "", *matched)
        candidates = self._sets.get(identity)
        if candidates is not None:
            return candidates
        if len(self._sets) >= MAX_CACHED_ENTRIES:
            self._clear()
        declared: list[Declared | None] = [*covering] or [None]
        entries = [
            self._make_entry(
                url,
                item,
                matched,
                service,
            )
            for item in declared
        ]
        made = CandidateSet(entries, tie)
        return self._sets.setdefault(identity, made)

    def _matched(self, path: str) -> tuple[Key, ...]:
        """Return the keys of the kinds "path" and "prefix" of a path, in their order."""
        if not self._paths:
            return ()
        keys = host_keys(self._url._replace(path=path), self._paths)
        return tuple(key for key in keys if key.kind in (PATH, PREFIX))

    def _is_by_text(self, path: str) -> bool:
        """Return True if a keyring is asked for the URL, since nothing declared covers it."""
        if not self._url.username or self._url.password is not None:
            return False
        _, covering = self._declared.covering(path)
        return not covering

    def _clear(self) -> None:
        """Forget the candidate sets."""
        self._sets.clear()
        self._written_paths = _WrittenPaths(self._written_paths.depth)

    def _split(
        self,
        candidates: CandidateSet,
        entry: CacheEntry,
        folder: str,
    ) -> None:
        """Split a set between the chosen entry and the one that opened a folder."""
        split = shared_path(candidates.known_prefix, folder)
        self._splits[candidates.path] = split
        depth = max(self._written_paths.depth, _depth(split) + 1)
        self._written_paths = _WrittenPaths(depth)
        chosen = candidates.entries[candidates.current]
        self._choose_at(candidates.known_prefix, chosen)
        self._choose_at(folder, entry)

    def _choose_at(self, path: str, entry: CacheEntry) -> None:
        """Choose an entry in the candidate set of a path."""
        side = self.candidates_at(path, path)
        side.choose(entry, side.path)

    def _tie(self, path: str, prefix: str) -> str:
        """Return the path where the set begins if several declared indexes cover it."""
        tie = _next_folder(path, prefix)
        while tie in self._splits:
            split = self._splits[tie]
            if not path.startswith(f"{split}/"):
                break
            longer = _next_folder(path, split)
            if len(longer) <= len(tie):
                break
            tie = longer
        return tie


class _WrittenPaths:
    """The candidate sets of paths as they are written, so that most URLs need no parser.

    The first ``depth`` segments of a path decide.
    """

    __slots__ = ("depth", "sets")

    def __init__(self, depth: int) -> None:
        self.depth = min(depth, MAX_SEGMENTS)
        self.sets: dict[str, CandidateSet] = {}

    def match(self, url: str) -> re.Match[str] | None:
        """Match a URL whose path every server reads alike. Group 1 is its first segments."""
        return _plain_url(self.depth).fullmatch(url)

    def keep(self, segments: str, candidates: CandidateSet) -> None:
        if len(self.sets) >= MAX_CACHED_ENTRIES:
            self.sets.clear()
        self.sets[segments] = candidates


@lru_cache(maxsize=MAX_SEGMENTS + 1)
def _plain_url(depth: int) -> re.Pattern[str]:
    """Compile a pattern of URLs without a query, an escape, an empty segment or a leading dot.

    A group in a lookahead is never matched again, so a URL is read in linear time.
    """
    segment = r"/[\w~+-][\w~+.-]*"
    first = rf"(?=((?:{segment}){{0,{depth}}}))"
    return re.compile(rf"[A-Za-z]+://[^/?#\\]*{first}(?:{segment})*/?", re.ASCII)


def _depth(path: str) -> int:
    return path.count("/")


def _key_depth(key: str) -> int:
    """Return the number of segments in the path of a key, which may begin with a scheme."""
    _, _, rest = key.partition("://")
    return _depth(rest or key)


def _of_user(
    covering: list[Declared],
    username: str | None,
) -> list[Declared]:
    """Return the declared indexes that serve a username, or all if none does."""
    if username is None or len(covering) < 2:
        return covering
    serving = [item for item in covering if item.username in (None, username)]
    return serving or covering


def _undeclared_service(url: Url, text: str) -> str:
    """Return the URL cut after ``/simple``, or its origin: a keyring may know one of them."""
    origin = f"{url.scheme}://{url.netloc}/"
    if has_ambiguous_path(text):
        return origin
    written = without_userinfo(text)
    return cut_after_simple(written) or origin


def _next_folder(path: str, prefix: str) -> str:
    """Return the path cut one segment after a prefix, or an empty string if nothing follows it."""
    longer = [item for item in prefixes(path) if len(item) > len(prefix)]
    if not longer:
        return ""
    return longer[-1]

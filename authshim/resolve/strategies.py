"""Choose the index that serves a package, by the tool's strategy, then a version and a file.

The strategies of pixi and uv are the first three.

1. first-index: the first index that has the name serves it, and no other.
2. unsafe-first-match: the first index that has a version that can be taken.
3. unsafe-best-match: the highest version that can be taken, from the first index that has it.
4. The files of flat pages (``find-links``) count as if each index had them too, before its own.
5. Of an index the newest release is taken that has a file for the machine. A version before a
   release is taken if the mode allows it and no release can be taken. ``packaging`` decides what
   a specifier, a ``requires-python`` and a tag allow. A yanked file counts for ``==`` alone.
6. pip takes the best file of all indexes and flat pages. Of equal ones it takes that of the last
   index. A specifier that names a version before a release allows all of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.index.answer import FOUND
from authshim.project.model import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.version import Version

    from authshim.index.answer import Answer
    from authshim.resolve.candidates import Candidate, Request

    Versions = dict[Version, list[Candidate]]

FIRST_INDEX, _, BEST_MATCH = STRATEGIES


class IndexVersions(NamedTuple):
    """The versions that one index has, together with the files of flat pages."""

    page: Answer
    versions: Versions

    @property
    def is_index_with_the_name(self) -> bool:
        """Return True of an index that has a page for the name, and is not flat."""
        if self.page.place.flat:
            return False
        return self.page.answer == FOUND


class Taken(NamedTuple):
    """The file that is taken, and the page of the index that serves it."""

    candidate: Candidate
    page: Answer


def versions_by_index(
    pages: Sequence[Answer],
    listed: Sequence[Versions],
    strategy: str,
) -> list[IndexVersions]:
    """Return the versions of each index that the strategy asks and that has the name.

    Those of flat pages are among them. If no index has the name, return those of the flat pages
    as if they were of the first one.

    :param listed: the versions of each page.
    """
    indexes = _with_the_name(pages, listed)
    if strategy == FIRST_INDEX:
        # No later index is asked once one has the name, whatever versions it has.
        return indexes[:1]
    return indexes


def _with_the_name(
    pages: Sequence[Answer],
    listed: Sequence[Versions],
) -> list[IndexVersions]:
    flat = []
    having = []
    for page, versions in zip(pages, listed):
        index = IndexVersions(page, versions)
        if index.is_index_with_the_name:
            having.append(index)
        elif page.place.flat and versions:
            flat.append(index)
    if not flat:
        return having
    if not having:
        merged = _merged(flat)
        return [IndexVersions(flat[0].page, merged)]
    found = []
    for index in having:
        merged = _merged([*flat, index])
        found.append(IndexVersions(index.page, merged))
    return found


def _merged(indexes: Sequence[IndexVersions]) -> Versions:
    found: Versions = {}
    for index in indexes:
        for version, candidates in index.versions.items():
            of_version = found.setdefault(version, [])
            of_version += candidates
    return found


def match(
    indexes: Sequence[IndexVersions],
    request: Request,
    strategy: str,
) -> Taken | None:
    """Return the file that pixi and uv take, or None if none can be taken."""
    if strategy == BEST_MATCH:
        return _best_match(indexes, request)
    return _first_match(indexes, request)


def _first_match(
    indexes: Sequence[IndexVersions],
    request: Request,
) -> Taken | None:
    for index in indexes:
        candidate = request.newest(index.versions)
        if candidate is not None:
            return Taken(candidate, index.page)
    return None


def _best_match(
    indexes: Sequence[IndexVersions],
    request: Request,
) -> Taken | None:
    every: set[Version] = set()
    for index in indexes:
        every.update(index.versions)
    for version in request.in_order(every):
        for index in indexes:
            candidates = index.versions.get(version, [])
            candidate = request.best(candidates)
            if candidate is not None:
                return Taken(candidate, index.page)
    return None


def pip_match(
    pages: Sequence[Answer],
    listed: Sequence[Versions],
    request: Request,
) -> Taken | None:
    """Return the best file of all pages. Of equal ones that of the last page comes first."""
    flat = []
    simple = []
    for page, versions in zip(pages, listed):
        index = IndexVersions(page, versions)
        if page.place.flat:
            flat.append(index)
        else:
            simple.append(index)
    merged = _merged([*flat, *simple])
    for candidates in merged.values():
        candidates.reverse()
    candidate = request.newest(merged)
    if candidate is None:
        return None
    serving = [page for page in pages if page.place == candidate.place]
    return Taken(candidate, serving[0])


def last_asked(
    indexes: Sequence[IndexVersions],
    taken: Taken | None,
    strategy: str,
) -> Answer | None:
    """Return the index behind which no other could have served, or None if any could."""
    if strategy == FIRST_INDEX and indexes:
        return indexes[0].page
    if strategy == BEST_MATCH or taken is None:
        return None
    return taken.page

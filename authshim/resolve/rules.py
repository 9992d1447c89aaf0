"""Choose the index that serves a package, by the tool's strategy, then a version and a file.

The strategies of pixi and uv are the first three.

1. first-index: the first index that has the name serves it, and no other.
2. unsafe-first-match: the first index that has a version that can be taken.
3. unsafe-best-match: the highest version that can be taken, from the first index that has it.
4. The files of flat pages (``find-links``) count as if each index had them too, before its own.
5. Of an index the newest release is taken that has a file for the machine. A version before a
   release is taken if the mode allows it and no release can be taken. ``packaging`` decides what
   a specifier, a ``requires-python`` and a tag allow. A yanked file counts for ``==`` alone.
6. An index that did not answer may have the name. If it might have served, or if the tool stops
   at it, the answer is doubtful. An unsafe strategy passes over a 401 and a 403, and nothing else.
   uv passes over the statuses of ``ignore-error-codes`` too.
7. pip takes the best file of all indexes and flat pages. Of equal ones it takes that of the last
   index. A specifier that names a version before a release allows all of those. An index that
   does not answer is passed over.

No dependency of a package is looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Optional

from authshim.index.answer import FOUND, NOT_ASKED, with_status
from authshim.project.model import STRATEGIES
from authshim.resolve import confusion
from authshim.resolve.candidates import Candidate, Request, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.version import Version

    from authshim.index.answer import Answer
    from authshim.project.requirements import Dependency

    _Versions = dict[Version, list[Candidate]]

FIRST_INDEX, _, BEST_MATCH = STRATEGIES

PIP = "pip"


class Resolution(NamedTuple):
    """The index that a package would come from."""

    dependency: Dependency
    environments: tuple[str, ...] = ()
    """The environments of which it is true."""
    asked: tuple[Answer, ...] = ()
    """The answers of the indexes in the tool's order, those of flat ones last."""
    taken: Candidate | None = None
    """The file that is taken, or None if there is none, or if it comes from no index."""
    problem: str = ""
    """The reason for which nothing is taken."""
    doubts: tuple[str, ...] = ()
    """Sentences about indexes that did not answer and might have served the package."""
    warnings: tuple[str, ...] = ()
    """Sentences about public indexes that have the name of a private package."""

    @property
    def fine(self) -> bool:
        """True if the index is known."""
        if self.dependency.origin:
            return True
        return self.taken is not None and not self.doubts


class _IndexVersions(NamedTuple):
    """The versions that one index has, together with the files of flat pages."""

    page: Answer
    versions: _Versions

    @property
    def is_index_with_the_name(self) -> bool:
        """Return True of an index that has a page for the name, and is not flat."""
        return self.page.answer == FOUND and not self.page.place.flat


def resolve(
    dependency: Dependency,
    pages: Sequence[Answer],
    *,
    strategy: str,
    mode: str,
    tool: str = "pixi",
) -> Resolution:
    """Choose from the answers of the indexes.

    :param pages: one of each index, in the tool's order, flat ones last.
    :param strategy: the ``index-strategy`` of pixi and uv.
    :param mode: the ``prerelease-mode`` of pixi and uv.
    :param tool: "pixi", "uv" or "pip".
    """
    if dependency.origin:
        return Resolution(dependency)
    request = Request.of(dependency, mode)
    listed = [versions_of(page, request.name) for page in pages]
    indexes = _index_versions(pages, listed)
    # Under first-index no later one is asked once one has the name, whatever versions it has.
    if strategy == FIRST_INDEX:
        indexes = indexes[:1]
    if tool == PIP:
        taken = _pip_match(pages, listed, request.as_of_pip())
    else:
        taken = _match(indexes, request, strategy)
    last = _last(indexes, taken, strategy)
    doubts = _doubts(pages, last, request.name, strategy, tool)
    warnings = confusion.warnings_of(pages, listed, request.name, strategy, tool)
    found = Resolution(
        dependency,
        asked=tuple(pages),
        doubts=tuple(doubts),
        warnings=tuple(warnings),
    )
    if taken is None:
        return found._replace(problem=_problem(pages, indexes, request))
    candidate, _ = taken
    return found._replace(taken=candidate)


def _index_versions(
    pages: Sequence[Answer],
    listed: Sequence[_Versions],
) -> list[_IndexVersions]:
    """Return the versions of each index that has the name, with those of flat pages.

    If no index has it, return those of the flat pages as if they were of the first one.
    """
    flat = []
    having = []
    for page, versions in zip(pages, listed):
        index = _IndexVersions(page, versions)
        if index.is_index_with_the_name:
            having.append(index)
        elif page.place.flat and versions:
            flat.append(index)
    if not flat:
        return having
    if not having:
        return [_IndexVersions(flat[0].page, _merged(flat))]
    return [_IndexVersions(index.page, _merged([*flat, index])) for index in having]


def _merged(indexes: Sequence[_IndexVersions]) -> _Versions:
    found: _Versions = {}
    for index in indexes:
        for version, candidates in index.versions.items():
            of_version = found.setdefault(version, [])
            of_version += candidates
    return found


_Taken = Optional[tuple["Candidate", "Answer"]]
"""The file that is taken, and the index that serves it."""


def _match(
    indexes: Sequence[_IndexVersions],
    request: Request,
    strategy: str,
) -> _Taken:
    if strategy == BEST_MATCH:
        return _best_match(indexes, request)
    return _first_match(indexes, request)


def _first_match(indexes: Sequence[_IndexVersions], request: Request) -> _Taken:
    for index in indexes:
        taken = request.newest(index.versions)
        if taken is not None:
            return taken, index.page
    return None


def _best_match(indexes: Sequence[_IndexVersions], request: Request) -> _Taken:
    every: set[Version] = set()
    for index in indexes:
        every.update(index.versions)
    for version in request.in_order(every):
        for index in indexes:
            taken = request.best(index.versions.get(version, []))
            if taken is not None:
                return taken, index.page
    return None


def _pip_match(
    pages: Sequence[Answer],
    listed: Sequence[_Versions],
    request: Request,
) -> _Taken:
    """Return the best file of all pages. Of equal ones that of the last page comes first."""
    flat = []
    simple = []
    for page, versions in zip(pages, listed):
        index = _IndexVersions(page, versions)
        if page.place.flat:
            flat.append(index)
        else:
            simple.append(index)
    merged = _merged([*flat, *simple])
    last_first = {version: candidates[::-1] for version, candidates in merged.items()}
    taken = request.newest(last_first)
    if taken is None:
        return None
    serving = next(page for page in pages if page.place == taken.place)
    return taken, serving


def _last(
    indexes: Sequence[_IndexVersions],
    taken: _Taken,
    strategy: str,
) -> Answer | None:
    """Return the index behind which no other could have served, or None if any could."""
    if strategy == FIRST_INDEX and indexes:
        return indexes[0].page
    if strategy == BEST_MATCH or taken is None:
        return None
    return taken[1]


def _problem(
    pages: Sequence[Answer],
    indexes: Sequence[_IndexVersions],
    request: Request,
) -> str:
    """Return the reason why nothing is taken."""
    if not indexes:
        if all(page.has_answer for page in pages):
            return "no index has it"
        return "no index that answered has it"
    places = " and ".join(index.page.place.shown for index in indexes)
    has = "have"
    if len(indexes) == 1:
        has = "has"
    return f"nothing that {places} {has} can be taken: {_obstacles(indexes, request)}"


def _obstacles(indexes: Sequence[_IndexVersions], request: Request) -> str:
    """Return the number of versions that each obstacle keeps from being taken."""
    counts: Counter[str] = Counter()
    for index in indexes:
        for version, candidates in index.versions.items():
            obstacle = request.refusal(version, candidates)
            counts[obstacle] += 1
    if not counts:
        return "it lists no file"
    return ", ".join(f"{count} {obstacle}" for obstacle, count in counts.items())


def _doubts(
    pages: Sequence[Answer],
    last: Answer | None,
    name: str,
    strategy: str,
    tool: str,
) -> Iterator[str]:
    """Yield a sentence for each index that did not answer and matters.

    Those before the last might have served it, and all flat pages. At the others pixi may stop.
    """
    end = len(pages)
    if last is not None:
        end = pages.index(last)
    for at, page in enumerate(pages):
        if page.has_answer or page.status in page.place.declaration.ignored_codes:
            continue
        is_passed = _is_passed(page, strategy, tool)
        is_asked_anyway = strategy != FIRST_INDEX and not is_passed
        if at < end or page.place.flat or is_asked_anyway:
            yield f"{_unknown(page, name)}{_consequence(page, tool, is_passed=is_passed)}"


def _is_passed(page: Answer, strategy: str, tool: str) -> bool:
    """Return True if the tool goes on to the next index."""
    if tool == PIP:
        return True
    return strategy != FIRST_INDEX and page.status in (401, 403)


def _unknown(page: Answer, name: str) -> str:
    reason = with_status(page.status, page.detail, separator=", ")
    if reason:
        reason = f" ({reason})"
    return f"whether {page.place.shown} has {name} is not known: {page.answer}{reason}"


def _consequence(page: Answer, tool: str, *, is_passed: bool) -> str:
    if page.answer == NOT_ASKED:
        return ""
    if is_passed:
        return f"; {tool} passes over it"
    return f"; {tool} stops there"

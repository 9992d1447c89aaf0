"""Which index serves a package, in which version and file: uv's rules, to which pixi hands its indexes.

1. first-index: the first index that has the name serves it, and no other.
2. unsafe-first-match: index by index, until one has a version that can be taken; a version that one has but that
   cannot be taken there is not taken from a later one.
3. unsafe-best-match: the highest version that can be taken; from the first index that has it.
4. The files of flat pages (``find-links``) count as if each index had them too, before its own.
5. Of a version, the wheel with the best tag is taken, else the sdist. What is yanked counts only for ``==`` alone,
   and of ``requires-python`` only where it begins.
6. An index that did not answer is not taken for one that does not have the name: where it might have served, or
   where pixi stops at it, the answer is doubtful. An unsafe strategy passes over a 401 and a 403, and nothing else.

No dependency of a package is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim import confusion
from authshim.candidates import Candidate, Wish, candidates_of
from authshim.features import STRATEGIES
from authshim.pages import FOUND, NOT_ASKED, NOT_THERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.version import Version

    from authshim.pages import Page
    from authshim.requirements import Dependency

FIRST_INDEX, _, BEST_MATCH = STRATEGIES


class Resolution(NamedTuple):
    """Where a package would come from."""

    dependency: Dependency
    environments: tuple[str, ...] = ()
    """The pixi environments of which it is true."""
    asked: tuple[Page, ...] = ()
    """What each index answered, in pixi's order, flat ones last."""
    taken: Candidate | None = None
    """What is taken; None where nothing is, or where it does not come from an index."""
    problem: str = ""
    """Why nothing is taken."""
    doubts: tuple[str, ...] = ()
    """What did not answer, and might have served it."""
    warnings: tuple[str, ...] = ()
    """Where a public index has the name of a private package."""

    @property
    def fine(self) -> bool:
        """Whether it is known where it comes from."""
        return bool(self.dependency.origin) or (self.taken is not None and not self.doubts)


class _Shelf(NamedTuple):
    """What one index has, the files of flat pages with it: candidates by version, the best first."""

    page: Page
    versions: dict[Version, list[Candidate]]


def resolve(dependency: Dependency, pages: Sequence[Page], *, strategy: str, mode: str) -> Resolution:
    """Choose from what the indexes answered.

    :param pages: one of each index, in pixi's order, flat ones last.
    :param strategy: pixi's ``index-strategy``.
    :param mode: pixi's ``prerelease-mode``.
    """
    if dependency.origin:
        return Resolution(dependency)
    wish = Wish.of(dependency, mode)
    shelves = _shelves(pages, wish)
    # Under first-index no later one is asked once one has the name, whatever versions it has.
    shelves = shelves[:1] if strategy == FIRST_INDEX else shelves
    taken, last = _best_match(shelves, wish) if strategy == BEST_MATCH else _first_match(shelves, wish)
    if strategy == FIRST_INDEX and shelves:
        last = shelves[0].page
    return Resolution(
        dependency,
        asked=tuple(pages),
        taken=taken,
        problem="" if taken else _problem(pages, shelves, wish),
        doubts=tuple(_doubts(pages, last, wish.name, strategy)),
        warnings=tuple(confusion.warnings_of(pages, [[*_versions(page, wish)] for page in pages], wish.name, strategy)),
    )


def _versions(page: Page, wish: Wish) -> set[Version]:
    return {candidate.version for candidate in candidates_of(page, wish)}


def _shelves(pages: Sequence[Page], wish: Wish) -> list[_Shelf]:
    """Return a shelf for each index that has the name; one for flat pages alone where none has."""
    flat = [candidate for page in pages if page.place.flat for candidate in candidates_of(page, wish)]
    having = [page for page in pages if page.answer == FOUND and not page.place.flat]
    if not having and flat:
        having = [page for page in pages if page.place == flat[0].place]
        return [_Shelf(having[0], _by_version(flat))]
    return [_Shelf(page, _by_version([*flat, *candidates_of(page, wish)])) for page in having]


def _by_version(candidates: Sequence[Candidate]) -> dict[Version, list[Candidate]]:
    found: dict[Version, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate.version, []).append(candidate)
    return found


_Taken = tuple["Candidate | None", "Page | None"]
"""What is taken, and the index after which nothing else could have been taken; None: any could."""


def _first_match(shelves: Sequence[_Shelf], wish: Wish) -> _Taken:
    refused: set[Version] = set()
    stable = _have_releases(shelves)
    for shelf in shelves:
        for version in sorted(shelf.versions, reverse=True):
            if version in refused or not wish.allows(version, stable=stable):
                continue
            taken = wish.best(shelf.versions[version])
            if taken is not None:
                return taken, shelf.page
            refused.add(version)
    return None, None


def _best_match(shelves: Sequence[_Shelf], wish: Wish) -> _Taken:
    stable = _have_releases(shelves)
    versions = {version for shelf in shelves for version in shelf.versions if wish.allows(version, stable=stable)}
    for version in sorted(versions, reverse=True):
        for shelf in shelves:
            taken = wish.best(shelf.versions.get(version, []))
            if taken is not None:
                return taken, None
    return None, None


def _have_releases(shelves: Sequence[_Shelf]) -> bool:
    """Tell whether any version at all is a release; if-necessary asks for that."""
    return any(not version.is_prerelease for shelf in shelves for version in shelf.versions)


def _problem(pages: Sequence[Page], shelves: Sequence[_Shelf], wish: Wish) -> str:
    """Say why nothing is taken, with a count of what stood in the way."""
    if not shelves:
        all_answered = all(page.answer in (FOUND, NOT_THERE) for page in pages)
        return "no index has it" if all_answered else "no index that answered has it"
    stable = _have_releases(shelves)
    reasons: dict[str, int] = {}
    for shelf in shelves:
        for version, candidates in shelf.versions.items():
            reason = wish.refusal(version, candidates, stable=stable)
            reasons[reason] = reasons.get(reason, 0) + 1
    places = " and ".join(shelf.page.place.shown for shelf in shelves)
    said = ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "it lists no file"
    return f"nothing that {places} {'has' if len(shelves) == 1 else 'have'} can be taken: {said}"


def _doubts(pages: Sequence[Page], last: Page | None, name: str, strategy: str) -> Iterator[str]:
    """Say which indexes did not answer that matter.

    Those that might have served it: before the last, and all flat pages; and those at which pixi stops.
    """
    end = len(pages) if last is None else pages.index(last)
    for at, page in enumerate(pages):
        if page.answer in (FOUND, NOT_THERE):
            continue
        unsafe = strategy != FIRST_INDEX
        passes = unsafe and page.status in (401, 403)
        if at < end or page.place.flat or (unsafe and not passes):
            does = "" if page.answer == NOT_ASKED else "; pixi passes over it" if passes else "; pixi stops there"
            yield f"whether {page.place.shown} has {name} is not known: {page.answer}{_because(page)}{does}"


def _because(page: Page) -> str:
    said = ", ".join(part for part in (f"HTTP {page.status}" if page.status else "", page.detail) if part)
    return f" ({said})" if said else ""

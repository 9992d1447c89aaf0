"""The index that a package would come from, and what may be wrong with that.

1. ``strategies`` chooses the index, the version and the file.
2. An index that did not answer may have the name. If it might have served, or if the tool stops
   at it, the answer is doubtful. An unsafe strategy passes over a 401 and a 403, and nothing else.
   uv passes over the statuses of ``ignore-error-codes`` too. pip passes over every index that
   does not answer.

No dependency of a package is looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from authshim.index.answer import NOT_ASKED, with_status
from authshim.resolve import confusion, strategies
from authshim.resolve.candidates import Candidate, Request, versions_of
from authshim.resolve.strategies import FIRST_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.index.answer import Answer
    from authshim.project.requirements import Dependency
    from authshim.resolve.query import Query
    from authshim.resolve.strategies import Taken

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


def resolve(
    query: Query,
    pages: Sequence[Answer],
) -> Resolution:
    """Choose from the answers of the indexes.

    :param pages: one of each index, in the tool's order, flat ones last.
    """
    if query.dependency.origin:
        return Resolution(query.dependency, query.environments)
    return _Resolver(query, pages).run()


class _Resolver:
    """A query, and the answers of the indexes to it."""

    def __init__(
        self,
        query: Query,
        pages: Sequence[Answer],
    ) -> None:
        self._query = query
        self._pages = pages
        self._request = Request.of(query.dependency, query.mode)
        name = self._request.name
        self._listed = [versions_of(page, name) for page in pages]
        self._indexes = strategies.versions_by_index(
            pages,
            self._listed,
            query.strategy,
        )

    def run(self) -> Resolution:
        """Return the resolution."""
        taken = self._take()
        doubts = self._doubts(taken)
        warnings = self._warnings()
        found = Resolution(
            self._query.dependency,
            self._query.environments,
            asked=tuple(self._pages),
            doubts=tuple(doubts),
            warnings=tuple(warnings),
        )
        if taken is None:
            problem = self._problem()
            return found._replace(problem=problem)
        return found._replace(taken=taken.candidate)

    def _take(self) -> Taken | None:
        """Return the file that the tool takes, or None if it can take none."""
        if self._query.tool == PIP:
            request = self._request.as_of_pip()
            return strategies.pip_match(
                self._pages,
                self._listed,
                request,
            )
        return strategies.match(
            self._indexes,
            self._request,
            self._query.strategy,
        )

    def _warnings(self) -> Iterator[str]:
        return confusion.warnings_of(
            self._pages,
            self._listed,
            self._request.name,
            self._query.strategy,
            self._query.tool,
        )

    def _problem(self) -> str:
        """Return the reason why nothing is taken."""
        if not self._indexes:
            if all(page.has_answer for page in self._pages):
                return "no index has it"
            return "no index that answered has it"
        places = [index.page.place.shown for index in self._indexes]
        names = " and ".join(places)
        has = "have"
        if len(places) == 1:
            has = "has"
        obstacles = self._obstacles()
        return f"nothing that {names} {has} can be taken: {obstacles}"

    def _obstacles(self) -> str:
        """Return the number of versions that each obstacle keeps from being taken."""
        counts: Counter[str] = Counter()
        for index in self._indexes:
            for version, candidates in index.versions.items():
                obstacle = self._request.refusal(version, candidates)
                counts[obstacle] += 1
        if not counts:
            return "it lists no file"
        numbers = [f"{count} {obstacle}" for obstacle, count in counts.items()]
        return ", ".join(numbers)

    def _doubts(self, taken: Taken | None) -> Iterator[str]:
        """Yield a sentence for each index that did not answer and matters.

        Those before the last might have served it, and all flat pages. At the others pixi may stop.
        """
        end = len(self._pages)
        last = strategies.last_asked(
            self._indexes,
            taken,
            self._query.strategy,
        )
        if last is not None:
            end = self._pages.index(last)
        for at, page in enumerate(self._pages):
            ignored = page.place.declaration.ignored_codes
            if page.has_answer or page.status in ignored:
                continue
            might_have_served = at < end or page.place.flat
            if might_have_served or self._stops_at(page):
                yield self._doubt(page)

    def _stops_at(self, page: Answer) -> bool:
        """Return True if the tool asks an index in any case, and goes on to no other."""
        if self._query.strategy == FIRST_INDEX:
            return False
        return not self._passes_over(page)

    def _passes_over(self, page: Answer) -> bool:
        """Return True if the tool goes on to the next index."""
        if self._query.tool == PIP:
            return True
        if self._query.strategy == FIRST_INDEX:
            return False
        return page.status in (401, 403)

    def _doubt(self, page: Answer) -> str:
        unknown = _unknown(page, self._request.name)
        tool = self._query.tool
        if page.answer == NOT_ASKED:
            return unknown
        if self._passes_over(page):
            return f"{unknown}; {tool} passes over it"
        return f"{unknown}; {tool} stops there"


def _unknown(page: Answer, name: str) -> str:
    reason = with_status(
        page.status,
        page.detail,
        separator=", ",
    )
    if reason:
        reason = f" ({reason})"
    return f"whether {page.place.shown} has {name} is not known: {page.answer}{reason}"

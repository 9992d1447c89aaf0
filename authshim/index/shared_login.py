"""The next step for an index that shares its host with others.

A login for a path serves one index, but pixi reads no such key. So it is advised only if a login
for the host would not do.

1. Nobody knows if indexes without a credential share a login. The path keeps them apart.
2. An index that is open, or has a credential of its own, is not touched by a login for the host.
3. If the host's login is rejected by all of its indexes, another login may serve all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import advice
from authshim.index.probe import LET_IN, OPEN, REJECTED
from authshim.project.repositories import Index
from authshim.urls import HOST, PORT, WILDCARD, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.index.probe import Result
    from authshim.lookup.chain import Chain
    from authshim.project.repositories import Repository


def shorten_logins(
    places: Sequence[Repository], results: Sequence[Result], chain: Chain
) -> list[Result]:
    """Return the results. A step that names a path needlessly names the host alone."""
    both = list(zip(places, results))
    return [_shorten(place, result, _neighbours(place, both), chain) for place, result in both]


def _neighbours(place: Repository, both: Sequence[tuple[Repository, Result]]) -> list[Result]:
    """Return the results of the other indexes at the origin of a place."""
    if not isinstance(place, Index) or place.scheme not in ("http", "https"):
        return []
    return [
        result
        for other, result in both
        if isinstance(other, Index)
        and other != place
        and (other.scheme, other.netloc) == (place.scheme, place.netloc)
    ]


def _shorten(
    place: Repository, result: Result, neighbours: Sequence[Result], chain: Chain
) -> Result:
    if not neighbours or any(_needs_another_login(each, result) for each in neighbours):
        return result
    user = place.username
    if result.found is not None:
        user = result.found.credential.shown_username
    url = parse(place.url)
    if result.next_step != advice.login_command(url, chain, user):
        return result
    return result._replace(next_step=advice.login_command(url, chain, user, for_host=True))


def _needs_another_login(neighbour: Result, result: Result) -> bool:
    """Tell if a login that serves an index may keep its neighbour out."""
    if neighbour.answer == OPEN:
        return False
    has_own = neighbour.found is not None and neighbour.found.key.kind not in (HOST, PORT, WILDCARD)
    if neighbour.answer == LET_IN and has_own:
        return False
    return not result.answer == neighbour.answer == REJECTED

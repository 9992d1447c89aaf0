"""The next step for an index that shares its host with others.

A login for a path serves one index, but pixi reads no such key. So it is advised only if a login
for the host would not do.

1. Nobody knows if indexes without a credential share a login. The path keeps them apart.
2. An index that is open, or has a credential of its own, is not touched by a login for the host.
3. If the host's login is rejected by all of its indexes, another login may serve all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.index.verdict import LET_IN, OPEN, REJECTED
from authshim.login.command import login_command
from authshim.project.repositories import Index
from authshim.urls import HOST, PORT, WILDCARD, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.index.verdict import Result
    from authshim.lookup.chain import Chain
    from authshim.project.repositories import Repository


def shorten_logins(
    places: Sequence[Repository],
    results: Sequence[Result],
    chain: Chain,
) -> list[Result]:
    """Return the results. A step that names a path needlessly names the host alone."""
    by_place = list(zip(places, results))
    shortened = []
    for place, result in by_place:
        neighbours = _neighbours(place, by_place)
        if not neighbours or _needs_path(result, neighbours):
            shortened.append(result)
        else:
            shortened.append(_shorten(place, result, chain))
    return shortened


def _neighbours(
    place: Repository,
    by_place: Sequence[tuple[Repository, Result]],
) -> list[Result]:
    """Return the results of the other indexes at the origin of a place."""
    if not isinstance(place, Index):
        return []
    if place.scheme not in ("http", "https"):
        return []
    found = []
    for other, result in by_place:
        if other != place and _is_index_at(other, place):
            found.append(result)
    return found


def _is_index_at(other: Repository, place: Index) -> bool:
    """Tell if another place is an index of the same origin."""
    if not isinstance(other, Index):
        return False
    return other.scheme == place.scheme and other.netloc == place.netloc


def _shorten(
    place: Repository,
    result: Result,
    chain: Chain,
) -> Result:
    """Return a result with the login for the host, if its step is that for an index."""
    user = place.username
    if result.found is not None:
        user = result.found.credential.shown_username
    url = parse(place.url)
    step_for_index = login_command(url, chain, user)
    if result.next_step != step_for_index:
        return result
    step = login_command(url, chain, user, for_host=True)
    return result._replace(next_step=step)


def _needs_path(result: Result, neighbours: Sequence[Result]) -> bool:
    """Tell if a login for the whole host may keep one of the neighbours out."""
    return any(_needs_another_login(neighbour, result) for neighbour in neighbours)


def _needs_another_login(neighbour: Result, result: Result) -> bool:
    """Tell if a login that serves an index may keep its neighbour out."""
    if neighbour.answer == OPEN:
        return False
    if neighbour.answer == LET_IN and _has_own_login(neighbour):
        return False
    are_both_rejected = result.answer == neighbour.answer == REJECTED
    return not are_both_rejected


def _has_own_login(result: Result) -> bool:
    """Tell if the credential of an index is not that of its host."""
    if result.found is None:
        return False
    key = result.found.key
    return key.kind not in (HOST, PORT, WILDCARD)

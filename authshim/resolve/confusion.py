"""Warn of dependency confusion: a public index that has the name of a private package.

An index is private if a credential was sent for its page, and public otherwise. pypi.org is
always public, and a folder never. An index is a mirror if the public one has all of its files
too, with the same hashes.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from authshim.index.answer import FOUND
from authshim.project.model import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from packaging.version import Version

    from authshim.index.answer import Answer
    from authshim.index.simple_api import File

PYPI = ("pypi.org", "test.pypi.org")
"""Hosts that are public whatever was sent to them."""

_, FIRST_MATCH, BEST_MATCH = STRATEGIES


def warnings_of(
    pages: Sequence[Answer],
    versions: Sequence[Collection[Version]],
    name: str,
    strategy: str,
    tool: str,
) -> Iterator[str]:
    """Yield a sentence for each way in which a public index may serve a private name.

    :param pages: in the order of the tool.
    :param versions: of the project, for each page.
    """
    having = []
    for at, page in enumerate(pages):
        if not _has_name(page, versions[at]):
            continue
        having.append(at)
        if _is_forwarded(page):
            yield _forwarding(page, name)
    yield from _same_names(
        pages,
        versions,
        having,
        name,
        strategy,
        tool,
    )


def _same_names(
    pages: Sequence[Answer],
    versions: Sequence[Collection[Version]],
    having: Sequence[int],
    name: str,
    strategy: str,
    tool: str,
) -> Iterator[str]:
    """Yield a sentence for each public index that has the name of a private one as well.

    :param having: the pages that have the name.
    """
    private, public = _parted(pages, having)
    for mine, other in product(private, public):
        ours = pages[mine]
        theirs = pages[other]
        if _is_mirror(ours, theirs):
            continue
        up_to = _up_to(versions[other])
        has = f"{theirs.place.shown} has {name} as well{up_to}"
        is_before = other < mine
        consequence = _consequence(
            ours,
            theirs,
            strategy,
            tool,
            is_before=is_before,
        )
        yield f"{has}{consequence}"


def _parted(
    pages: Sequence[Answer],
    having: Sequence[int],
) -> tuple[list[int], list[int]]:
    """Return the private indexes and the public ones, of those that have the name."""
    private = []
    public = []
    for at in having:
        page = pages[at]
        if _is_public(page):
            public.append(at)
        elif not page.place.flat:
            private.append(at)
    return private, public


def _is_forwarded(page: Answer) -> bool:
    """Tell if an index, which is not PyPI itself, redirects a name to PyPI."""
    host = page.place.netloc.lower()
    return page.forwarded_to in PYPI and host not in PYPI


def _forwarding(page: Answer, name: str) -> str:
    host = page.forwarded_to
    return f"{page.place.shown} redirects {name} to {host}, where anybody may upload that name"


def _up_to(versions: Collection[Version]) -> str:
    if not versions:
        return ""
    return f", up to {max(versions)}"


def _consequence(
    ours: Answer,
    theirs: Answer,
    strategy: str,
    tool: str,
    *,
    is_before: bool,
) -> str:
    private = ours.place.shown
    if theirs.place.flat:
        return f": what is in find-links counts as if {private} had it, too"
    if tool == "pip":
        return ": pip takes the highest version of all, whoever uploaded it there"
    if strategy == BEST_MATCH:
        highest = "the highest version of all is taken, whoever uploaded it there"
        return f": under {strategy} {highest}"
    if is_before:
        return f", and comes before the private {private}: {tool} takes it from there"
    if strategy == FIRST_MATCH:
        return f": under {strategy} it is taken from there where no version of {private} fits"
    order = f"only the order of the indexes makes {tool} take the private {private}'s"
    return f": {order}, and other programs may not"


def _has_name(
    page: Answer,
    versions: Collection[Version],
) -> bool:
    """Return True if an index has a page for the name; a flat one has the same page for all."""
    if page.place.flat and not versions:
        return False
    return page.answer == FOUND


def _is_public(page: Answer) -> bool:
    # A mirror of PyPI is as public, though it may want a login.
    if page.host in PYPI or page.place.netloc.lower() in PYPI:
        return True
    is_folder = page.place.url.startswith("file:")
    return page.found is None and not is_folder


def _is_mirror(page: Answer, public: Answer) -> bool:
    """Return True if each file of a page, by its name and hash, is on the public page too."""
    known: set[_HashedName] = set()
    for file in public.files:
        known.update(_hashed_names(file))
    return all(_is_any_of(known, file) for file in page.files)


def _is_any_of(
    known: set[_HashedName],
    file: File,
) -> bool:
    return any(each in known for each in _hashed_names(file))


_HashedName = tuple[str, tuple[str, str]]
"""The name of a file, and one of its hashes."""


def _hashed_names(file: File) -> list[_HashedName]:
    return [(file.filename, digest) for digest in file.hashes]

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
    from collections.abc import Collection, Iterable, Iterator, Sequence

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
    having = [at for at, page in enumerate(pages) if _has_name(page, versions[at])]
    for at in having:
        if _is_forwarded(pages[at]):
            yield _forwarding(pages[at], name)
    yield from _same_names(pages, versions, having, name, strategy, tool)


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
    public = [at for at in having if _is_public(pages[at])]
    private = [at for at in having if at not in public and not pages[at].place.flat]
    for mine, other in product(private, public):
        ours = pages[mine]
        theirs = pages[other]
        if _is_mirror(ours, theirs):
            continue
        has = f"{theirs.place.shown} has {name} as well{_up_to(versions[other])}"
        is_before = other < mine
        consequence = _consequence(ours, theirs, strategy, tool, is_before=is_before)
        yield f"{has}{consequence}"


def _is_forwarded(page: Answer) -> bool:
    """Tell if an index, which is not PyPI itself, redirects a name to PyPI."""
    return page.forwarded_to in PYPI and page.place.netloc.lower() not in PYPI


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


def _has_name(page: Answer, versions: Collection[Version]) -> bool:
    """Return True if an index has a page for the name; a flat one has the same page for all."""
    if page.place.flat and not versions:
        return False
    return page.answer == FOUND


def _is_public(page: Answer) -> bool:
    # A mirror of PyPI is as public, though it may want a login.
    if page.host in PYPI or page.place.netloc.lower() in PYPI:
        return True
    return page.found is None and not page.place.url.startswith("file:")


def _is_mirror(page: Answer, public: Answer) -> bool:
    """Return True if each file of a page, by its name and hash, is on the public page too."""
    known = _hashed_names(public.files)
    return all(_hashed_names([file]) & known for file in page.files)


def _hashed_names(files: Iterable[File]) -> set[tuple[str, tuple[str, str]]]:
    return {(file.filename, digest) for file in files for digest in file.hashes}

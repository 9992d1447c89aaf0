"""Dependency confusion: a public index that has the name of a private package.

An index is private where a credential was sent for its page, public where none was; pypi.org is always public, and a
folder never. An index whose files the public one has all as well, with the same hashes, only mirrors it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.features import STRATEGIES
from authshim.pages import FOUND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from packaging.version import Version

    from authshim.pages import Page

PYPI = ("pypi.org", "test.pypi.org")
"""Hosts that are public whatever was sent to them."""

_, FIRST_MATCH, BEST_MATCH = STRATEGIES


def warnings_of(
    pages: Sequence[Page], versions: Sequence[Collection[Version]], name: str, strategy: str
) -> Iterator[str]:
    """Yield a sentence for each public index that has the name of a private one.

    :param pages: in pixi's order.
    :param versions: what each of them has of the project.
    """
    # The page of a flat index is there whatever stands on it.
    having = [at for at, page in enumerate(pages) if page.answer == FOUND and (versions[at] or not page.place.flat)]
    private = [at for at in having if not _is_public(pages[at]) and not pages[at].place.flat]
    public = [at for at in having if _is_public(pages[at])]
    for mine in private:
        for other in public:
            if not _mirrors(pages[mine], pages[other]):
                highest = max(versions[other], default=None)
                yield _sentence(pages, mine, other, name, strategy, f", up to {highest}" if highest else "")


def _sentence(pages: Sequence[Page], mine: int, other: int, name: str, strategy: str, up_to: str) -> str:
    ours, theirs = pages[mine].place.shown, pages[other].place.shown
    has = f"{theirs} has {name} as well{up_to}"
    if pages[other].place.flat:
        return f"{has}: what is in find-links counts as if {ours} had it, too"
    if strategy == BEST_MATCH:
        return f"{has}: under {strategy} the highest version of all is taken, whoever uploaded it there"
    if other < mine:
        return f"{has}, and comes before the private {ours}: pixi takes it from there"
    if strategy == FIRST_MATCH:
        return f"{has}: under {strategy} it is taken from there where no version of {ours} fits"
    return f"{has}: only the order of the indexes makes pixi take the private {ours}'s, and other programs may not"


def _is_public(page: Page) -> bool:
    return (page.found is None and not page.place.url.startswith("file:")) or page.host in PYPI


def _mirrors(page: Page, public: Page) -> bool:
    """Tell whether a page has nothing of its own: each file, by its hash, is the public one's."""
    known = {pair for file in public.files for pair in ((file.filename, digest) for digest in file.hashes)}
    return all(any((file.filename, digest) in known for digest in file.hashes) for file in page.files)

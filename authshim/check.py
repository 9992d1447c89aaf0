"""Probe an index or channel with small requests, and name what it answered.

One request tells mostly. Where services blur what they mean (a wrong password is 403 on some, a missing permission 404
on others), a page, the root, a file, and what a login that nobody has is told are compared.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from authshim import advice, pages
from authshim.credentials import BasicHTTP, BearerToken
from authshim.manifest import Index
from authshim.pages import Reader
from authshim.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.chain import Chain
    from authshim.manifest import Channel, Manifest
    from authshim.pages import Answer, Page
    from authshim.trace import Found

OPEN, LET_IN, NO_CREDENTIAL, REJECTED = "open", "let in", "no credential", "rejected"
FORBIDDEN, NOT_FOUND, UNREADABLE = "forbidden", "not found", "unreadable"
UNREACHABLE, NOT_PROBED = "unreachable", "not probed"

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""Asked for where the project names no package of its own: an index that lets in says 404."""

_SCHEMES = ("file", "s3", "oci")
_NAMES = 8
"""How many of the project's packages an index is asked for, at most."""


class Result(NamedTuple):
    """What one index or channel answered."""

    kind: str
    """"index", "flat index" or "channel"."""
    url: str
    """As declared, redacted."""
    answer: str
    """One of the words above."""
    status: int | None = None
    """Of HTTP; None where nothing was answered."""
    found: Found | None = None
    """The credential that was sent."""
    detail: str = ""
    """Why, where the word does not say it all."""
    next_step: str = ""
    """What to do about it; empty where nothing is to be done."""
    api: str = ""
    """"JSON 1.1", "HTML 1.0" and so on, of an index's page that was read."""
    seconds: float | None = None
    """On the wire, from the question to the head of the answer that decided."""

    @property
    def fine(self) -> bool:
        """Whether its user can work with it."""
        return self.answer in (OPEN, LET_IN) or (self.answer == NOT_PROBED and not self.next_step)


def check(chain: Chain, manifest: Manifest, environment: str | None = None) -> Iterator[Result]:
    """Probe every index and channel of a project, side by side; results come in the project's order.

    :param environment: a pixi environment; None: all of them.
    """
    indexes = [*manifest.indexes(environment), *manifest.own_indexes(environment)]
    places: list[Index | Channel] = [*indexes, *manifest.channels(environment)]
    wanted = manifest.dependencies(environment)
    names = [each.name for each in wanted if not each.origin and each.own_index is None]
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield from pool.map(lambda place: probe(chain, place, names), places)


def probe(chain: Chain, place: Index | Channel, names: Sequence[str] = ()) -> Result:
    """Ask one index or channel for something small, and for more where that does not tell what is the matter.

    :param names: packages of the project; an index is asked for the page of the first that it has.
    """
    kind = "channel" if not isinstance(place, Index) else "flat index" if place.flat else "index"
    if place.hole:
        step = f"fill in {place.hole} in the {kind}'s URL"
        return Result(kind, place.shown, NOT_PROBED, detail=f"{place.hole} is not filled in", next_step=step)
    scheme = place.url.partition(":")[0]
    if scheme in _SCHEMES:
        return Result(kind, place.shown, NOT_PROBED, detail=f"{scheme} is not http(s)")
    with closing(Reader(chain)) as reader:
        return _Probe(reader, place, kind).run(names or [NOBODYS_NAME])


class _Probe:
    """One place: what its page, its root, and a file say, and what is to be made of it."""

    def __init__(self, reader: Reader, place: Index | Channel, kind: str) -> None:
        self._reader = reader
        self._place = place
        self._kind = kind

    def run(self, names: Sequence[str]) -> Result:
        place = self._place
        if not isinstance(place, Index):
            return self._judge(self._reader.look(place, f"{place.url}/noarch/repodata.json"))
        if place.flat:
            return self._of_page(self._reader.links(place), names)
        return self._of_page(self._reader.page(place, names[0]), names)

    def _of_page(self, page: Page, names: Sequence[str]) -> Result:
        name = names[0]
        if page.answer == pages.NOT_THERE and not page.place.flat:
            return self._by_root(page, names)
        if page.answer == pages.FOUND and page.host != parse(self._place.url).host:
            return self._forwarded(page, name)
        if page.status == 403 and page.found is not None:
            return self._forbidden(page, name)
        result = self._judge(page)._replace(api=page.api)
        return self._with_file(page, result) if result.fine else result

    def _by_root(self, page: Page, names: Sequence[str]) -> Result:
        """Judge an index by its root where the page of a project is not there."""
        root = self._root()
        if root.answer == pages.FOUND or root.status in (401, 403):
            return self._judge(root)
        for at in range(1, min(len(names), _NAMES)):
            other = self._reader.page(page.place, names[at])
            if other.answer != pages.NOT_THERE:
                return self._of_page(other, names[at:])
        if advice.lists_nothing(page.place.url):
            return self._result(_entered(page), page, "it has no page of the project's packages, and lists none")
        return self._judge(page)

    def _forwarded(self, page: Page, name: str) -> Result:
        """Judge an index by its root where it leaves a page to another one, as GitLab does."""
        root = self._root()
        judged = root if root.answer == pages.FOUND or root.status in (401, 403) else page
        result = self._judge(judged)
        return result._replace(detail=f"{page.host} serves {name} in its place") if result.fine else result

    def _forbidden(self, page: Page, name: str) -> Result:
        """Tell a user who may not read from a wrong password, to which some servers say 403, too."""
        root = self._root()
        if root.answer == pages.FOUND:
            step = advice.ask_owner(self._place.url)
            return self._result(FORBIDDEN, page, f"this user may read the index, but not {name}", step)
        return self._judge(root if root.status in (401, 403) else page)

    def _with_file(self, page: Page, result: Result) -> Result:
        """Ask for the first file that a page names: it may be elsewhere, and behind another door."""
        url = next((file.url for file in page.files if file.url.startswith(("https://", "http://"))), None)
        file = url and self._reader.look(self._place, url)
        if not file or file.answer == pages.FOUND:
            return result
        said = f"HTTP {file.status} from {file.host}" if file.status else file.detail
        if file.answer == pages.REFUSED and page.found is None:
            detail, step = f"its page is open, but not its files: {said}", self._reader.log_in(self._place)
            return self._result(NO_CREDENTIAL, page, detail, step)
        word = {pages.REFUSED: FORBIDDEN, pages.NOT_THERE: NOT_FOUND}.get(file.answer, UNREACHABLE)
        step = file.next_step or advice.ask_owner(self._place.url)
        return self._result(word, page, f"its page is there, but not the files that it names: {said}", step)

    def _root(self) -> Answer:
        """Ask for the root of an index; where it cannot be asked for without a page, it is there."""
        root = self._reader.look(self._place, self._place.url, method="HEAD")
        return root._replace(answer=pages.FOUND, status=200) if root.status in (405, 501) else root

    def _judge(self, said: Page | Answer) -> Result:
        """Name what was answered to one question."""
        if said.answer == pages.FOUND:
            return self._result(_entered(said), said)
        if said.answer == pages.REFUSED:
            return self._refused(said)
        if said.answer == pages.NOT_THERE:
            return self._missing(said)
        word = UNREADABLE if said.answer == pages.UNREADABLE else UNREACHABLE
        return self._result(word, said, next_step=said.next_step)

    def _refused(self, said: Page | Answer) -> Result:
        found = said.found
        if found is None or said.status not in (401, 403):
            return self._result(NO_CREDENTIAL, said, next_step=said.next_step)
        if said.status == 401:
            return self._result(REJECTED, said, next_step=said.next_step)
        if not found.accepted and self._nobody(found) == 403:
            detail = "the password is wrong, as it seems: a login that nobody has is answered 403 as well"
            return self._result(REJECTED, said, detail, advice.log_in_again(self._place.url, found))
        return self._result(FORBIDDEN, said, "this user may not read it", advice.ask_owner(self._place.url))

    def _nobody(self, found: Found) -> int | None:
        """Return what a login that nobody has is answered; nobody's account is locked by it."""
        nobody = BasicHTTP(NOBODYS_NAME, "") if isinstance(found.credential, BasicHTTP) else BearerToken(NOBODYS_NAME)
        return self._reader.look(self._place, self._place.url, method="HEAD", header=nobody.header).status

    def _missing(self, said: Page | Answer) -> Result:
        if said.found is None:
            step = f"correct the URL, or log in: {self._reader.log_in(self._place)}"
            return self._result(NOT_FOUND, said, self._missing_simple(), step)
        detail, step = advice.missing(self._place.url)
        return self._result(NOT_FOUND, said, detail or self._missing_simple(), step)

    def _missing_simple(self) -> str:
        if self._kind != "index" or self._place.url.rstrip("/").endswith("simple"):
            return ""
        return "the URL of an index mostly ends with /simple"

    def _result(self, word: str, said: Page | Answer, detail: str = "", next_step: str = "") -> Result:
        told = "; ".join(part for part in (said.detail, detail) if part)
        return Result(self._kind, self._place.shown, word, said.status, said.found, told, next_step, "", said.seconds)


def _entered(said: Page | Answer) -> str:
    return OPEN if said.found is None else LET_IN

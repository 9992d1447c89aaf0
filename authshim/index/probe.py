"""Probe one index or channel with small requests, and name its answer.

One page and one file are mostly enough. Services use 403 and 404 both for a wrong password and for a
missing permission. Then the root, more pages and the answers to an anonymous client are compared.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from authshim import advice
from authshim.credentials import BasicHTTP, BearerToken, CondaToken
from authshim.index import client
from authshim.index.client import Answer, IndexClient, page_url
from authshim.index.mirrors import mirrored
from authshim.lookup.chain import Chain
from authshim.project.repositories import Channel, Index, Repository
from authshim.redact import redact
from authshim.urls import parse
from authshim.urls.paths import cut_after_simple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential
    from authshim.index.client import Page
    from authshim.lookup.trace import Found
    from authshim.settings.pixi_config import Mirror

OPEN, LET_IN, NO_CREDENTIAL, REJECTED = "open", "let in", "no credential", "rejected"
FORBIDDEN, NOT_FOUND, UNREADABLE = "forbidden", "not found", "unreadable"
UNREACHABLE, NOT_PROBED = "unreachable", "not probed"

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""Asked for where the project names no package of its own: an index that lets in says 404."""

_NAMES = 50
"""How many of the project's packages an index is asked for, at most, until it has one."""


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

    mirror: str = ""
    """The URL that was probed in place of the declared one, redacted; empty without a mirror."""

    @property
    def fine(self) -> bool:
        """True if its user can work with it."""
        return self.answer in (OPEN, LET_IN) or (self.answer == NOT_PROBED and not self.next_step)


class Probe:
    """A place, and the requests that tell if its user may read it."""

    def __init__(
        self, client: IndexClient, place: Repository, kind: str, mirrors: Sequence[Mirror] = ()
    ) -> None:
        self._client = client
        self._mirrors = mirrors
        self._place = place
        self._kind = kind

    def run(self, names: Sequence[str]) -> Result:
        """Return the verdict.

        :param names: packages of the project.
        """
        place = self._place
        if not isinstance(place, (Index, Channel)):
            return self._judge(self._client.probe(place, place.url), place.url)
        if isinstance(place, Channel):
            url = f"{place.url}/noarch/repodata.json"
            return self._judge(self._client.probe(place, url), url)
        if place.flat:
            page = self._client.flat_page(place)
            return self._with_file(page, self._judge(page, place.url))
        for name in names[:_NAMES] or [NOBODYS_NAME]:
            page = self._client.page(place, name)
            if page.answer != client.NOT_THERE:
                return self._of_page(page, name)
        result = self._without_page(page, page_url(place, name))
        if result.answer == NOT_FOUND and result.found is not None and not names:
            nothing = "it lists no packages, and the project names none to ask for"
            return self._result(NOT_PROBED, page, nothing)
        return result

    def _of_page(self, page: Page, name: str) -> Result:
        if page.answer == client.FOUND and page.host != parse(self._place.url).host:
            return self._forwarded(page, name)
        if page.status == 403 and page.found is not None:
            return self._forbidden(page, name)
        return self._with_file(page, self._judge(page, page_url(page.place, name)))

    def _without_page(self, page: Page, url: str) -> Result:
        """Judge an index that has none of the project's packages by its root."""
        root = self._root()
        if root.answer in (client.FOUND, client.REFUSED):
            return self._judge(root, self._place.url)
        if advice.lists_nothing(self._place.url):
            nothing = "it has no page of the project's packages, and lists none: one that is not there looks the same"
            return self._result(_entered(page), page, nothing)
        return self._judge(page, url)

    def _forwarded(self, page: Page, name: str) -> Result:
        """Judge an index by its root where it leaves a page to another one, as GitLab does."""
        root = self._root()
        judged = root if root.answer in (client.FOUND, client.REFUSED) else page
        result = self._judge(judged, self._place.url)
        return (
            result._replace(detail=f"{page.host} serves {name} in its place")
            if result.fine
            else result
        )

    def _forbidden(self, page: Page, name: str) -> Result:
        """Tell a user who may not read from a wrong password, to which some servers say 403, too."""
        root = self._root()
        if root.answer == client.FOUND:
            step = advice.ask_owner(self._place.url)
            return self._result(
                FORBIDDEN, page, f"this user may read the index, but not {name}", step
            )
        if root.status == 401:
            return self._judge(root, self._place.url)
        return self._judge(page, page_url(page.place, name))

    def _with_file(self, page: Page, result: Result) -> Result:
        """Ask for the first file that a page names: it may be elsewhere, and behind another door."""
        result = result._replace(api=page.api)
        url = next(
            (file.url for file in page.files if file.url.startswith(("https://", "http://"))), None
        )
        if url is None or not result.fine:
            return result
        file = self._file(url, page)
        if file.answer == client.FOUND:
            return result
        return self._of_file(file, url, page)._replace(api=page.api)

    def _file(self, url: str, page: Page) -> Answer:
        """Ask for a file, or for it at the mirrors of its URL until one of them answers."""
        found = mirrored(url, self._mirrors)
        if found is None:
            return self._client.probe(self._place, url, origins=page.origins)
        file = Answer(client.NOT_THERE, detail=found.empty_note)
        for at, target in enumerate(found.urls):
            file = self._client.probe(Repository(target), target)
            file = file._replace(detail="; ".join(filter(None, (file.detail, found.note(at)))))
            if file.answer != client.UNREACHABLE:
                break
        return file

    def _of_file(self, file: Answer, url: str, page: Page) -> Result:
        """Name why there is no file where there is its page."""
        there = "its page is there, but not its files"
        if file.answer == client.NOT_THERE:
            name = redact(url).rpartition("/")[2]
            missing = f"let in, but its files are missing (HTTP {file.status} for {name})"
            return self._result(NOT_FOUND, file, missing, "ask whoever runs the index")
        is_known = file.found is not None and (file.found == page.found or file.status == 403)
        if file.answer == client.REFUSED and is_known:
            return self._result(FORBIDDEN, file, there, advice.ask_owner(self._place.url))
        result = self._judge(file, url)
        return result._replace(detail="; ".join(filter(None, (result.detail, there))))

    def _root(self) -> Answer:
        """Ask for the root of an index, without its list where the server can do that."""
        root = self._client.probe(self._place, self._place.url, method="HEAD")
        return (
            self._client.probe(self._place, self._place.url) if root.status in (405, 501) else root
        )

    def _judge(self, said: Page | Answer, url: str) -> Result:
        """Name what was answered to one question, which was for ``url``."""
        if said.answer == client.FOUND:
            return self._result(_entered(said), said)
        if said.answer == client.REFUSED:
            return self._refused(said, url)
        if said.answer == client.NOT_THERE:
            return self._missing(said, url)
        word = UNREADABLE if said.answer == client.UNREADABLE else UNREACHABLE
        return self._result(word, said, next_step=said.next_step)

    def _refused(self, said: Page | Answer, url: str) -> Result:
        if said.found is None:
            return self._result(NO_CREDENTIAL, said, next_step=said.next_step)
        if said.status != 403:
            return self._result(REJECTED, said, next_step=said.next_step)
        return self._same_for_a_fake_login(said, said.found, url) or self._result(
            FORBIDDEN, said, "this user may not read it", advice.ask_owner(self._place.url)
        )

    def _missing(self, said: Page | Answer, url: str) -> Result:
        if said.found is None:
            step = f"correct the URL, or log in: {self._client.log_in(self._place)}"
            return self._result(NOT_FOUND, said, self._missing_simple(), step)
        detail, step = advice.missing(self._place.url)
        return self._same_for_a_fake_login(said, said.found, url) or self._result(
            NOT_FOUND, said, detail or self._missing_simple(), step
        )

    def _same_for_a_fake_login(self, said: Page | Answer, found: Found, url: str) -> Result | None:
        """Return that a login is wrong where one that nobody has is answered the same, and no login otherwise."""
        made_up, place = _made_up(found.credential), Repository(self._place.url)
        with closing(IndexClient(Chain([]))) as stranger:
            same = (
                stranger.probe(place, made_up.wire_url(url), header=made_up.header).status
                == said.status
            )
            if not same or stranger.probe(place, url).status == said.status:
                return None
        detail = f"the login is wrong, as it seems: one that nobody has is answered {said.status} as well"
        return self._result(REJECTED, said, detail, self._client.log_in_again(self._place, found))

    def _missing_simple(self) -> str:
        if self._kind != "index" or cut_after_simple(self._place.url):
            return ""
        return "the URL of an index mostly ends with /simple"

    def _result(
        self, word: str, said: Page | Answer, detail: str = "", next_step: str = ""
    ) -> Result:
        told = "; ".join(part for part in (said.detail, detail) if part)
        return Result(
            self._kind,
            self._place.shown,
            word,
            said.status,
            said.found,
            told,
            next_step,
            "",
            said.seconds,
        )


def _entered(said: Page | Answer) -> str:
    return OPEN if said.found is None else LET_IN


def _made_up(credential: Credential) -> Credential:
    """Return a login of the same kind that nobody has, so that nobody's account is locked by it."""
    if isinstance(credential, BasicHTTP):
        return BasicHTTP(NOBODYS_NAME, NOBODYS_NAME)
    return (
        CondaToken(NOBODYS_NAME)
        if isinstance(credential, CondaToken)
        else BearerToken(NOBODYS_NAME)
    )

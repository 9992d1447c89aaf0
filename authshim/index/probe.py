"""Probe one index or channel with small requests, and name its answer.

One page and one file are mostly enough. Services use 403 and 404 both for a wrong password and for
a missing permission. Then the root, more pages and the answers to an anonymous client are compared.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from authshim import next_step, vendors
from authshim.credentials import BasicHTTP, BearerToken, CondaToken
from authshim.index import answer as answers
from authshim.index.answer import join_reasons
from authshim.index.client import IndexClient
from authshim.index.mirrors import Subdir
from authshim.index.verdict import (
    FORBIDDEN,
    LET_IN,
    NO_CREDENTIAL,
    NOT_FOUND,
    NOT_PROBED,
    OF_BUCKET,
    OF_INDEX,
    OPEN,
    REJECTED,
    Result,
)
from authshim.lookup.chain import Chain
from authshim.project.repositories import Channel, Index, Repository
from authshim.redact import redact
from authshim.urls.paths import cut_after_simple
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential
    from authshim.index.answer import Answer
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""The name asked for if the project names none; an index that lets its user in says 404."""

MAX_PROBED_PACKAGES = 50
"""Packages of the project for which an index is asked, until it has one."""


class Probe:
    """A place, and the requests that tell if its user may read it."""

    def __init__(
        self,
        client: IndexClient,
        place: Repository,
        kind: str,
    ) -> None:
        self._client = client
        self._place = place
        self._kind = kind

    def run(self, names: Sequence[str]) -> Result:
        """Return the verdict.

        :param names: packages of the project.
        """
        place = self._place
        if isinstance(place, Channel):
            return self._of_channel(place)
        if not isinstance(place, Index):
            answer = self._client.probe(place, place.url)
            return self.judge(answer)
        if place.flat:
            page = self._client.flat_page(place)
            return self._with_file(page, self.judge(page))
        return self._of_index(place, names)

    def _of_channel(self, channel: Channel) -> Result:
        subdir = channel.url
        if not isinstance(channel, Subdir):
            subdir += "/noarch"
        answer = self._client.probe(channel, f"{subdir}/repodata.json")
        return self.judge(answer)

    def _of_index(self, place: Index, names: Sequence[str]) -> Result:
        """Ask for the packages of the project until the index has one of them."""
        for name in names[:MAX_PROBED_PACKAGES] or [NOBODYS_NAME]:
            page = self._client.page(place, name)
            if page.answer != answers.NOT_THERE:
                return self._of_page(page, name)
        if not names:
            return self._without_names(page)
        return self._without_page(page)

    def _without_names(self, page: Answer) -> Result:
        """Judge an index of a project that names no package."""
        result = self._without_page(page)
        if result.answer != NOT_FOUND or result.found is None:
            return result
        nothing = "it lists no packages, and the project names none to ask for"
        return self._result(NOT_PROBED, page, nothing)

    def _of_page(self, page: Answer, name: str) -> Result:
        if page.answer == answers.FOUND and page.forwarded_to:
            return self._forwarded(page, name)
        if page.status == 403 and page.found is not None:
            return self._forbidden(page, name)
        return self._with_file(page, self.judge(page))

    def _without_page(self, page: Answer) -> Result:
        """Judge an index that has none of the project's packages by its root."""
        root = self._root()
        if root.answer in (answers.FOUND, answers.REFUSED):
            return self.judge(root)
        if vendors.lists_nothing(page.place.url):
            nothing = "it has no page of the project's packages, and lists none"
            detail = f"{nothing}: one that is not there looks the same"
            return self._result(_entered(page), page, detail)
        return self.judge(page)

    def _forwarded(self, page: Answer, name: str) -> Result:
        """Judge an index by its root if it leaves a page to another one, as GitLab does."""
        judged = self._root()
        if judged.answer not in (answers.FOUND, answers.REFUSED):
            judged = page
        result = self.judge(judged)
        if not result.fine:
            return result
        return result._replace(detail=f"{page.host} serves {name} in its place")

    def _forbidden(self, page: Answer, name: str) -> Result:
        """Tell a missing permission from a wrong password, to which some servers say 403, too."""
        root = self._root()
        if root.answer == answers.FOUND:
            detail = f"this user may read the index, but not {name}"
            return self._result(FORBIDDEN, page, detail, vendors.ask_owner(page.place.url))
        if root.status == 401:
            return self.judge(root)
        return self.judge(page)

    def _with_file(self, page: Answer, result: Result) -> Result:
        """Ask for the first file of a page: it may be elsewhere, and behind another login."""
        links_name_hosts = any(file.names_host for file in page.files)
        result = result._replace(api=page.api, links_name_hosts=links_name_hosts)
        url = _first_file(page)
        if url is None or not result.fine:
            return result
        file = self._client.probe(self._place, url, origins=page.origins)
        if file.answer == answers.FOUND:
            return result
        refused = self._of_file(file, url, page)
        return refused._replace(api=page.api)

    def _of_file(
        self,
        file: Answer,
        url: str,
        page: Answer,
    ) -> Result:
        """Return the verdict on a page whose file cannot be had."""
        there = "its page is there, but not its files"
        if file.answer == answers.NOT_THERE and not file.next_step:
            name = redact(url).rpartition("/")[2]
            missing = f"let in, but its files are missing (HTTP {file.status} for {name})"
            return self._result(NOT_FOUND, file, missing, next_step.ASK_ABOUT_FILES())
        if file.answer == answers.REFUSED and _is_known_user(file, page):
            step = vendors.ask_owner(page.place.url)
            return self._result(FORBIDDEN, file, there, step)
        result = self.judge(file)
        detail = join_reasons(result.detail, there)
        return result._replace(detail=detail)

    def _root(self) -> Answer:
        """Ask for the root of an index, without its list if the server can do that."""
        root = self._client.probe(self._place, self._place.url, method="HEAD")
        if root.status in (405, 501):
            return self._client.probe(self._place, self._place.url)
        return root

    def judge(self, answer: Answer) -> Result:
        """Return the verdict on the answer to one request."""
        if is_s3(answer.url):
            return self._of_bucket(answer)
        if answer.answer == answers.FOUND:
            return self._result(_entered(answer), answer)
        if answer.answer == answers.REFUSED:
            return self._refused(answer)
        if answer.answer == answers.NOT_THERE:
            return self._missing(answer)
        word = OF_INDEX[answer.answer]
        return self._result(word, answer, step=answer.next_step)

    def _of_bucket(self, answer: Answer) -> Result:
        """Return the verdict on the answer of a bucket, whose error code tells the reason."""
        word = OF_BUCKET[answer.answer]
        if answer.answer == answers.REFUSED and answer.found is None:
            word = NO_CREDENTIAL
        result = self._result(word, answer, step=answer.next_step)
        return result._replace(is_unknown=word == NOT_PROBED)

    def _refused(self, answer: Answer) -> Result:
        found = answer.found
        if found is None:
            return self._result(NO_CREDENTIAL, answer, step=answer.next_step)
        if answer.status != 403:
            return self._result(REJECTED, answer, step=answer.next_step)
        if self._same_for_a_fake_login(answer, found):
            return self._wrong_login(answer, found)
        step = vendors.ask_owner(answer.place.url)
        return self._result(FORBIDDEN, answer, "this user may not read it", step)

    def _missing(self, answer: Answer) -> Result:
        found = answer.found
        if answer.next_step:
            return self._result(NOT_FOUND, answer, step=answer.next_step)
        if found is None:
            login = self._client.log_in(answer.place)
            step = next_step.CORRECT_URL_OR_LOG_IN(step=login)
            return self._result(NOT_FOUND, answer, self._missing_simple(), step)
        if self._same_for_a_fake_login(answer, found):
            return self._wrong_login(answer, found)
        detail, step = vendors.missing(answer.place.url)
        return self._result(NOT_FOUND, answer, detail or self._missing_simple(), step)

    def _same_for_a_fake_login(self, answer: Answer, found: Found) -> bool:
        """Tell if a login that nobody has gets the same answer, and no login another one."""
        fake = _fake_of(found.credential)
        place = Repository(answer.place.url)
        url = fake.wire_url(answer.url)
        with closing(IndexClient(Chain([]))) as anonymous:
            faked = anonymous.probe(place, url, header=fake.header)
            if faked.status != answer.status:
                return False
            without_login = anonymous.probe(place, answer.url)
        return without_login.status != answer.status

    def _wrong_login(self, answer: Answer, found: Found) -> Result:
        same = f"one that nobody has is answered {answer.status} as well"
        detail = f"the login is wrong, as it seems: {same}"
        step = self._client.log_in_again(answer.place, found)
        return self._result(REJECTED, answer, detail, step)

    def _missing_simple(self) -> str:
        if self._kind != "index" or cut_after_simple(self._place.url):
            return ""
        return "the URL of an index mostly ends with /simple"

    def _result(
        self,
        word: str,
        answer: Answer,
        detail: str = "",
        step: NextStep = next_step.NOTHING,
    ) -> Result:
        return Result(
            kind=self._kind,
            url=self._place.shown,
            answer=word,
            status=answer.status,
            found=answer.found,
            detail=join_reasons(answer.detail, detail, answer.mirror_note),
            next_step=step,
            seconds=answer.seconds,
            mirror=answer.mirror,
        )


def _first_file(page: Answer) -> str | None:
    """Return the URL of the first file on a page that can be asked for, or None."""
    for file in page.files:
        if file.url.startswith(("https://", "http://")):
            return file.url
    return None


def _is_known_user(file: Answer, page: Answer) -> bool:
    """Tell if the server of a file that is refused knows the user."""
    if file.found is None:
        return False
    return file.found == page.found or file.status == 403


def _entered(answer: Answer) -> str:
    if answer.found is None:
        return OPEN
    return LET_IN


def _fake_of(credential: Credential) -> Credential:
    """Return a login of the same kind that nobody has, so that nobody's account is locked by it."""
    if isinstance(credential, BasicHTTP):
        return BasicHTTP(NOBODYS_NAME, NOBODYS_NAME)
    if isinstance(credential, CondaToken):
        return CondaToken(NOBODYS_NAME)
    return BearerToken(NOBODYS_NAME)

"""Probe one index or channel with small requests.

One page and one file are mostly enough. If they do not tell the reason for a refusal, the root and
more pages are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import next_step, vendors
from authshim.index import answer as answers
from authshim.index.answer import join_reasons
from authshim.index.judge import NOBODYS_NAME, Judge, entered
from authshim.index.mirrors import Subdir
from authshim.index.verdict import FORBIDDEN, NOT_FOUND, NOT_PROBED
from authshim.project.repositories import Channel, Index
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.index.answer import Answer
    from authshim.index.client import IndexClient
    from authshim.index.verdict import Result
    from authshim.project.repositories import Repository

MAX_PROBED_PACKAGES = 50
"""Packages of the project for which an index is asked, until it has one."""

_TELLS_ENOUGH = (answers.FOUND, answers.REFUSED)
"""The answers of a root that tell if an index lets its user in."""


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
        self._judge = Judge(client, place, kind)

    def run(self, names: Sequence[str]) -> Result:
        """Return the verdict.

        :param names: packages of the project.
        """
        place = self._place
        if isinstance(place, Channel):
            return self._of_channel(place)
        if not isinstance(place, Index):
            answer = self._client.probe(place, place.url)
            return self._judge.judge(answer)
        if place.flat:
            page = self._client.flat_page(place)
            return self._of_listing(page)
        return self._of_index(place, names)

    def _of_channel(self, channel: Channel) -> Result:
        subdir = channel.url
        if not isinstance(channel, Subdir):
            subdir += "/noarch"
        answer = self._client.probe(channel, f"{subdir}/repodata.json")
        return self._judge.judge(answer)

    def _of_index(
        self,
        index: Index,
        names: Sequence[str],
    ) -> Result:
        """Ask for the packages of the project until the index has one of them."""
        asked = names[:MAX_PROBED_PACKAGES] or [NOBODYS_NAME]
        for name in asked:
            page = self._client.page(index, name)
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
        return self._judge.result(NOT_PROBED, page, nothing)

    def _of_page(self, page: Answer, name: str) -> Result:
        if page.answer == answers.FOUND and page.forwarded_to:
            return self._forwarded(page, name)
        if page.status == 403 and page.found is not None:
            return self._forbidden(page, name)
        return self._of_listing(page)

    def _without_page(self, page: Answer) -> Result:
        """Judge an index that has none of the project's packages by its root."""
        root = self._root()
        if root.answer in _TELLS_ENOUGH:
            return self._judge.judge(root)
        if vendors.lists_nothing(page.place.url):
            nothing = "it has no page of the project's packages, and lists none"
            detail = f"{nothing}: one that is not there looks the same"
            word = entered(page)
            return self._judge.result(word, page, detail)
        return self._judge.judge(page)

    def _forwarded(self, page: Answer, name: str) -> Result:
        """Judge an index by its root if it leaves a page to another one, as GitLab does."""
        judged = self._root()
        if judged.answer not in _TELLS_ENOUGH:
            judged = page
        result = self._judge.judge(judged)
        if not result.fine:
            return result
        detail = f"{page.host} serves {name} in its place"
        return result._replace(detail=detail)

    def _forbidden(self, page: Answer, name: str) -> Result:
        """Tell a missing permission from a wrong password, to which some servers say 403, too."""
        root = self._root()
        if root.answer == answers.FOUND:
            detail = f"this user may read the index, but not {name}"
            step = vendors.ask_owner(page.place.url)
            return self._judge.result(FORBIDDEN, page, detail, step)
        if root.status == 401:
            return self._judge.judge(root)
        return self._judge.judge(page)

    def _of_listing(self, page: Answer) -> Result:
        """Judge a page and its first file, which may be elsewhere, and behind another login."""
        links_name_hosts = any(file.names_host for file in page.files)
        result = self._judge.judge(page)
        result = result._replace(api=page.api, links_name_hosts=links_name_hosts)
        url = _first_file(page)
        if url is None or not result.fine:
            return result
        file = self._client.probe(
            self._place,
            url,
            origins=page.origins,
        )
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
        if file.answer == answers.NOT_THERE and not file.next_step:
            return self._missing_file(file, url)
        there = "its page is there, but not its files"
        if file.answer == answers.REFUSED and _is_known_user(file, page):
            step = vendors.ask_owner(page.place.url)
            return self._judge.result(FORBIDDEN, file, there, step)
        result = self._judge.judge(file)
        detail = join_reasons(result.detail, there)
        return result._replace(detail=detail)

    def _missing_file(self, file: Answer, url: str) -> Result:
        name = redact(url).rpartition("/")[2]
        status = f"HTTP {file.status} for {name}"
        detail = f"let in, but its files are missing ({status})"
        step = next_step.ASK_ABOUT_FILES()
        return self._judge.result(NOT_FOUND, file, detail, step)

    def _root(self) -> Answer:
        """Ask for the root of an index, without its list if the server can do that."""
        place = self._place
        root = self._client.probe(
            place,
            place.url,
            method="HEAD",
        )
        if root.status in (405, 501):
            return self._client.probe(place, place.url)
        return root


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

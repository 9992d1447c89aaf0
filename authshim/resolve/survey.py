"""Ask each index of a project for each package that it wants, many at a time."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from authshim import next_step
from authshim.concurrency import map_concurrently
from authshim.files import reason
from authshim.index.answer import FOUND, NOT_ASKED, UNREACHABLE, Answer
from authshim.index.client import IndexClient
from authshim.index.simple_api import File
from authshim.resolve.rules import Resolution, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Callable

    from authshim.lookup.chain import Chain
    from authshim.project.repositories import Index
    from authshim.resolve.query import Query
    from authshim.settings.pixi_config import Mirror

    Progressed = Callable[[int, int, Sequence[str]], object]
    """Is called with the number of pages so far, of all pages, and the hosts that have more."""


class Survey:
    """The questions of a project, and the pages that answer them.

    :param mirrors: those of pixi's configuration.
    """

    def __init__(
        self,
        chain: Chain,
        queries: Sequence[Query],
        mirrors: Sequence[Mirror] = (),
    ) -> None:
        self._chain = chain
        self._queries = queries
        self._mirrors = mirrors
        self._pages: dict[_Key, Answer] = {}

    def run(self, tell: Progressed | None = None) -> None:
        """Fetch the pages, many at a time. Each thread has its own client.

        :param tell: called before the first page and after each one.
        """
        keys: set[_Key] = set()
        for query in self._queries:
            keys.update(_keys(query))
        if tell is not None:
            tell(0, len(keys), _hosts(keys))
        left = Counter(index.netloc for index, _ in keys)
        for key, page in map_concurrently(keys, self._worker):
            self._pages[key] = page
            index, _ = key
            left[index.netloc] -= 1
            if not left[index.netloc]:
                del left[index.netloc]
            if tell is not None:
                fetched = len(self._pages)
                tell(fetched, len(keys), list(left))

    @contextmanager
    def _worker(self) -> Iterator[Callable[[_Key], Answer]]:
        client = IndexClient(self._chain, self._mirrors)
        with closing(client):
            yield lambda key: _page(client, *key)

    def results(self, unanswered: str = "") -> list[Resolution]:
        """Return the resolutions in the order of the questions.

        :param unanswered: the reason for which a page was not fetched.
        """
        return [self._resolve(query, unanswered) for query in self._queries]

    def _resolve(
        self,
        query: Query,
        unanswered: str,
    ) -> Resolution:
        pages = []
        for index in query.indexes:
            key = _key(index, query)
            page = self._pages.get(key)
            if page is None:
                page = _missing(index, unanswered)
            # The page may have been asked for at an equal index of another environment.
            page = page._replace(place=index)
            pages.append(page)
        return resolve(query, pages)


_Key = tuple["Index", str]
"""An index and the name of a package. A flat index has one page, whose name is empty."""


def _missing(index: Index, reason: str) -> Answer:
    """Return the answer of an index whose page was not fetched."""
    step = next_step.RUN_AGAIN()
    return Answer(
        index,
        UNREACHABLE,
        detail=reason,
        next_step=step,
    )


def _hosts(keys: Iterable[_Key]) -> list[str]:
    """Return the hosts of the pages, each once."""
    hosts = [index.netloc for index, _ in keys]
    return list(dict.fromkeys(hosts))


def _keys(query: Query) -> list[_Key]:
    """Return the pages that answer a query."""
    return [_key(index, query) for index in query.indexes]


def _key(index: Index, query: Query) -> _Key:
    if index.flat:
        return index, ""
    return index, query.dependency.name


def _page(
    client: IndexClient,
    index: Index,
    name: str,
) -> Answer:
    """Return the page of an index."""
    scheme = index.scheme
    if scheme == "file":
        return _folder(index)
    if scheme not in ("http", "https"):
        detail = f"{scheme} is not http(s)"
        return Answer(index, NOT_ASKED, detail=detail)
    if index.flat:
        return client.flat_page(index)
    return client.page(index, name)


def _folder(index: Index) -> Answer:
    """List a folder of files, as ``find-links`` may name one."""
    if not index.flat:
        return Answer(index, NOT_ASKED, detail="only http(s) indexes are read here")
    try:
        path = urlsplit(index.url).path
        folder = url2pathname(path)
        names = sorted(os.listdir(folder))
    except (OSError, ValueError) as error:
        detail = f"the folder cannot be read: {reason(error)}"
        step = next_step.CORRECT_FIND_LINKS()
        return Answer(
            index,
            UNREACHABLE,
            detail=detail,
            next_step=step,
        )
    files = _files_in(index, names)
    return Answer(index, FOUND, files=files)


def _files_in(
    index: Index,
    names: Iterable[str],
) -> tuple[File, ...]:
    root = index.url.rstrip("/")
    files = [File(name, f"{root}/{name}") for name in names]
    return tuple(files)

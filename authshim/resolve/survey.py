"""Ask each index of a project for each package that it wants, many at a time."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from authshim import next_step
from authshim.concurrency import map_concurrently
from authshim.errors import ManifestError, SettingsError
from authshim.files import reason
from authshim.index.answer import FOUND, NOT_ASKED, UNREACHABLE, Answer
from authshim.index.client import IndexClient
from authshim.index.simple_api import File
from authshim.project.requirements import MAX_REQUIREMENT_CHARACTERS, Dependency, normalised
from authshim.resolve.rules import Resolution, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Callable

    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Manifest
    from authshim.project.repositories import Index
    from authshim.settings.pixi_config import Mirror

    Progressed = Callable[[int, int, Sequence[str]], object]
    """Is called with the number of pages so far, of all pages, and the hosts that have more."""


TOOLS = ("pixi", "uv", "pip")
"""The tools whose rules are known."""


class Query(NamedTuple):
    """A package, and the indexes in which the tool of the project looks for it."""

    dependency: Dependency
    indexes: tuple[Index, ...]
    """In the tool's order; only its own where it names one, and flat pages."""
    strategy: str
    mode: str
    environments: tuple[str, ...] = ()
    """The environments that ask so."""
    tool: str = "pixi"


def queries(
    manifest: Manifest,
    environment: str | None,
    names: Sequence[str] = (),
) -> list[Query]:
    """Return the questions of a project; environments that ask the same share one.

    :param environment: an environment of pixi, or None for all of them.
    :param names: packages, perhaps with a specifier (``torch>=2``); the project's if empty.
    :raises ManifestError: there is no such environment, the tool would refuse a requirement, or
        its rules are not known here.
    :raises SettingsError: a name is not the name of a package.
    """
    if manifest.tool not in TOOLS:
        raise ManifestError(manifest.path or "the configuration", _other_rules(manifest.tool))
    wanted = [_named(text) for text in names]
    found: dict[Query, list[str]] = {}
    environments = manifest.environments if environment is None else (environment,)
    for each, dependency in _dependencies(manifest, environments, wanted):
        query = Query(
            dependency,
            _indexes(manifest.indexes(each), dependency),
            manifest.index_strategy(each),
            manifest.prerelease_mode(each),
            tool=manifest.tool,
        )
        found.setdefault(query, []).append(each)
    both = ((query, tuple(dict.fromkeys(asking))) for query, asking in found.items())
    return [query._replace(environments=asking) for query, asking in both]


def _other_rules(tool: str) -> str:
    if not tool.isalpha():
        return f"name one of {tool} by --tool: their rules of choosing an index differ"
    return f"resolve knows the rules of {', '.join(TOOLS)}, not those of {tool}"


def _named(text: str) -> Dependency:
    """Read a name, with a specifier perhaps."""
    from packaging.requirements import InvalidRequirement, Requirement

    shown = repr(text) if re.fullmatch(r"[\w.\-\[\],<>=!~*+ ]{1,100}", text) else "****"
    try:
        requirement = Requirement(text) if len(text) <= MAX_REQUIREMENT_CHARACTERS else None
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url or requirement.marker:
        expected = "expected one such as torch or 'torch>=2'"
        raise SettingsError(shown, f"it is no package's name; {expected}")
    extras = tuple(sorted(requirement.extras))
    return Dependency(normalised(requirement.name), str(requirement.specifier), extras)


def _dependencies(
    manifest: Manifest, environments: Sequence[str], wanted: Sequence[Dependency]
) -> Iterator[tuple[str, Dependency]]:
    """Yield the dependencies of environments, or those that were asked for instead."""
    own = [(each, known) for each in environments for known in manifest.dependencies(each)]
    if not wanted:
        yield from own
    for asked in wanted:
        mine = [(each, known) for each, known in own if known.name == asked.name]
        if mine:
            yield from ((each, _narrowed(known, asked)) for each, known in mine)
        else:
            yield from ((each, _on_machine_of(manifest, each, asked)) for each in environments)


def _narrowed(known: Dependency, asked: Dependency) -> Dependency:
    """Return a dependency of the project with the specifier and extras that were asked for."""
    specifier = asked.specifier or known.specifier
    return known._replace(specifier=specifier, extras=asked.extras or known.extras)


def _on_machine_of(manifest: Manifest, environment: str, asked: Dependency) -> Dependency:
    target = manifest.target(environment)
    return asked._replace(target=target, platforms=(target.platform,))


def _indexes(indexes: Iterable[Index], dependency: Dependency) -> tuple[Index, ...]:
    if dependency.origin:
        return ()
    if dependency.own_index is not None:
        return (dependency.own_index, *(index for index in indexes if index.flat))
    return tuple(indexes)


class Survey:
    """The questions of a project, and the pages that answer them.

    :param mirrors: those of pixi's configuration.
    """

    def __init__(
        self, chain: Chain, queries: Sequence[Query], mirrors: Sequence[Mirror] = ()
    ) -> None:
        self._chain = chain
        self._queries = queries
        self._mirrors = mirrors
        self._pages: dict[_Key, Answer] = {}

    def run(self, tell: Progressed | None = None) -> None:
        """Fetch the pages, many at a time. Each thread has its own client.

        :param tell: called before the first page and after each one.
        """

        @contextmanager
        def worker() -> Iterator[Callable[[_Key], Answer]]:
            with closing(IndexClient(self._chain, self._mirrors)) as client:
                yield lambda key: _page(client, *key)

        keys = {key for query in self._queries for key in _keys(query)}
        left = Counter(index.netloc for index, _ in keys)
        if tell is not None:
            tell(0, len(keys), list(left))
        for key, page in map_concurrently(keys, worker):
            self._pages[key] = page
            left[key[0].netloc] -= 1
            if tell is not None:
                tell(len(self._pages), len(keys), [host for host in left if left[host]])

    def results(self, unanswered: str = "") -> list[Resolution]:
        """Return the resolutions in the order of the questions.

        :param unanswered: the reason for which a page was not fetched.
        """
        pages = dict(self._pages)
        for query in self._queries:
            for key in _keys(query):
                step = next_step.RUN_AGAIN()
                missing = Answer(key[0], UNREACHABLE, detail=unanswered, next_step=step)
                pages.setdefault(key, missing)
        return [_answer(query, pages) for query in self._queries]


def _answer(query: Query, pages: dict[_Key, Answer]) -> Resolution:
    # The page may have been asked for at an equal index of another environment.
    both = zip(_keys(query), query.indexes)
    own = [pages[key]._replace(place=index) for key, index in both]
    found = resolve(
        query.dependency, own, strategy=query.strategy, mode=query.mode, tool=query.tool
    )
    return found._replace(environments=query.environments)


_Key = tuple["Index", str]
"""An index, and a name; "" for a flat one, whose page is the same for all names."""


def _keys(query: Query) -> list[_Key]:
    """Return what is to be fetched."""
    return [(index, "" if index.flat else query.dependency.name) for index in query.indexes]


def _page(client: IndexClient, index: Index, name: str) -> Answer:
    """Return the page of an index."""
    scheme = index.scheme
    if scheme == "file":
        return _folder(index)
    if scheme not in ("http", "https"):
        return Answer(index, NOT_ASKED, detail=f"{scheme} is not http(s)")
    if index.flat:
        return client.flat_page(index)
    return client.page(index, name)


def _folder(index: Index) -> Answer:
    """List a folder of files, as ``find-links`` may name one."""
    if not index.flat:
        return Answer(index, NOT_ASKED, detail="only http(s) indexes are read here")
    try:
        names = sorted(os.listdir(url2pathname(urlsplit(index.url).path)))
    except (OSError, ValueError) as error:
        detail = f"the folder cannot be read: {reason(error)}"
        return Answer(index, UNREACHABLE, detail=detail, next_step=next_step.CORRECT_FIND_LINKS())
    files = tuple(File(name, f"{index.url.rstrip('/')}/{name}") for name in names)
    return Answer(index, FOUND, files=files)

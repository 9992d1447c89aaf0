"""The sources that a pdm project and pdm's configuration declare, and their logins.

1. PyPI, or the URL of ``PDM_PYPI_URL`` or of ``[pypi]`` in the configuration, comes first unless
   the project has a source "pypi".
2. Then come the project's sources, and those of the configuration by name. If
   ``ignore_stored_index`` is set, the project's sources are all.
3. A source of the project takes from the configuration what it does not have itself. A source
   without a URL is left out.
4. A ``username`` of its own replaces that of the URL, unless the URL has a password.
5. ``${VARIABLE}`` in the userinfo of a URL is expanded from the environment, and quoted. pdm
   expands it in the rest of the URL as well. Here it stays: no value names a host.
6. A source that excludes all packages serves only those that it includes.
7. pdm asks a keyring for the URL with a slash at the end, for ``host[:port]``, and for
   ``pdm-pypi-NAME``. A URL with ``user@`` is asked for with it, and authshim does not.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from authshim.project.declaring import PYPI_NAME, DeclaredIndexes, read_file
from authshim.project.model import STRATEGIES
from authshim.project.pdm_configuration import Configuration, Source
from authshim.project.toml import Section, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.repositories import Index

_OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9?*\[\]-]+")
"""The characters that pdm replaces in the pattern of a package."""


def read_project(
    folder: str,
    environ: Mapping[str, str],
) -> DeclaredIndexes:
    """Return the sources of the pdm project in a folder, with those of pdm's configuration.

    :raises TableError: pdm would refuse a value of the pyproject.toml.
    """
    configuration = Configuration(folder, environ)
    searched, explicit = [], []
    for source, index in _indexes(folder, configuration):
        if source.serves_no_others:
            explicit.append(index)
        else:
            searched.append(index)
    return DeclaredIndexes(
        searched=tuple(searched),
        explicit=tuple(explicit),
        strategy=STRATEGIES[2],
        problems=tuple(configuration.problems),
    )


def patterns(source: Section, key: str) -> list[str]:
    """Return the patterns of packages, in the form of normalised names."""
    texts = source.strings(key)
    with_dashes = [_OTHER_CHARACTERS.sub("-", text) for text in texts]
    return [text.lower() for text in with_dashes]


def own_table(document: Section) -> Section:
    """Return the table of pdm in a pyproject.toml."""
    tool = document.section("tool")
    return tool.section("pdm")


def _indexes(
    folder: str,
    configuration: Configuration,
) -> Iterator[tuple[Source, Index]]:
    """Yield the sources that have an index. A malformed one of the configuration is a problem.

    :raises TableError: pdm would refuse a source of the project.
    """
    for source in _sources(folder, configuration):
        try:
            index = configuration.index(source)
        except TableError as error:
            if source.is_own:
                raise
            configuration.problems.append(str(error))
            continue
        if index is not None:
            yield source, index


def _sources(
    folder: str,
    configuration: Configuration,
) -> list[Source]:
    """Return all sources in pdm's order."""
    sources = [*_own_sources(folder)]
    names = {source.name for source in sources}
    if configuration.ignores_stored:
        return sources
    if PYPI_NAME not in names:
        pypi = Source(
            PYPI_NAME,
            table={},
            file=None,
            place="the default",
        )
        sources.insert(0, pypi)
    others = [source for source in configuration.sources if source.name not in names]
    return [*sources, *others]


def _own_sources(folder: str) -> Iterator[Source]:
    path = os.path.join(folder, "pyproject.toml")
    file = read_file(path)
    if file is None:
        return
    pdm = own_table(file.document)
    for source in pdm.array_of_sections("source"):
        excluded = patterns(source, "exclude_packages")
        yield Source(
            source.text("name"),
            source.table,
            file,
            is_own=True,
            serves_no_others="*" in excluded,
        )

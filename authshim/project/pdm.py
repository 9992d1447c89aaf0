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
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from authshim.project.config_files import pdm_files
from authshim.project.declaration import NOT_VERIFIED, Declaration
from authshim.project.declaring import (
    PYPI_NAME,
    DeclaredIndexes,
    TomlFile,
    asked_as,
    index_of,
    read_file,
)
from authshim.project.model import PYPI, STRATEGIES
from authshim.project.toml import Section, Table, TableError
from authshim.urls import split_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.repositories import Index
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_VARIABLES = ("url", "username", "password", "verify_ssl")
_KEYS = (*_VARIABLES, "ca_certs")

_OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9?*\[\]-]+")
"""The characters that pdm replaces in the pattern of a package."""

_FALSE = ("", "false", "no", "0")
"""The values of a flag that pdm takes for false, in lower case."""


class _Source(NamedTuple):
    """The table of a source, and the file that has it."""

    name: str
    table: Table
    file: TomlFile | None
    place: str = ""
    is_own: bool = False
    """True if it is a source of the project."""
    serves_no_others: bool = False
    """True if it excludes the packages that it does not include."""


def read_project(
    folder: str,
    environ: Mapping[str, str],
) -> DeclaredIndexes:
    """Return the sources of the pdm project in a folder, with those of pdm's configuration.

    :raises TableError: pdm would refuse a value of the pyproject.toml.
    """
    configuration = _Configuration(folder, environ)
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
    return [_OTHER_CHARACTERS.sub("-", text).lower() for text in source.strings(key)]


def own_table(document: Section) -> Section:
    """Return the table of pdm in a pyproject.toml."""
    return document.section("tool").section("pdm")


def _indexes(
    folder: str,
    configuration: _Configuration,
) -> Iterator[tuple[_Source, Index]]:
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
    configuration: _Configuration,
) -> list[_Source]:
    """Return all sources in pdm's order."""
    sources = [*_own_sources(folder)]
    names = {source.name for source in sources}
    if configuration.ignores_stored:
        return sources
    if PYPI_NAME not in names:
        pypi = _Source(PYPI_NAME, {}, None, "the default")
        sources.insert(0, pypi)
    others = (source for source in configuration.sources if source.name not in names)
    return [*sources, *others]


def _own_sources(folder: str) -> Iterator[_Source]:
    file = read_file(os.path.join(folder, "pyproject.toml"))
    if file is None:
        return
    for source in own_table(file.document).array_of_sections("source"):
        excludes_all = "*" in patterns(source, "exclude_packages")
        name = source.text("name")
        yield _Source(name, source.table, file, is_own=True, serves_no_others=excludes_all)


class _Configuration:
    """The tables ``pypi`` of pdm's configuration files, and its variables."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    @property
    def ignores_stored(self) -> bool:
        """Return True if the sources of the configuration are not asked."""
        values = [pypi.get("ignore_stored_index") for _, pypi in self._files]
        values.insert(0, self._environ.get("PDM_IGNORE_STORED_INDEX"))
        strongest = next((value for value in values if value is not None), False)
        return str(strongest).lower() not in _FALSE

    @property
    def sources(self) -> Iterator[_Source]:
        """Yield the sources of the files by name, the strongest first."""
        seen = {PYPI_NAME}
        for file, pypi in self._files:
            for name, table in pypi.items():
                if isinstance(table, dict) and name not in seen:
                    seen.add(name)
                    yield _Source(name, table, file)

    def index(self, source: _Source) -> Index | None:
        """Return the index of a source, with the values that the configuration has for it.

        Return None if there is no URL.
        """
        table, added_in = self._completed(source)
        if not table.get("url"):
            return None
        declaration = Declaration(
            added_in.get("url") or _place(source, table),
            source.name,
            login_in=added_in.get("password") or added_in.get("username", ""),
            certificates=_certificates(table),
        )
        url, lone_user = _without_lone_user(self._with_userinfo(table["url"]))
        username, password = _text(table.get("username")), _text(table.get("password"))
        username = username or lone_user
        if password is not None and username is None:
            username = ""
        login = (username, password)
        flat = table.get("type") == "find_links"
        index = index_of(url, declaration, self._folder, login=login, flat=flat)
        services = [index.netloc, f"pdm-pypi-{source.name}"]
        if lone_user is None:
            services.insert(0, f"{index.url.rstrip('/')}/")
        return asked_as(index, services)

    def _completed(self, source: _Source) -> tuple[Table, dict[str, str]]:
        """Return the table of a source with all values, and the places of the added ones."""
        table = dict(source.table)
        added_in: dict[str, str] = {}
        for values, places in self._stored(source.name):
            for key in _KEYS:
                if key in values and key not in table:
                    table[key] = values[key]
                    added_in[key] = places[key]
        if source.name == PYPI_NAME:
            table.setdefault("url", PYPI.url)
        return table, added_in

    def _stored(self, name: str) -> Iterator[tuple[Table, dict[str, str]]]:
        """Yield the values that the variables and the files have for a name, and their places."""
        if name == PYPI_NAME:
            yield self._of_variables()
        for file, pypi in self._files:
            table = pypi.get(name)
            if name == PYPI_NAME:
                table = pypi
            if isinstance(table, dict):
                yield table, _places(table, file)

    def _of_variables(self) -> tuple[Table, dict[str, str]]:
        """Return the values of the variables of the source "pypi", and their names."""
        values = {}
        names = {}
        for key in _VARIABLES:
            names[key] = f"PDM_PYPI_{key.upper()}"
            value = self._environ.get(names[key])
            if value:
                values[key] = value
        return values, names

    def _with_userinfo(self, url: Any) -> Any:
        """Return a URL with the variables of its userinfo expanded."""
        if not isinstance(url, str):
            return url
        parts = split_userinfo(url)
        if parts is None:
            return url
        scheme, userinfo, rest = parts
        if not userinfo:
            return url
        expanded = _VARIABLE.sub(self._quoted, userinfo)
        return f"{scheme}://{expanded}@{rest}"

    def _quoted(self, match: re.Match[str]) -> str:
        value = self._environ.get(match[1])
        if value is None:
            return match[0]
        return quote(value, safe="")

    def _read(self, folder: str) -> Iterator[tuple[TomlFile, Table]]:
        """Yield pdm's files with their ``pypi`` table, the strongest first."""
        for path in pdm_files(folder, self._environ):
            try:
                file = read_file(path)
                if file is not None:
                    yield file, file.document.section("pypi").table
            except TableError as error:
                self.problems.append(str(error.at(path)))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _certificates(table: Table) -> str:
    """Return the value of ``Declaration.certificates``."""
    if str(table.get("verify_ssl", True)).lower() in _FALSE:
        return NOT_VERIFIED
    return _text(table.get("ca_certs")) or ""


def _without_lone_user(url: Any) -> tuple[Any, str | None]:
    """Return a URL without ``user@``, and the user. Without one, the user is None."""
    parts = split_userinfo(url) if isinstance(url, str) else None
    if parts is None:
        return url, None
    scheme, userinfo, rest = parts
    if not userinfo or ":" in userinfo:
        return url, None
    return f"{scheme}://{rest}", unquote(userinfo)


def _place(source: _Source, completed: Table) -> str:
    """Return the place of the URL of a source.

    :param completed: the table of the source, with the values of the configuration.
    """
    if source.file is None:
        return source.place
    text = completed.get("url") or source.name
    return source.file.lines.place(str(text), "source")


def _places(table: Table, file: TomlFile) -> dict[str, str]:
    """Return the places of the values of a table by their keys."""
    return {key: file.lines.place(str(table[key]), key) for key in _KEYS if key in table}

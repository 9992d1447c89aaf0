"""The sources that a pdm project and pdm's configuration declare, and their logins.

1. PyPI, or the URL of ``PDM_PYPI_URL`` or of ``[pypi]`` in the configuration, comes first unless
   the project has a source "pypi".
2. Then come the project's sources, and those of the configuration by name.
3. A source of the project takes from the configuration what it does not have itself.
4. ``${VARIABLE}`` in a login is expanded from the environment. In the userinfo of a URL its value
   is quoted, and anywhere else in a URL it stays: no value names a host.
5. pdm's keyring entries are named ``pdm-pypi-NAME``.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from authshim.project.config_files import below, config_home
from authshim.project.declaring import (
    PYPI_NAME,
    DeclaredIndexes,
    TomlFile,
    index_of,
    keyring_services,
    read_file,
)
from authshim.project.model import PYPI, STRATEGIES
from authshim.project.pyproject_groups import raw_requirements, read_groups
from authshim.project.repositories import Declaration, Index
from authshim.project.toml import Section, Table, TableError
from authshim.urls import split_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.requirements import RawRequirement

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_KEYS = ("url", "username", "password")


class _Source(NamedTuple):
    """The table of a source, and the file that has it."""

    name: str
    table: Table
    file: TomlFile | None
    place: str = ""


def read_project(folder: str, environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the sources of the pdm project in a folder, with those of pdm's configuration.

    :raises TableError: pdm would refuse a value of the pyproject.toml.
    """
    configuration = _Configuration(folder, environ)
    indexes = [configuration.index(source) for source in _sources(folder, configuration)]
    simple = [index for index in indexes if not index.flat]
    flat = [index for index in indexes if index.flat]
    return DeclaredIndexes(
        searched=tuple(simple),
        flat=tuple(flat),
        strategy=STRATEGIES[2],
        problems=tuple(configuration.problems),
    )


def requirements_of(document: Section, declared: DeclaredIndexes) -> tuple[RawRequirement, ...]:
    """Return the packages that a pdm project requires."""
    del declared  # no package of pdm names its source
    found: list[RawRequirement] = []
    for group in read_groups(document).values():
        found += group
    development = _own_table(document).section("dev-dependencies")
    for entries in development.table.values():
        if isinstance(entries, list):
            found += raw_requirements(entries)
    return tuple(dict.fromkeys(found))


def _own_table(document: Section) -> Section:
    return document.section("tool").section("pdm")


def _sources(folder: str, configuration: _Configuration) -> list[_Source]:
    """Return all sources in pdm's order."""
    sources = [*_own_sources(folder)]
    names = {source.name for source in sources}
    if PYPI_NAME not in names:
        pypi = _Source(PYPI_NAME, {"url": PYPI.url}, None, "the default")
        sources.insert(0, pypi)
    if configuration.ignores_stored:
        return sources
    others = (source for source in configuration.sources if source.name not in names)
    return [*sources, *others]


def _own_sources(folder: str) -> Iterator[_Source]:
    file = read_file(os.path.join(folder, "pyproject.toml"))
    if file is None:
        return
    for source in _own_table(file.document).array_of_sections("source"):
        yield _Source(source.text("name"), source.table, file)


class _Configuration:
    """The tables ``pypi`` of pdm's configuration files, and its variables."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    @property
    def ignores_stored(self) -> bool:
        """Return True if the sources of the configuration are not asked."""
        variable = self._environ.get("PDM_IGNORE_STORED_INDEX", "")
        if variable.lower() in ("1", "true", "yes"):
            return True
        return any(pypi.get("ignore_stored_index") is True for _, pypi in self._files)

    @property
    def sources(self) -> Iterator[_Source]:
        """Yield the sources of the files by name, the strongest first."""
        seen = {PYPI_NAME}
        for file, pypi in self._files:
            for name, table in pypi.items():
                if isinstance(table, dict) and name not in seen:
                    seen.add(name)
                    yield _Source(name, table, file)

    def index(self, source: _Source) -> Index:
        """Return the index of a source, with the values that the configuration has for it."""
        table, login_in = self._completed(source)
        url = table.get("url")
        declaration = Declaration(
            place=_place(source, table),
            name=source.name,
            login_in=login_in,
            services=keyring_services("pdm-pypi", source.name),
        )
        username = self._expanded(table.get("username"))
        password = self._expanded(table.get("password"))
        return index_of(
            self._with_userinfo(url),
            declaration,
            login=(username, password),
            flat=table.get("type") == "find_links",
        )

    def _completed(self, source: _Source) -> tuple[Table, str]:
        """Return the table of a source with all values, and the place of its login."""
        table = dict(source.table)
        login_in = ""
        for values, places in self._stored(source.name):
            # Only the default source, of no file, takes its URL from the configuration.
            if source.file is None and "url" in values and "url_in" not in table:
                table["url"] = values["url"]
                table["url_in"] = places["url"]
            for key in ("username", "password"):
                if key in values and key not in table:
                    table[key] = values[key]
                    login_in = places[key]
        return table, login_in

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
        for key in _KEYS:
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

    def _expanded(self, value: Any) -> Any:
        if not isinstance(value, str):
            return None
        return _VARIABLE.sub(lambda match: self._environ.get(match[1], match[0]), value)

    def _read(self, folder: str) -> Iterator[tuple[TomlFile, Table]]:
        """Yield pdm's files with their ``pypi`` table, the strongest first."""
        own = os.path.join(folder, "pdm.toml")
        for path in (own, _user_file(self._environ), _site_file()):
            try:
                file = read_file(path)
                if file is not None:
                    yield file, file.document.section("pypi").table
            except TableError as error:
                self.problems.append(str(error))


def _place(source: _Source, completed: Table) -> str:
    """Return the place of the URL of a source.

    :param completed: the table of the source, with the values of the configuration.
    """
    if source.name == PYPI_NAME and completed.get("url_in"):
        return str(completed["url_in"])
    if source.file is None:
        return source.place
    text = completed.get("url") or source.name
    return source.file.lines.place(str(text), "source")


def _places(table: Table, file: TomlFile) -> dict[str, str]:
    """Return the places of the values of a table by their keys."""
    return {key: file.lines.place(str(table[key]), key) for key in _KEYS if key in table}


def _user_file(environ: Mapping[str, str]) -> str | None:
    named = environ.get("PDM_CONFIG_FILE")
    if named:
        return named
    home = config_home(environ, apple=True)
    return below(home, "pdm", "config.toml")


def _site_file() -> str | None:
    if sys.platform == "win32":
        return None
    return "/etc/xdg/pdm/config.toml"

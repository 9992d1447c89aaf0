"""The sources that a poetry project declares, and their logins.

1. The sources of priority "primary" come first, in the file's order, and replace PyPI. Then come
   those of priority "supplemental". An "explicit" one serves only packages that name it.
2. The login of a source is the userinfo of its URL, else ``POETRY_HTTP_BASIC_NAME_USERNAME`` and
   ``_PASSWORD``, else ``[http-basic.NAME]`` of poetry.toml, config.toml or auth.toml.
3. poetry's keyring entries are named ``poetry-repository-NAME``.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.config_files import below, config_home
from authshim.project.declaring import (
    PYPI_NAME,
    DeclaredIndexes,
    TomlFile,
    index_of,
    keyring_services,
    login_of,
    pypi_by_default,
    read_file,
)
from authshim.project.lines import Lines
from authshim.project.model import PYPI
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import Declaration, Index
from authshim.project.requirements import RawRequirement, normalised, origin_of
from authshim.project.toml import Section, Table, TableError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_PRIORITIES = ("primary", "default", "secondary", "supplemental", "explicit")
"""The values of ``priority``. "default" and "secondary" are those of poetry 1."""

_FIRST = ("primary", "default")
"""The priorities of the sources that are asked first, in place of PyPI."""

_Login = tuple["str | None", "str | None"]


class _Source(NamedTuple):
    declared: Index
    priority: str


def read_project(folder: str, environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the sources of the poetry project in a folder.

    :raises TableError: poetry would refuse a value of the pyproject.toml.
    """
    file = read_file(os.path.join(folder, "pyproject.toml"))
    if file is None:
        return DeclaredIndexes((pypi_by_default(),))
    logins = _Logins(folder, environ)
    tables = _own_table(file.document).array_of_sections("source")
    sources = [_source(table, file, logins) for table in tables]
    return _order(sources)._replace(problems=tuple(logins.problems))


def _order(sources: list[_Source]) -> DeclaredIndexes:
    """Return the indexes of the sources by their priority, with PyPI if poetry asks it."""
    first, later, explicit = [], [], []
    names_pypi = False
    for index, priority in sources:
        if index.declaration.name.lower() == PYPI_NAME:
            names_pypi = True
        if priority == "explicit":
            explicit.append(index)
        elif priority in _FIRST:
            first.append(index)
        else:
            later.append(index)
    if not first and not names_pypi:
        first = [pypi_by_default()]
    return DeclaredIndexes((*first, *later), explicit=tuple(explicit))


def _own_table(document: Section) -> Section:
    return document.section("tool").section("poetry")


def _source(table: Section, file: TomlFile, logins: _Logins) -> _Source:
    name = table.text("name")
    priority = table.choice("priority", _PRIORITIES) or "primary"
    url = table.table.get("url")
    place = file.lines.place(str(url or name), "source")
    if name.lower() == PYPI_NAME and url is None:
        pypi = Index(PYPI.url, declaration=Declaration(place, name))
        return _Source(pypi, priority)
    login, login_in = logins.of(name)
    declaration = Declaration(
        place,
        name,
        login_in=login_in,
        services=keyring_services("poetry-repository", name),
    )
    index = index_of(url, declaration, login=login)
    return _Source(index, priority)


class _Logins:
    """The logins of sources by name, in poetry's variables and files."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    def of(self, name: str) -> tuple[_Login, str]:
        """Return the username and password of a source, and the place that has them."""
        prefix = f"POETRY_HTTP_BASIC_{re.sub('[.-]', '_', name).upper()}"
        found, variable = login_of(self._environ, f"{prefix}_USERNAME", f"{prefix}_PASSWORD")
        if variable:
            return found, variable
        for path, basic in self._files:
            login = _login(basic.get(name))
            if login is not None:
                place = Lines(path).place(name, "http-basic")
                return login, place
        return (None, None), ""

    def _read(self, folder: str) -> Iterator[tuple[str, Table]]:
        """Yield the ``http-basic`` tables of the files, the strongest first."""
        for path in _config_files(folder, self._environ):
            try:
                file = read_file(path)
                if file is not None:
                    yield path, file.document.section("http-basic").table
            except TableError as error:
                self.problems.append(str(error))


def _login(entry: Any) -> _Login | None:
    """Return the username and password of an entry, or None if it has no username."""
    if not isinstance(entry, dict):
        return None
    username = entry.get("username")
    password = entry.get("password")
    if not isinstance(username, str):
        return None
    if not isinstance(password, str):
        password = None
    return username, password


def _config_files(folder: str, environ: Mapping[str, str]) -> list[str]:
    """List the candidates for poetry's configuration files, the strongest first."""
    files = [os.path.join(folder, "poetry.toml")]
    config = _config_folder(environ)
    if config:
        files.append(os.path.join(config, "auth.toml"))
        files.append(os.path.join(config, "config.toml"))
    return files


def _config_folder(environ: Mapping[str, str]) -> str:
    named = environ.get("POETRY_CONFIG_DIR")
    if named:
        return named
    home = config_home(environ, apple=True)
    return below(home, "pypoetry") or ""


def requirements_of(document: Section, declared: DeclaredIndexes) -> tuple[RawRequirement, ...]:
    """Return the packages that a poetry project requires, each with the source that it names.

    :raises TableError: a package names a source that is not declared.
    """
    indexes = declared.by_name()
    found: dict[RawRequirement, None] = {}
    for group in read_groups(document).values():
        found.update(dict.fromkeys(group))
    for table in _dependency_tables(_own_table(document)):
        for name, value in table.table.items():
            requirement = _requirement(name, value, table.location(name), indexes)
            found[requirement] = None
    return tuple(raw for raw in found if raw.name != "python")


def _dependency_tables(poetry: Section) -> Iterator[Section]:
    """Yield the tables that name packages: poetry's own, those of poetry 1, and the groups."""
    yield poetry.section("dependencies")
    yield poetry.section("dev-dependencies")
    for _, group in poetry.sections("group"):
        yield group.section("dependencies")


def _requirement(name: str, value: Any, place: str, indexes: dict[str, Index]) -> RawRequirement:
    """Return the requirement of an entry without its version, which has poetry's own syntax."""
    if not isinstance(value, dict):
        return RawRequirement("", normalised(name), name)
    own_index = None
    source = value.get("source")
    if isinstance(source, str):
        own_index = indexes.get(source)
        if own_index is None:
            shown = shorten(redact(source))
            raise TableError(f"{place}: there is no source {shown!r}")
    return RawRequirement("", normalised(name), name, own_index, origin_of(value))

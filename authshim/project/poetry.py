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
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.config_files import below, config_home
from authshim.project.declaring import (
    PYPI_NAME,
    DeclaredIndexes,
    TomlFile,
    index_of,
    login_of,
    pypi_by_default,
    read_file,
)
from authshim.project.lines import Lines
from authshim.project.model import PYPI
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import Declaration, Index
from authshim.project.requirements import ORIGINS, RawRequirement, normalised
from authshim.project.toml import Table, TableError, as_table, choice, get, location
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = ("tool", "poetry")
_SOURCE = (*_ROOT, "source")

_PRIORITIES = ("primary", "default", "secondary", "supplemental", "explicit")
"""The values of ``priority``. "default" and "secondary" are those of poetry 1."""

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
    poetry = _table(file.table)
    entries = get(poetry, "source", list, _ROOT)
    sources = [_source(entry, file, logins) for entry in entries]
    return _order(sources)._replace(problems=tuple(logins.problems))


def _order(sources: list[_Source]) -> DeclaredIndexes:
    first = [source.declared for source in sources if source.priority in _PRIORITIES[:2]]
    later = [source.declared for source in sources if source.priority in _PRIORITIES[2:4]]
    explicit = [source.declared for source in sources if source.priority == "explicit"]
    names_pypi = any(source.declared.declaration.name.lower() == PYPI_NAME for source in sources)
    if not first and not names_pypi:
        first = [pypi_by_default()]
    return DeclaredIndexes((*first, *later), explicit=tuple(explicit))


def _table(document: Table) -> Table:
    tool = get(document, "tool", dict, ())
    return get(tool, "poetry", dict, ("tool",))  # type: ignore[no-any-return]


def _source(value: Any, file: TomlFile, logins: _Logins) -> _Source:
    table = as_table(value, _SOURCE)
    name = get(table, "name", str, _SOURCE)
    priority = choice(table, "priority", _PRIORITIES, _SOURCE) or "primary"
    url = table.get("url")
    place = file.lines.place(str(url or name), "source")
    if name.lower() == PYPI_NAME and url is None:
        return _Source(Index(PYPI.url, declaration=Declaration(place, name)), priority)
    login, login_in = logins.of(name)
    services = (f"poetry-repository-{name}",) if name else ()
    declaration = Declaration(place, name, login_in=login_in, services=services)
    return _Source(index_of(url, declaration, login=login), priority)


class _Logins:
    """The logins of sources by name, in poetry's variables and files."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    def of(self, name: str) -> tuple[_Login, str]:
        """Return the username and password of a source, and the place that has them."""
        prefix = f"POETRY_HTTP_BASIC_{re.sub('[.-]', '_', name).upper()}"
        login, variable = login_of(self._environ, f"{prefix}_USERNAME", f"{prefix}_PASSWORD")
        if variable:
            return login, variable
        for path, basic in self._files:
            entry = basic.get(name)
            if isinstance(entry, dict):
                user, password = entry.get("username"), entry.get("password")
                if isinstance(user, str):
                    place = Lines(path).place(name, "http-basic")
                    return (user, password if isinstance(password, str) else None), place
        return (None, None), ""

    def _read(self, folder: str) -> Iterator[tuple[str, Table]]:
        """Yield the ``http-basic`` tables of the files, the strongest first."""
        config = _config_folder(self._environ)
        paths = [os.path.join(folder, "poetry.toml")]
        paths += filter(None, (below(config, "auth.toml"), below(config, "config.toml")))
        for path in paths:
            try:
                file = read_file(path)
                if file is not None:
                    yield path, get(file.table, "http-basic", dict, ())
            except TableError as error:
                self.problems.append(str(error))


def _config_folder(environ: Mapping[str, str]) -> str:
    named = environ.get("POETRY_CONFIG_DIR")
    if named:
        return named
    return below(config_home(environ, apple=sys.platform == "darwin"), "pypoetry") or ""


def requirements_of(document: Table, declared: DeclaredIndexes) -> tuple[RawRequirement, ...]:
    """Return the packages that a poetry project requires, each with the source that it names.

    :raises TableError: a package names a source that is not declared.
    """
    poetry, indexes = _table(document), declared.by_name()
    found = [raw for group in read_groups(document).values() for raw in group]
    for where, table in _tables(poetry):
        found += (_requirement(name, value, where, indexes) for name, value in table.items())
    return tuple(dict.fromkeys(raw for raw in found if raw.name != "python"))


def _tables(poetry: Table) -> Iterator[tuple[tuple[str, ...], Table]]:
    for key in ("dependencies", "dev-dependencies"):
        yield (*_ROOT, key), get(poetry, key, dict, _ROOT)
    for name, group in get(poetry, "group", dict, _ROOT).items():
        where = (*_ROOT, "group", name)
        yield (*where, "dependencies"), get(as_table(group, where), "dependencies", dict, where)


def _requirement(
    name: str, value: Any, where: tuple[str, ...], indexes: dict[str, Index]
) -> RawRequirement:
    """Return the requirement of an entry without its version, which has poetry's own syntax."""
    if not isinstance(value, dict):
        return RawRequirement("", normalised(name), name)
    origin = next((kind for kind in ORIGINS if kind in value), "")
    own_index = None
    source = value.get("source")
    if isinstance(source, str):
        own_index = indexes.get(source)
        if own_index is None:
            shown = shorten(redact(source))
            raise TableError(f"{location(where, name)}: there is no source {shown!r}")
    return RawRequirement("", normalised(name), name, own_index, origin)

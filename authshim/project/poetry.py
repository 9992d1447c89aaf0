"""The sources that a poetry project declares, and their logins.

1. The sources of priority "primary" come first, in the file's order, and replace PyPI. Then come
   those of priority "supplemental". An "explicit" one serves only packages that name it.
2. The login of a source is the userinfo of its URL. Without userinfo, the username and the password
   are read one by one: ``POETRY_HTTP_BASIC_NAME_USERNAME`` and ``_PASSWORD``, else
   ``[http-basic.NAME]`` of poetry.toml, auth.toml or config.toml.
3. poetry asks a keyring for ``poetry-repository-NAME``, for the URL without a slash at the end, and
   for ``host[:port]``, unless ``keyring.enabled`` is false.
4. A source whose URL ends with ``.htm`` or ``.html`` is one page of links.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.declaration import Declaration
from authshim.project.declaring import (
    PYPI_NAME,
    DeclaredIndexes,
    TomlFile,
    asked_as,
    index_of,
    pypi_by_default,
    read_file,
)
from authshim.project.model import PYPI
from authshim.project.poetry_logins import Logins
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import Index
from authshim.project.requirements import RawRequirement, normalised, origin_of
from authshim.project.toml import Section, TableError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_PRIORITIES = (
    "primary",
    "default",
    "secondary",
    "supplemental",
    "explicit",
)
"""The values of ``priority``. "default" and "secondary" are those of poetry 1."""

_FIRST = ("primary", "default")
"""The priorities of the sources that are asked first, in place of PyPI."""


class _Source(NamedTuple):
    declared: Index
    priority: str


def read_project(
    folder: str,
    environ: Mapping[str, str],
) -> DeclaredIndexes:
    """Return the sources of the poetry project in a folder.

    :raises TableError: poetry would refuse a value of the pyproject.toml.
    """
    path = os.path.join(folder, "pyproject.toml")
    file = read_file(path)
    if file is None:
        pypi = pypi_by_default()
        return DeclaredIndexes((pypi,))
    logins = Logins(folder, environ)
    poetry = _own_table(file.document)
    sources = []
    for table in poetry.array_of_sections("source"):
        source = _source(table, file, logins)
        sources.append(source)
    keyring_provider = ""
    if not logins.asks_keyring:
        keyring_provider = "disabled"
    return _order(sources)._replace(
        problems=tuple(logins.problems),
        keyring_provider=keyring_provider,
    )


def _order(sources: list[_Source]) -> DeclaredIndexes:
    """Return the indexes of the sources by their priority, with PyPI if poetry asks it."""
    first: list[Index] = []
    later: list[Index] = []
    explicit: list[Index] = []
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
    return DeclaredIndexes(
        searched=(*first, *later),
        explicit=tuple(explicit),
    )


def _own_table(document: Section) -> Section:
    tool = document.section("tool")
    return tool.section("poetry")


def _source(
    table: Section,
    file: TomlFile,
    logins: Logins,
) -> _Source:
    name = table.text("name")
    priority = table.choice("priority", _PRIORITIES) or "primary"
    url = table.table.get("url")
    written = str(url or name)
    place = file.lines.place(written, "source")
    if name.lower() == PYPI_NAME and url is None:
        declaration = Declaration(place, name)
        pypi = Index(PYPI.url, declaration=declaration)
        return _Source(pypi, priority)
    index = _index(url, place, name, file.folder, logins)
    return _Source(index, priority)


def _index(
    url: Any,
    place: str,
    name: str,
    folder: str,
    logins: Logins,
) -> Index:
    """Return the index of a source, with the names by which poetry asks a keyring."""
    login, login_in = logins.of(name)
    declaration = Declaration(
        place,
        name,
        login_in=login_in,
        certificates=logins.certificates(name),
    )
    index = index_of(
        url,
        declaration,
        folder,
        login=login,
        flat=_is_one_page(url),
    )
    services = (
        f"poetry-repository-{name}",
        index.url.rstrip("/"),
        index.netloc,
    )
    return asked_as(index, services)


def _is_one_page(url: Any) -> bool:
    if not isinstance(url, str):
        return False
    return url.endswith((".htm", ".html"))


def requirements_of(
    document: Section,
    declared: DeclaredIndexes,
) -> tuple[RawRequirement, ...]:
    """Return the packages that a poetry project requires, each with the source that it names.

    :raises TableError: a package names a source that is not declared.
    """
    indexes = _by_lower_name(declared)
    groups = read_groups(document)
    found: dict[RawRequirement, None] = {}
    for group in groups.values():
        found.update(dict.fromkeys(group))
    poetry = _own_table(document)
    for table in _dependency_tables(poetry):
        for name, value in table.table.items():
            place = table.location(name)
            requirement = _requirement(name, value, place, indexes)
            found[requirement] = None
    packages = [raw for raw in found if raw.name != "python"]
    return tuple(packages)


def _by_lower_name(declared: DeclaredIndexes) -> dict[str, Index]:
    """Return the indexes by name. poetry compares the names of sources without case."""
    indexes = {}
    for name, index in declared.by_name().items():
        indexes[name.lower()] = index
    return indexes


def _dependency_tables(poetry: Section) -> Iterator[Section]:
    """Yield the tables that name packages: poetry's own, those of poetry 1, and the groups."""
    yield poetry.section("dependencies")
    yield poetry.section("dev-dependencies")
    for _, group in poetry.sections("group"):
        yield group.section("dependencies")


def _requirement(
    name: str,
    value: Any,
    place: str,
    indexes: dict[str, Index],
) -> RawRequirement:
    """Return the requirement of an entry without its version, which has poetry's own syntax."""
    requirement = RawRequirement(
        selector="",
        name=normalised(name),
        text=name,
    )
    if not isinstance(value, dict):
        return requirement
    own_index = None
    source = value.get("source")
    if isinstance(source, str):
        own_index = indexes.get(source.lower())
        if own_index is None:
            shown = shorten(redact(source))
            raise TableError(f"{place}: there is no source {shown!r}")
    return requirement._replace(
        own_index=own_index,
        origin=origin_of(value),
    )

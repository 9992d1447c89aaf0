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
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.config_files import poetry_files
from authshim.project.declaration import NOT_VERIFIED, Declaration
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
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import Index
from authshim.project.requirements import RawRequirement, normalised, origin_of
from authshim.project.toml import Section, TableError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_PRIORITIES = ("primary", "default", "secondary", "supplemental", "explicit")
"""The values of ``priority``. "default" and "secondary" are those of poetry 1."""

_FIRST = ("primary", "default")
"""The priorities of the sources that are asked first, in place of PyPI."""

_Login = tuple["str | None", "str | None"]

_ONE_PAGE = re.compile(r".*\.html?", re.DOTALL)
"""The URL of a source that is one page of links."""

_TRUE = ("true", "1")
"""The values of a variable that poetry takes for true, in lower case."""


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
    file = read_file(os.path.join(folder, "pyproject.toml"))
    if file is None:
        return DeclaredIndexes((pypi_by_default(),))
    logins = _Logins(folder, environ)
    tables = _own_table(file.document).array_of_sections("source")
    sources = [_source(table, file, logins) for table in tables]
    keyring_provider = ""
    if not logins.asks_keyring:
        keyring_provider = "disabled"
    return _order(sources)._replace(
        problems=tuple(logins.problems),
        keyring_provider=keyring_provider,
    )


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


def _source(
    table: Section,
    file: TomlFile,
    logins: _Logins,
) -> _Source:
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
        certificates=logins.certificates(name),
    )
    index = index_of(
        url,
        declaration,
        file.folder,
        login=login,
        flat=isinstance(url, str) and _ONE_PAGE.fullmatch(url) is not None,
    )
    services = (
        f"poetry-repository-{name}",
        index.url.rstrip("/"),
        index.netloc,
    )
    return _Source(asked_as(index, services), priority)


class _Logins:
    """The logins and certificates of sources by name, in poetry's variables and files."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    def of(self, name: str) -> tuple[_Login, str]:
        """Return the username and password of a source, and the place of the password.

        Without a password it is the place of the username.
        """
        username, username_in = self._value(name, "username")
        password, password_in = self._value(name, "password")
        if password is not None and username is None:
            username = ""
        return (username, password), password_in or username_in

    def certificates(self, name: str) -> str:
        """Return the value of ``Declaration.certificates`` for a source."""
        for key in ("verify", "cert"):
            value, place = self._written("certificates", name, key)
            if value is False:
                return NOT_VERIFIED
            if place:
                return value if isinstance(value, str) else ""
        return ""

    @property
    def asks_keyring(self) -> bool:
        """Return False if ``keyring.enabled`` is false."""
        variable = self._environ.get("POETRY_KEYRING_ENABLED")
        if variable is not None:
            return variable.lower() in _TRUE
        for file in self._files:
            keyring = file.document.section("keyring")
            if "enabled" in keyring.table:
                return bool(keyring.table["enabled"])
        return True

    def _value(self, name: str, key: str) -> tuple[str | None, str]:
        """Return one value of a login and its place, or None and an empty string.

        An empty value counts as set, and as no value.
        """
        value, place = self._written("http-basic", name, key)
        if not value or not isinstance(value, str):
            return None, ""
        return value, place

    def _written(
        self,
        table: str,
        name: str,
        key: str,
    ) -> tuple[Any, str]:
        """Return a value of a source in a table and its place, or None and an empty string."""
        for variable in _variables(table, name, key):
            if variable in self._environ:
                return self._environ[variable], variable
        for file in self._files:
            entry = file.document.section(table).table.get(name)
            if isinstance(entry, dict) and key in entry:
                return entry[key], file.lines.place(name, table)
        return None, ""

    def _read(self, folder: str) -> Iterator[TomlFile]:
        """Yield the files that can be used, the strongest first."""
        for path in poetry_files(folder, self._environ):
            try:
                file = read_file(path)
                if file is not None:
                    _check(file.document)
                    yield file
            except TableError as error:
                self.problems.append(str(error.at(path)))


def _check(document: Section) -> None:
    """Raise TableError if one of the tables that are read later is none."""
    document.section("http-basic")
    document.section("certificates")
    document.section("keyring")


def _variables(
    table: str,
    name: str,
    key: str,
) -> Iterator[str]:
    """Yield the variables that may have a value. poetry before 2.4 replaced dots, too."""
    for replaced in ("-", "[.-]"):
        words = (re.sub(replaced, "_", word) for word in ("poetry", table, name, key))
        yield "_".join(words).upper()


def requirements_of(
    document: Section,
    declared: DeclaredIndexes,
) -> tuple[RawRequirement, ...]:
    """Return the packages that a poetry project requires, each with the source that it names.

    :raises TableError: a package names a source that is not declared.
    """
    # poetry compares the names of sources without case.
    indexes = {name.lower(): index for name, index in declared.by_name().items()}
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


def _requirement(
    name: str,
    value: Any,
    place: str,
    indexes: dict[str, Index],
) -> RawRequirement:
    """Return the requirement of an entry without its version, which has poetry's own syntax."""
    if not isinstance(value, dict):
        return RawRequirement("", normalised(name), name)
    own_index = None
    source = value.get("source")
    if isinstance(source, str):
        own_index = indexes.get(source.lower())
        if own_index is None:
            shown = shorten(redact(source))
            raise TableError(f"{place}: there is no source {shown!r}")
    return RawRequirement("", normalised(name), name, own_index, origin_of(value))

"""The sources that pdm's configuration declares, and the logins that it has for sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from authshim.project.config_files import pdm_files
from authshim.project.declaration import NOT_VERIFIED, Declaration
from authshim.project.declaring import PYPI_NAME, TomlFile, asked_as, index_of, read_file
from authshim.project.model import PYPI
from authshim.project.toml import Table, TableError
from authshim.urls import split_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.declaring import Login
    from authshim.project.repositories import Index

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_VARIABLES = ("url", "username", "password", "verify_ssl")
_KEYS = (*_VARIABLES, "ca_certs")

_FALSE = ("", "false", "no", "0")
"""The values of a flag that pdm takes for false, in lower case."""


class Source(NamedTuple):
    """The table of a source, and the file that has it."""

    name: str
    table: Table
    file: TomlFile | None
    place: str = ""
    is_own: bool = False
    """True if it is a source of the project."""
    serves_no_others: bool = False
    """True if it excludes the packages that it does not include."""


class _Values(NamedTuple):
    """Values of a source, and their places by key."""

    table: Table
    places: dict[str, str]


class Configuration:
    """The tables ``pypi`` of pdm's configuration files, and its variables."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    @property
    def ignores_stored(self) -> bool:
        """Return True if the sources of the configuration are not asked."""
        variable = self._environ.get("PDM_IGNORE_STORED_INDEX")
        in_files = [pypi.get("ignore_stored_index") for _, pypi in self._files]
        for value in (variable, *in_files):
            if value is not None:
                return _is_true(value)
        return False

    @property
    def sources(self) -> Iterator[Source]:
        """Yield the sources of the files by name, the strongest first."""
        seen = {PYPI_NAME}
        for file, pypi in self._files:
            for name, table in pypi.items():
                if name in seen or not isinstance(table, dict):
                    continue
                seen.add(name)
                yield Source(name, table, file)

    def index(self, source: Source) -> Index | None:
        """Return the index of a source, with the values that the configuration has for it.

        Return None if there is no URL.
        """
        completed = self._completed(source)
        table = completed.table
        if not table.get("url"):
            return None
        declaration = _declaration(source, completed)
        expanded = self._with_userinfo(table["url"])
        url, lone_user = _without_lone_user(expanded)
        index = index_of(
            url,
            declaration,
            self._folder,
            login=_login(table, lone_user),
            flat=table.get("type") == "find_links",
        )
        services = [index.netloc, f"pdm-pypi-{source.name}"]
        if lone_user is None:
            with_slash = index.url.rstrip("/") + "/"
            services.insert(0, with_slash)
        return asked_as(index, services)

    def _completed(self, source: Source) -> _Values:
        """Return all values of a source, and the places of those that are not its own."""
        completed = _Values(dict(source.table), {})
        for stored in self._stored(source.name):
            _add_missing(completed, stored)
        if source.name == PYPI_NAME:
            completed.table.setdefault("url", PYPI.url)
        return completed

    def _stored(self, name: str) -> Iterator[_Values]:
        """Yield the values that the variables and the files have for a name."""
        if name == PYPI_NAME:
            yield self._of_variables()
        for file, pypi in self._files:
            table = pypi.get(name)
            if name == PYPI_NAME:
                table = pypi
            if isinstance(table, dict):
                places = _places(table, file)
                yield _Values(table, places)

    def _of_variables(self) -> _Values:
        """Return the values of the variables of the source "pypi"."""
        found = _Values({}, {})
        for key in _VARIABLES:
            variable = f"PDM_PYPI_{key.upper()}"
            value = self._environ.get(variable)
            if value:
                found.table[key] = value
                found.places[key] = variable
        return found

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
                    pypi = file.document.section("pypi")
                    yield file, pypi.table
            except TableError as error:
                located = error.at(path)
                self.problems.append(str(located))


def _declaration(
    source: Source,
    completed: _Values,
) -> Declaration:
    """Return the declaration of a source.

    :param completed: the source with the values of the configuration, and the places of these.
    """
    place = completed.places.get("url")
    login_in = completed.places.get("password")
    username_in = completed.places.get("username", "")
    return Declaration(
        place or _place(source, completed.table),
        source.name,
        login_in=login_in or username_in,
        certificates=_certificates(completed.table),
    )


def _add_missing(completed: _Values, stored: _Values) -> None:
    for key in _KEYS:
        if key in stored.table and key not in completed.table:
            completed.table[key] = stored.table[key]
            completed.places[key] = stored.places[key]


def _login(table: Table, lone_user: str | None) -> Login:
    """Return the login of the table of a source, or of the ``user@`` of its URL."""
    username = _text(table, "username") or lone_user
    password = _text(table, "password")
    if password is not None and username is None:
        username = ""
    return username, password


def _text(table: Table, key: str) -> str | None:
    value = table.get(key)
    if isinstance(value, str):
        return value
    return None


def _is_true(flag: Any) -> bool:
    return str(flag).lower() not in _FALSE


def _certificates(table: Table) -> str:
    """Return the value of ``Declaration.certificates``."""
    verifies = table.get("verify_ssl", True)
    if not _is_true(verifies):
        return NOT_VERIFIED
    return _text(table, "ca_certs") or ""


def _without_lone_user(url: Any) -> tuple[Any, str | None]:
    """Return a URL without ``user@``, and the user. Without one, the user is None."""
    if not isinstance(url, str):
        return url, None
    parts = split_userinfo(url)
    if parts is None:
        return url, None
    scheme, userinfo, rest = parts
    if not userinfo or ":" in userinfo:
        return url, None
    return f"{scheme}://{rest}", unquote(userinfo)


def _place(source: Source, completed: Table) -> str:
    """Return the place of the URL of a source.

    :param completed: the table of the source, with the values of the configuration.
    """
    if source.file is None:
        return source.place
    text = completed.get("url") or source.name
    lines = source.file.lines
    return lines.place(str(text), "source")


def _places(table: Table, file: TomlFile) -> dict[str, str]:
    """Return the places of the values of a table by their keys."""
    places = {}
    for key in _KEYS:
        if key in table:
            value = str(table[key])
            place = file.lines.place(value, key)
            places[key] = place
    return places

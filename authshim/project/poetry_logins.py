"""The logins and certificates of poetry's sources, in its variables and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from authshim.project.config_files import poetry_files
from authshim.project.declaration import NOT_VERIFIED
from authshim.project.declaring import TomlFile, read_file
from authshim.project.toml import Section, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.declaring import Login

_TRUE = ("true", "1")
"""The values of a variable that poetry takes for true, in lower case."""


class Logins:
    """The logins and certificates of sources by name, in poetry's variables and files."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self._files = [*self._read(folder)]

    def of(self, name: str) -> tuple[Login, str]:
        """Return the username and password of a source, and the place of the password.

        Without a password it is the place of the username.
        """
        username, username_in = self._value(name, "username")
        password, password_in = self._value(name, "password")
        if password is not None and username is None:
            username = ""
        login = (username, password)
        return login, password_in or username_in

    def certificates(self, name: str) -> str:
        """Return the value of ``Declaration.certificates`` for a source."""
        for key in ("verify", "cert"):
            value, place = self._written("certificates", name, key)
            if value is False:
                return NOT_VERIFIED
            if not place:
                continue
            if isinstance(value, str):
                return value
            return ""
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
        if isinstance(value, str) and value:
            return value, place
        return None, ""

    def _written(
        self,
        table: str,
        name: str,
        key: str,
    ) -> tuple[Any, str]:
        """Return a value of a source in a table and its place, or None and an empty string."""
        for variable in _variables(table, name, key):
            value = self._environ.get(variable)
            if value is not None:
                return value, variable
        for file in self._files:
            section = file.document.section(table)
            entry = section.table.get(name)
            if isinstance(entry, dict) and key in entry:
                value = entry[key]
                place = file.lines.place(name, table)
                return value, place
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
                located = error.at(path)
                self.problems.append(str(located))


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
    words = ("poetry", table, name, key)
    for replaced in ("-", "[.-]"):
        parts = [re.sub(replaced, "_", word) for word in words]
        variable = "_".join(parts)
        yield variable.upper()

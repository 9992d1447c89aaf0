"""The options of uv about indexes, in its variables and in the tables of its files."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.config_files import is_set
from authshim.project.declaration import Declaration
from authshim.project.declaring import NO_LOGIN, TomlFile, index_of, login_of, words
from authshim.project.toml import Section, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.declaring import Login
    from authshim.project.repositories import Index

KEYRING_PROVIDERS = ("disabled", "subprocess")

POLICIES = ("auto", "always", "never")
"""The values of ``authenticate``."""

_INDEX = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9._-]*)=)?(\S+)")
"""An index in a variable, perhaps with a name."""


class Entry(NamedTuple):
    """An index, and its part in the search."""

    declared: Index
    is_default: bool = False
    is_explicit: bool = False

    @property
    def serves_only_pinned(self) -> bool:
        """Return True if the index serves only the packages that name it."""
        return self.is_explicit and not self.is_default


class SettingsFile(NamedTuple):
    """A file that may have settings of uv, and the table that has them."""

    file: TomlFile
    options: Section


class Settings(NamedTuple):
    """The files from the highest priority to the lowest, and the variables."""

    files: tuple[SettingsFile, ...]
    environ: Mapping[str, str]

    def entries(self) -> Iterator[Entry]:
        """Yield the indexes in uv's order, with those whose name occurs before."""
        yield from self._of_variable("UV_DEFAULT_INDEX", is_default=True)
        yield from self._of_variable("UV_INDEX")
        yield from self.of_files()
        yield from self._of_variable("UV_EXTRA_INDEX_URL")
        for file, options in self.files:
            for url in options.strings("extra-index-url"):
                yield self._of_url(url, file)
        yield from self._of_variable("UV_INDEX_URL", is_default=True)
        for file, options in self.files:
            if "index-url" in options.table:
                url = options.table["index-url"]
                yield self._of_url(url, file, is_default=True)

    def of_files(self) -> Iterator[Entry]:
        """Yield the indexes of the tables ``index``."""
        for file, options in self.files:
            for table in options.array_of_sections("index"):
                yield self._of_table(table, file)

    def flat(self) -> Iterator[Index]:
        """Yield the pages of ``find-links``."""
        yield from self._flat_of_variable("UV_FIND_LINKS")
        for file, options in self.files:
            for text in options.strings("find-links"):
                place = file.lines.place(text, "find-links")
                yield index_of(
                    text,
                    Declaration(place),
                    file.folder,
                    flat=True,
                )

    def _flat_of_variable(self, variable: str) -> Iterator[Index]:
        declaration = Declaration(variable)
        value = self.environ.get(variable) or ""
        for text in value.split(","):
            if text.strip():
                yield index_of(text, declaration, os.curdir, flat=True)

    def uses_no_index(self) -> bool:
        """Return True if uv is to ask no index, and flat pages only."""
        if is_set(self.environ, "UV_NO_INDEX"):
            return True
        flags = [options.flag("no-index") for _, options in self.files]
        return any(flags)

    def word(
        self,
        variable: str,
        key: str,
        values: tuple[str, ...],
    ) -> str:
        """Return the value of an option that has a variable too, or the default."""
        value = self.environ.get(variable)
        if value in values:
            return value
        for _, options in self.files:
            found = options.choice(key, values)
            if found:
                return found
        return values[0]

    def _of_variable(
        self,
        variable: str,
        *,
        is_default: bool = False,
    ) -> Iterator[Entry]:
        value = self.environ.get(variable)
        for word in words(value):
            name, url = _INDEX.fullmatch(word).groups()  # type: ignore[union-attr]
            declaration = Declaration(
                variable,
                name=name or "",
            )
            index = self._index(url, declaration, os.curdir)
            yield Entry(index, is_default)

    def _of_url(
        self,
        url: Any,
        file: TomlFile,
        *,
        is_default: bool = False,
    ) -> Entry:
        place = file.lines.place(str(url))
        declaration = Declaration(place)
        index = self._index(url, declaration, file.folder)
        return Entry(index, is_default)

    def _of_table(self, table: Section, file: TomlFile) -> Entry:
        url = table.text("url")
        if not url:
            raise TableError(f"{table.location('url')}: expected a URL or a path")
        declaration = Declaration(
            place=file.lines.place(url, "url"),
            name=table.text("name"),
            authenticate=table.choice("authenticate", POLICIES) or "auto",
            ignored_codes=tuple(_codes(table)),
        )
        is_flat = table.table.get("format") == "flat"
        index = self._index(
            url,
            declaration,
            file.folder,
            flat=is_flat,
        )
        return Entry(
            index,
            is_default=table.flag("default"),
            is_explicit=table.flag("explicit"),
        )

    def _index(
        self,
        url: Any,
        declaration: Declaration,
        folder: str,
        *,
        flat: bool = False,
    ) -> Index:
        login, login_in = self._login(declaration.name)
        return index_of(
            url,
            declaration._replace(login_in=login_in),
            folder,
            flat=flat,
            login=login,
        )

    def _login(self, name: str) -> tuple[Login, str]:
        """Return the username and password of an index, and the variable that has them."""
        if not name:
            return NO_LOGIN, ""
        prefix = f"UV_INDEX_{variable_name(name)}"
        return login_of(
            self.environ,
            username=f"{prefix}_USERNAME",
            password=f"{prefix}_PASSWORD",
        )


def variable_name(name: str) -> str:
    """Return the name of an index as it stands in the variables of its login."""
    upper = name.upper()
    return re.sub(r"[^A-Z0-9]", "_", upper)


def _codes(table: Section) -> Iterator[int]:
    key = "ignore-error-codes"
    for code in table.array(key):
        if type(code) is not int:
            raise TableError(f"{table.location(key)}: expected numbers")
        yield code

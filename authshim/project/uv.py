"""The indexes that uv's files and variables declare.

1. A variable comes before the project's file, that one before the user's ``uv.toml``, and that
   one before the system's.
2. In a folder with a ``uv.toml``, the ``[tool.uv]`` of its pyproject.toml counts for the sources
   of packages only.
3. Of several indexes of one name the first counts.
4. The first index with ``default = true`` replaces PyPI, and is asked last.
5. ``UV_INDEX_NAME_USERNAME`` and ``_PASSWORD`` are the login of an index without userinfo.

The rules are those of uv's crates uv-settings and uv-distribution-types.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.config_files import is_set, uv_files
from authshim.project.declaration import Declaration
from authshim.project.declaring import (
    DeclaredIndexes,
    TomlFile,
    index_of,
    login_of,
    pypi_by_default,
    read_file,
    words,
)
from authshim.project.model import MODES, STRATEGIES
from authshim.project.toml import Section, TableError
from authshim.project.uv_workspace import workspace_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authshim.project.repositories import Index

_KEYRING = ("disabled", "subprocess")

POLICIES = ("auto", "always", "never")
"""The values of ``authenticate``."""

_INDEX = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9._-]*)=)?(\S+)")
"""An index in a variable, perhaps with a name."""


class _Entry(NamedTuple):
    """An index, and its part in the search."""

    declared: Index
    is_default: bool = False
    is_explicit: bool = False


class _SettingsFile(NamedTuple):
    """A file that may have settings of uv, and the table that has them."""

    file: TomlFile
    options: Section


def read_project(folder: str, environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of the uv project in a folder, with those of the user and the system.

    :raises TableError: uv would refuse a value of the project's file.
    """
    own = _project_file(workspace_root(folder))
    if environ.get("UV_CONFIG_FILE") or is_set(environ, "UV_NO_CONFIG"):
        own = None
    declared = _declared(own, environ)
    member = read_file(os.path.join(folder, "pyproject.toml"))
    if member is None:
        return declared
    if own is not None and own.path == member.path:
        return declared
    entries = _Settings((_settings_file(member),), environ).of_files()
    pinned = [entry.declared for entry in entries]
    return declared._replace(pinned=tuple(pinned))


def read_user(environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of the variables, and of the user's and the system's ``uv.toml``."""
    return _declared(None, environ)


class _Settings(NamedTuple):
    """The files from the highest priority to the lowest, and the variables."""

    files: tuple[_SettingsFile, ...]
    environ: Mapping[str, str]

    def entries(self) -> Iterator[_Entry]:
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
                yield self._of_url(options.table["index-url"], file, is_default=True)

    def of_files(self) -> Iterator[_Entry]:
        """Yield the indexes of the tables ``index``."""
        for file, options in self.files:
            for table in options.array_of_sections("index"):
                yield self._of_table(table, file)

    def flat(self) -> Iterator[Index]:
        """Yield the pages of ``find-links``."""
        variable = self.environ.get("UV_FIND_LINKS") or ""
        for text in variable.split(","):
            if text.strip():
                declaration = Declaration("UV_FIND_LINKS")
                yield index_of(text, declaration, os.curdir, flat=True)
        for file, options in self.files:
            for text in options.strings("find-links"):
                place = file.lines.place(text, "find-links")
                yield index_of(text, Declaration(place), file.folder, flat=True)

    def uses_no_index(self) -> bool:
        """Return True if uv is to ask no index, and flat pages only."""
        if is_set(self.environ, "UV_NO_INDEX"):
            return True
        return any(options.flag("no-index") for _, options in self.files)

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

    def _of_variable(self, variable: str, *, is_default: bool = False) -> Iterator[_Entry]:
        for word in words(self.environ.get(variable)):
            name, url = _INDEX.fullmatch(word).groups()  # type: ignore[union-attr]
            declaration = Declaration(variable, name or "")
            index = self._index(url, declaration, os.curdir)
            yield _Entry(index, is_default)

    def _of_url(self, url: Any, file: TomlFile, *, is_default: bool = False) -> _Entry:
        place = file.lines.place(str(url))
        index = self._index(url, Declaration(place), file.folder)
        return _Entry(index, is_default)

    def _of_table(self, table: Section, file: TomlFile) -> _Entry:
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
        return _Entry(
            self._index(url, declaration, file.folder, flat=is_flat),
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
        declaration = declaration._replace(login_in=login_in)
        return index_of(url, declaration, folder, flat=flat, login=login)

    def _login(self, name: str) -> tuple[tuple[str | None, str | None], str]:
        """Return the username and password of an index, and the variable that has them."""
        if not name:
            return (None, None), ""
        prefix = f"UV_INDEX_{variable_name(name)}"
        return login_of(self.environ, f"{prefix}_USERNAME", f"{prefix}_PASSWORD")


def variable_name(name: str) -> str:
    """Return the name of an index as it stands in the variables of its login."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _codes(table: Section) -> Iterator[int]:
    for code in table.array("ignore-error-codes"):
        if type(code) is not int:
            raise TableError(f"{table.location('ignore-error-codes')}: expected numbers")
        yield code


def _declared(
    own: TomlFile | None,
    environ: Mapping[str, str],
) -> DeclaredIndexes:
    """Return the indexes of a project's file, the variables, the user and the system."""
    problems: list[str] = []
    files = []
    if own is not None:
        files.append(_valid(own))
    for path in uv_files(environ):
        try:
            file = read_file(path)
            if file is not None:
                files.append(_valid(file))
        except TableError as error:
            problems.append(str(error))
    declared = _order(_Settings(tuple(files), environ))
    return declared._replace(problems=tuple(problems))


def _valid(file: TomlFile) -> _SettingsFile:
    """Return a file with its table of settings, if uv takes all its values.

    :raises TableError: uv would refuse a value.
    """
    try:
        settings = _settings_file(file)
        # Reading all values of the file alone tells a bad one from those of other files.
        _order(_Settings((settings,), {}))
    except TableError as error:
        raise error.at(file.path) from None
    return settings


def _order(settings: _Settings) -> DeclaredIndexes:
    """Return the indexes in uv's order."""
    entries = _first_of_each_name(settings.entries())
    searched: list[Index] = []
    if not settings.uses_no_index():
        searched = [*_searched(entries)]
    explicit = [entry.declared for entry in entries if entry.is_explicit and not entry.is_default]
    simple = [index for index in searched if not index.flat]
    flat = [index for index in searched if index.flat]
    return DeclaredIndexes(
        searched=tuple(simple),
        flat=(*settings.flat(), *flat),
        explicit=tuple(explicit),
        strategy=settings.word("UV_INDEX_STRATEGY", "index-strategy", STRATEGIES),
        prerelease_mode=settings.word("UV_PRERELEASE", "prerelease", MODES),
        keyring_provider=settings.word("UV_KEYRING_PROVIDER", "keyring-provider", _KEYRING),
    )


def _first_of_each_name(entries: Iterable[_Entry]) -> list[_Entry]:
    """List the entries without those whose name occurs before."""
    names: set[str] = set()
    kept = []
    for entry in entries:
        name = entry.declared.declaration.name
        if name and name in names:
            continue
        names.add(name)
        kept.append(entry)
    return kept


def _searched(entries: list[_Entry]) -> Iterator[Index]:
    """Yield the indexes that may serve any package, the default last."""
    default = None
    for entry in entries:
        if entry.is_default:
            default = default or entry.declared
        elif not entry.is_explicit:
            yield entry.declared
    yield default or pypi_by_default()


def _project_file(folder: str) -> TomlFile | None:
    """Return the uv.toml of a folder, else its pyproject.toml, or None."""
    for name in ("uv.toml", "pyproject.toml"):
        file = read_file(os.path.join(folder, name))
        if file is not None:
            return file
    return None


def _settings_file(file: TomlFile) -> _SettingsFile:
    """Return a file with its table of settings."""
    options = file.document
    if os.path.basename(file.path) == "pyproject.toml":
        options = options.section("tool").section("uv")
    return _SettingsFile(file, options)

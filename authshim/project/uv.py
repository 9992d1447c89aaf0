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
from authshim.project.repositories import Declaration, Index
from authshim.project.toml import Table, TableError, as_table, choice, get, location, strings
from authshim.project.uv_workspace import workspace_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


def read_project(folder: str, environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of the uv project in a folder, with those of the user and the system.

    :raises TableError: uv would refuse a value of the project's file.
    """
    own = _project_file(workspace_root(folder))
    if environ.get("UV_CONFIG_FILE") or is_set(environ, "UV_NO_CONFIG"):
        own = None
    declared = _declared(own, environ)
    member = read_file(os.path.join(folder, "pyproject.toml"))
    if member is None or (own is not None and own.path == member.path):
        return declared
    entries = _Settings((_tables(member),), environ).of_files()
    return declared._replace(pinned=tuple(entry.declared for entry in entries))


def read_user(environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of the variables, and of the user's and the system's ``uv.toml``."""
    return _declared(None, environ)


class _Settings(NamedTuple):
    """The tables of the files, from the highest priority to the lowest."""

    files: tuple[tuple[TomlFile, Table, tuple[str, ...]], ...]
    environ: Mapping[str, str]

    def entries(self) -> Iterator[_Entry]:
        """Yield the indexes in uv's order, with those whose name occurs before."""
        yield from self._of_variable("UV_DEFAULT_INDEX", is_default=True)
        yield from self._of_variable("UV_INDEX")
        yield from self.of_files()
        yield from self._of_variable("UV_EXTRA_INDEX_URL")
        for file, table, where in self.files:
            yield from self._urls(file, strings(table, "extra-index-url", where))
        yield from self._of_variable("UV_INDEX_URL", is_default=True)
        for file, table, _ in self.files:
            if "index-url" in table:
                yield from self._urls(file, [table["index-url"]], is_default=True)

    def of_files(self) -> Iterator[_Entry]:
        """Yield the indexes of the tables ``index``."""
        for file, table, where in self.files:
            for entry in get(table, "index", list, where):
                yield self._entry(entry, file, where)

    def flat(self) -> Iterator[Index]:
        """Yield the pages of ``find-links``."""
        for text in (self.environ.get("UV_FIND_LINKS") or "").split(","):
            if text.strip():
                yield index_of(text, Declaration("UV_FIND_LINKS"), os.curdir, flat=True)
        for file, table, where in self.files:
            for text in strings(table, "find-links", where):
                place = Declaration(file.lines.place(text, "find-links"))
                yield index_of(text, place, file.folder, flat=True)

    def uses_no_index(self) -> bool:
        """Return True if uv is to ask no index, and flat pages only."""
        if is_set(self.environ, "UV_NO_INDEX"):
            return True
        return any(get(table, "no-index", bool, where) for _, table, where in self.files)

    def word(self, variable: str, key: str, values: tuple[str, ...]) -> str:
        """Return the value of an option that has a variable too, or the default."""
        value = self.environ.get(variable)
        if value in values:
            return value
        for _, table, where in self.files:
            found = choice(table, key, values, where)
            if found:
                return found
        return values[0]

    def _of_variable(self, variable: str, *, is_default: bool = False) -> Iterator[_Entry]:
        for word in words(self.environ.get(variable)):
            name, url = _INDEX.fullmatch(word).groups()  # type: ignore[union-attr]
            declaration = Declaration(variable, name or "")
            yield _Entry(self._index(url, declaration, os.curdir), is_default)

    def _urls(
        self, file: TomlFile, urls: list[Any], *, is_default: bool = False
    ) -> Iterator[_Entry]:
        for url in urls:
            declaration = Declaration(file.lines.place(str(url)))
            yield _Entry(self._index(url, declaration, file.folder), is_default)

    def _entry(self, value: Any, file: TomlFile, where: tuple[str, ...]) -> _Entry:
        where = (*where, "index")
        table = as_table(value, where)
        url = get(table, "url", str, where)
        if not url:
            raise TableError(f"{location(where, 'url')}: expected a URL or a path")
        declaration = Declaration(
            file.lines.place(url, "url"),
            get(table, "name", str, where),
            choice(table, "authenticate", POLICIES, where) or "auto",
            ignored_codes=tuple(_codes(table, where)),
        )
        flat = table.get("format") == "flat"
        return _Entry(
            self._index(url, declaration, file.folder, flat=flat),
            get(table, "default", bool, where),
            get(table, "explicit", bool, where),
        )

    def _index(
        self, url: Any, declaration: Declaration, folder: str, *, flat: bool = False
    ) -> Index:
        login, login_in = self._login(declaration.name)
        declaration = declaration._replace(login_in=login_in)
        return index_of(url, declaration, folder, flat=flat, login=login)

    def _login(self, name: str) -> tuple[tuple[str | None, str | None], str]:
        if not name:
            return (None, None), ""
        prefix = f"UV_INDEX_{variable_name(name)}"
        return login_of(self.environ, f"{prefix}_USERNAME", f"{prefix}_PASSWORD")


def variable_name(name: str) -> str:
    """Return the name of an index as it stands in the variables of its login."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _codes(table: Table, where: tuple[str, ...]) -> Iterator[int]:
    for code in get(table, "ignore-error-codes", list, where):
        if type(code) is not int:
            raise TableError(f"{location(where, 'ignore-error-codes')}: expected numbers")
        yield code


def _declared(own: TomlFile | None, environ: Mapping[str, str]) -> DeclaredIndexes:
    problems: list[str] = []
    files = [_tables(own)] if own else []
    for path in uv_files(environ):
        try:
            file = read_file(path)
            if file is not None:
                _order(_Settings((_tables(file),), {}))
                files.append(_tables(file))
        except TableError as error:
            problems.append(_with_path(error, path))
    declared = _order(_Settings(tuple(files), environ))
    return declared._replace(problems=tuple(problems))


def _with_path(error: TableError, path: str) -> str:
    """Return the message of an error, which may name the file already."""
    text = str(error)
    if text.startswith(path):
        return text
    return f"{path}: {text}"


def _order(settings: _Settings) -> DeclaredIndexes:
    """Return the indexes in uv's order."""
    kept = _first_of_each_name([*settings.entries()])
    searched = [] if settings.uses_no_index() else [*_searched(kept)]
    explicit = (entry.declared for entry in kept if entry.is_explicit and not entry.is_default)
    flat = (index for index in searched if index.flat)
    return DeclaredIndexes(
        tuple(index for index in searched if not index.flat),
        (*settings.flat(), *flat),
        tuple(explicit),
        settings.word("UV_INDEX_STRATEGY", "index-strategy", STRATEGIES),
        settings.word("UV_PRERELEASE", "prerelease", MODES),
        keyring_provider=settings.word("UV_KEYRING_PROVIDER", "keyring-provider", _KEYRING),
    )


def _first_of_each_name(entries: Sequence[_Entry]) -> list[_Entry]:
    found: dict[object, _Entry] = {}
    for number, entry in enumerate(entries):
        found.setdefault(entry.declared.declaration.name or number, entry)
    return list(found.values())


def _searched(entries: Sequence[_Entry]) -> Iterator[Index]:
    """Yield the indexes that may serve any package, the default last."""
    for entry in entries:
        if not (entry.is_default or entry.is_explicit):
            yield entry.declared
    defaults = (entry.declared for entry in entries if entry.is_default)
    yield next(defaults, None) or pypi_by_default()


def _project_file(folder: str) -> TomlFile | None:
    """Return the uv.toml of a folder, else its pyproject.toml, or None."""
    return read_file(os.path.join(folder, "uv.toml")) or read_file(
        os.path.join(folder, "pyproject.toml")
    )


def _tables(file: TomlFile) -> tuple[TomlFile, Table, tuple[str, ...]]:
    """Return a file with its table of settings, and the names of that table."""
    if os.path.basename(file.path) != "pyproject.toml":
        return file, file.table, ()
    tool = get(file.table, "tool", dict, ())
    return file, get(tool, "uv", dict, ("tool",)), ("tool", "uv")

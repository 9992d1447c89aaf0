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
from typing import TYPE_CHECKING

from authshim.project.config_files import is_set, uv_files
from authshim.project.declaring import (
    DeclaredIndexes,
    TomlFile,
    pypi_by_default,
    read_file,
)
from authshim.project.model import MODES, STRATEGIES
from authshim.project.toml import TableError
from authshim.project.uv_settings import KEYRING_PROVIDERS, Entry, Settings, SettingsFile
from authshim.project.uv_workspace import workspace_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authshim.project.repositories import Index


def read_project(
    folder: str,
    environ: Mapping[str, str],
) -> DeclaredIndexes:
    """Return the indexes of the uv project in a folder, with those of the user and the system.

    :raises TableError: uv would refuse a value of the project's file.
    """
    root = workspace_root(folder)
    own = _project_file(root)
    other_file = environ.get("UV_CONFIG_FILE")
    if other_file or is_set(environ, "UV_NO_CONFIG"):
        own = None
    declared = _declared(own, environ)
    path = os.path.join(folder, "pyproject.toml")
    member = read_file(path)
    if member is None:
        return declared
    if own is not None and own.path == member.path:
        return declared
    file = _settings_file(member)
    settings = Settings((file,), environ)
    pinned = [entry.declared for entry in settings.of_files()]
    return declared._replace(pinned=tuple(pinned))


def read_user(environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of the variables, and of the user's and the system's ``uv.toml``."""
    return _declared(None, environ)


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
    settings = Settings(tuple(files), environ)
    declared = _order(settings)
    return declared._replace(problems=tuple(problems))


def _valid(file: TomlFile) -> SettingsFile:
    """Return a file with its table of settings, if uv takes all its values.

    :raises TableError: uv would refuse a value.
    """
    try:
        settings_file = _settings_file(file)
        # Reading all values of the file alone tells a bad one from those of other files.
        alone = Settings((settings_file,), {})
        _order(alone)
    except TableError as error:
        raise error.at(file.path) from None
    return settings_file


def _order(settings: Settings) -> DeclaredIndexes:
    """Return the indexes in uv's order."""
    entries = _first_of_each_name(settings.entries())
    searched: list[Index] = []
    if not settings.uses_no_index():
        searched = [*_searched(entries)]
    simple = [index for index in searched if not index.flat]
    pages = [*settings.flat()]
    pages += [index for index in searched if index.flat]
    explicit = [entry.declared for entry in entries if entry.serves_only_pinned]
    declared = DeclaredIndexes(
        searched=tuple(simple),
        flat=tuple(pages),
        explicit=tuple(explicit),
    )
    return _with_choices(declared, settings)


def _with_choices(
    declared: DeclaredIndexes,
    settings: Settings,
) -> DeclaredIndexes:
    """Return the indexes with the options that are one of several words."""
    return declared._replace(
        strategy=settings.word(
            "UV_INDEX_STRATEGY",
            "index-strategy",
            STRATEGIES,
        ),
        prerelease_mode=settings.word(
            "UV_PRERELEASE",
            "prerelease",
            MODES,
        ),
        keyring_provider=settings.word(
            "UV_KEYRING_PROVIDER",
            "keyring-provider",
            KEYRING_PROVIDERS,
        ),
    )


def _first_of_each_name(entries: Iterable[Entry]) -> list[Entry]:
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


def _searched(entries: list[Entry]) -> Iterator[Index]:
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
        path = os.path.join(folder, name)
        file = read_file(path)
        if file is not None:
            return file
    return None


def _settings_file(file: TomlFile) -> SettingsFile:
    """Return a file with its table of settings."""
    options = file.document
    name = os.path.basename(file.path)
    if name == "pyproject.toml":
        tool = options.section("tool")
        options = tool.section("uv")
    return SettingsFile(file, options)

"""The ``pypi-options`` tables of pixi's manifest."""

from __future__ import annotations

from typing import Any

from authshim.errors import UrlError
from authshim.project.model import MODES, STRATEGIES, Options
from authshim.project.repositories import Index, file_url
from authshim.project.toml import Table, TableError, choice, get, location

_IGNORED_OF_TABLE = ("exclude-newer", "pypi-exclude-newer", "solve-strategy")
_IGNORED_OPTIONS = ("no-build", "no-binary", "dependency-overrides")
_DEFAULTS: tuple[Any, ...] = (None, False, [], "highest")
"""The values of an ignored option that change nothing."""


def read_options(table: Table, where: tuple[str, ...], folder: str) -> Options:
    """Return the options of the ``pypi-options`` in ``table``.

    :param where: the names of ``table`` and its parents.
    :param folder: the folder that the paths of ``find-links`` are relative to.
    :raises TableError: pixi would refuse an option.
    """
    options = get(table, "pypi-options", dict, where)
    where = (*where, "pypi-options")
    index_url = None
    if "index-url" in options:
        index_url = _index(options["index-url"], location(where, "index-url"))
    place = location(where, "extra-index-urls")
    extra = [_index(_url(entry), place) for entry in get(options, "extra-index-urls", list, where)]
    place = location(where, "find-links")
    flat = [_flat_page(entry, place, folder) for entry in get(options, "find-links", list, where)]
    return Options(
        index_url,
        tuple(extra),
        tuple(flat),
        choice(options, "index-strategy", STRATEGIES, where),
        choice(options, "prerelease-mode", MODES, where),
        (*_ignored(table, _IGNORED_OF_TABLE), *_ignored(options, _IGNORED_OPTIONS)),
    )


def _flat_page(entry: Any, place: str, folder: str) -> Index:
    if not isinstance(entry, dict) or len(entry.keys() & {"url", "path"}) != 1:
        raise TableError(f"{place}: expected tables with a url or a path")
    if "url" in entry:
        return _index(entry["url"], place, flat=True)
    if not isinstance(entry["path"], str):
        raise TableError(f"{place}: expected text as the path")
    return _index(file_url(entry["path"], folder), place, flat=True)


def _index(entry: Any, place: str, *, flat: bool = False) -> Index:
    if not isinstance(entry, str):
        raise TableError(f"{place}: expected a URL")
    try:
        return Index(entry.strip(" "), flat=flat)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


def _url(entry: Any) -> Any:
    """Return the URL of an entry, which may be a table in newer versions of pixi."""
    if isinstance(entry, dict):
        return entry.get("url")
    return entry


def _ignored(table: Table, keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if table.get(key) not in _DEFAULTS]

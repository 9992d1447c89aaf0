"""The ``pypi-options`` tables of pixi's manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import UrlError
from authshim.project.model import MODES, STRATEGIES, Options
from authshim.project.repositories import Index, file_url
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from authshim.project.toml import Section

_IGNORED_OF_TABLE = ("exclude-newer", "pypi-exclude-newer", "solve-strategy")
_IGNORED_OPTIONS = ("no-build", "no-binary", "dependency-overrides")
_DEFAULTS: tuple[Any, ...] = (
    None,
    False,
    [],
    "highest",
)
"""The values of an ignored option that change nothing."""


def read_options(table: Section, folder: str) -> Options:
    """Return the options of the ``pypi-options`` in ``table``.

    :param folder: the folder that the paths of ``find-links`` are relative to.
    :raises TableError: pixi would refuse an option.
    """
    options = table.section("pypi-options")
    ignored_of_table = _ignored(table, _IGNORED_OF_TABLE)
    ignored_options = _ignored(options, _IGNORED_OPTIONS)
    return Options(
        index_url=_index_url(options),
        extra=_extra(options),
        flat=_flat_pages(options, folder),
        index_strategy=options.choice("index-strategy", STRATEGIES),
        prerelease_mode=options.choice("prerelease-mode", MODES),
        ignored=(*ignored_of_table, *ignored_options),
    )


def _index_url(options: Section) -> Index | None:
    if "index-url" not in options.table:
        return None
    entry = options.table["index-url"]
    place = options.location("index-url")
    return _index(entry, place)


def _extra(options: Section) -> tuple[Index, ...]:
    place = options.location("extra-index-urls")
    indexes = []
    for entry in options.array("extra-index-urls"):
        url = _url(entry)
        indexes.append(_index(url, place))
    return tuple(indexes)


def _flat_pages(options: Section, folder: str) -> tuple[Index, ...]:
    place = options.location("find-links")
    pages = []
    for entry in options.array("find-links"):
        page = _flat_page(entry, place, folder)
        pages.append(page)
    return tuple(pages)


def _flat_page(
    entry: Any,
    place: str,
    folder: str,
) -> Index:
    if not _names_one_page(entry):
        raise TableError(f"{place}: expected tables with a url or a path")
    if "url" in entry:
        return _index(entry["url"], place, flat=True)
    path = entry["path"]
    if not isinstance(path, str):
        raise TableError(f"{place}: expected text as the path")
    if "://" in path:
        raise TableError(f"{place}: expected a path, not a URL, as the path")
    url = file_url(path, folder)
    return _index(url, place, flat=True)


def _names_one_page(entry: Any) -> bool:
    """Return True if an entry is a table with a ``url`` or a ``path``, and not both."""
    if not isinstance(entry, dict):
        return False
    return ("url" in entry) != ("path" in entry)


def _index(
    entry: Any,
    place: str,
    *,
    flat: bool = False,
) -> Index:
    if not isinstance(entry, str):
        raise TableError(f"{place}: expected a URL")
    url = entry.strip(" ")
    try:
        return Index(url, flat=flat)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


def _url(entry: Any) -> Any:
    """Return the URL of an entry, which may be a table in newer versions of pixi."""
    if isinstance(entry, dict):
        return entry.get("url")
    return entry


def _ignored(table: Section, keys: tuple[str, ...]) -> list[str]:
    found = []
    for key in keys:
        value = table.table.get(key)
        if value not in _DEFAULTS:
            found.append(key)
    return found

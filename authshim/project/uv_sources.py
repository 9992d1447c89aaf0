"""The packages that a uv project requires, each with the index that ``[tool.uv.sources]`` pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.pyproject_groups import raw_requirements, read_groups
from authshim.project.requirements import RawRequirement, normalised, origin_of
from authshim.project.toml import Section, TableError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from authshim.project.declaring import DeclaredIndexes
    from authshim.project.repositories import Index


class _Source(NamedTuple):
    """The source of a package."""

    own_index: Index | None
    """The only index that may serve the package, or None if the source is no index."""
    origin: str
    """One of ORIGINS, or an empty string."""


_NO_SOURCE = _Source(None, "")


def requirements_of(
    document: Section,
    declared: DeclaredIndexes,
) -> tuple[RawRequirement, ...]:
    """Return the requirements of a pyproject.toml: of its project, its extras and its groups.

    :raises TableError: uv would refuse a source or a group.
    """
    uv = document.section("tool").section("uv")
    sources = _sources(uv.section("sources"), declared.by_name())
    written: list[RawRequirement] = []
    for group in read_groups(document).values():
        written += group
    written += raw_requirements(uv.array("dev-dependencies"))
    found: dict[RawRequirement, None] = {}
    for raw in written:
        index, origin = sources.get(raw.name, _NO_SOURCE)
        pinned = raw._replace(own_index=index, origin=origin or raw.origin)
        found[pinned] = None
    return tuple(found)


def _sources(
    table: Section,
    indexes: dict[str, Index],
) -> dict[str, _Source]:
    """Return the sources by the normalised names of their packages."""
    found = {}
    for name, value in table.table.items():
        found[normalised(name)] = _source(value, table.location(name), indexes)
    return found


def _source(
    value: Any,
    place: str,
    indexes: dict[str, Index],
) -> _Source:
    """Return the source of a package. Of several ones with markers the first counts."""
    first = value
    if isinstance(value, list) and value:
        first = value[0]
    if not isinstance(first, dict):
        raise TableError(f"{place}: expected a table")
    if "workspace" in first:
        return _Source(None, "path")
    if "index" in first:
        return _Source(_index(first["index"], place, indexes), "")
    return _Source(None, origin_of(first))


def _index(
    name: Any,
    place: str,
    indexes: dict[str, Index],
) -> Index:
    index = None
    if isinstance(name, str):
        index = indexes.get(name)
    if index is None:
        shown = shorten(redact(str(name)))
        raise TableError(f"{place}: there is no index {shown!r}")
    return index

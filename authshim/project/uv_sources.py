"""The packages that a uv project requires, each with the index that ``[tool.uv.sources]`` pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.pyproject_groups import raw_requirements, read_groups
from authshim.project.requirements import RawRequirement, normalised, origin_of
from authshim.project.toml import Section, TableError
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    sources = _sources(
        uv.section("sources"),
        declared.by_name(),
    )
    found: dict[RawRequirement, None] = {}
    for raw in _written(document, uv):
        index, origin = sources.get(raw.name, _NO_SOURCE)
        pinned = raw._replace(
            own_index=index,
            origin=origin or raw.origin,
        )
        found[pinned] = None
    return tuple(found)


def _written(
    document: Section,
    uv: Section,
) -> Iterator[RawRequirement]:
    """Yield the requirements of the project, its groups, and uv's own development group."""
    groups = read_groups(document)
    for group in groups.values():
        yield from group
    development = uv.array("dev-dependencies")
    yield from raw_requirements(development)


def _sources(
    table: Section,
    indexes: dict[str, Index],
) -> dict[str, _Source]:
    """Return the sources by the normalised names of their packages."""
    found = {}
    for name, value in table.table.items():
        place = table.location(name)
        package = normalised(name)
        found[package] = _source(value, place, indexes)
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
        index = _index(first["index"], place, indexes)
        return _Source(index, "")
    origin = origin_of(first)
    return _Source(None, origin)


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

"""The packages that a uv project requires, each with the index that ``[tool.uv.sources]`` pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.project.pyproject_groups import raw_requirements, read_groups
from authshim.project.requirements import ORIGINS, RawRequirement, normalised
from authshim.project.toml import Table, TableError, get, location
from authshim.redact import redact, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim.project.declaring import DeclaredIndexes
    from authshim.project.repositories import Index

_SOURCES = ("tool", "uv", "sources")


def requirements_of(document: Table, declared: DeclaredIndexes) -> tuple[RawRequirement, ...]:
    """Return the requirements of a pyproject.toml: of its project, its extras and its groups.

    :raises TableError: uv would refuse a source or a group.
    """
    tool = get(document, "tool", dict, ())
    uv = get(tool, "uv", dict, ("tool",))
    indexes = declared.by_name()
    sources = {
        normalised(name): _source(name, value, indexes)
        for name, value in get(uv, "sources", dict, ("tool", "uv")).items()
    }
    written = [raw for group in read_groups(document).values() for raw in group]
    written += raw_requirements(get(uv, "dev-dependencies", list, ("tool", "uv")))
    found = dict.fromkeys(raw for each in written for raw in _with_source(each, sources))
    return tuple(found)


def _with_source(
    raw: RawRequirement, sources: dict[str, tuple[Index | None, str]]
) -> Iterator[RawRequirement]:
    own_index, origin = sources.get(raw.name, (None, raw.origin))
    yield raw._replace(own_index=own_index, origin=origin or raw.origin)


def _source(name: str, value: Any, indexes: dict[str, Index]) -> tuple[Index | None, str]:
    """Return the index of a source, and its kind if it is no index.

    Of several sources with markers the first one counts.
    """
    first = value
    if isinstance(value, list) and value:
        first = value[0]
    place = location(_SOURCES, name)
    if not isinstance(first, dict):
        raise TableError(f"{place}: expected a table")
    if "workspace" in first:
        return None, "path"
    if "index" not in first:
        return None, next((kind for kind in ORIGINS if kind in first), "")
    own_index = None
    if isinstance(first["index"], str):
        own_index = indexes.get(first["index"])
    if own_index is None:
        name = shorten(redact(str(first["index"])))
        raise TableError(f"{place}: there is no index {name!r}")
    return own_index, ""

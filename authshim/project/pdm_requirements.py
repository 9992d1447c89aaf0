"""The packages that a pdm project requires, and the sources that include them.

If a source includes a package, pdm asks no other one for it.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from authshim.project.pdm import own_table, patterns
from authshim.project.pyproject_groups import raw_requirements, read_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim.project.declaring import DeclaredIndexes
    from authshim.project.repositories import Index
    from authshim.project.requirements import RawRequirement
    from authshim.project.toml import Section


def requirements_of(
    document: Section,
    declared: DeclaredIndexes,
) -> tuple[RawRequirement, ...]:
    """Return the packages that a pdm project requires, each with the source that includes it."""
    pdm = own_table(document)
    sources = [*pdm.array_of_sections("source")]
    indexes = declared.by_name()
    found: dict[RawRequirement, None] = {}
    for requirement in _requirements(document, pdm):
        pinned = _pinned(requirement, sources, indexes)
        found[pinned] = None
    return tuple(found)


def _requirements(
    document: Section,
    pdm: Section,
) -> Iterator[RawRequirement]:
    """Yield the requirements of the project, its groups, and pdm's own groups."""
    groups = read_groups(document)
    for group in groups.values():
        yield from group
    development = pdm.section("dev-dependencies")
    for entries in development.table.values():
        if isinstance(entries, list):
            yield from raw_requirements(entries)


def _pinned(
    requirement: RawRequirement,
    sources: list[Section],
    indexes: dict[str, Index],
) -> RawRequirement:
    """Return a requirement with its index, if one source alone includes the package."""
    package = requirement.name
    including = [source for source in sources if _includes(source, package)]
    if len(including) != 1:
        return requirement
    (source,) = including
    name = source.text("name")
    return requirement._replace(own_index=indexes.get(name))


def _includes(source: Section, package: str) -> bool:
    included = patterns(source, "include_packages")
    return any(fnmatch(package, pattern) for pattern in included)

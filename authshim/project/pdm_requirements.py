"""The packages that a pdm project requires, and the sources that include them.

If a source includes a package, pdm asks no other one for it.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from authshim.project.pdm import own_table, patterns
from authshim.project.pyproject_groups import raw_requirements, read_groups

if TYPE_CHECKING:
    from authshim.project.declaring import DeclaredIndexes
    from authshim.project.repositories import Index
    from authshim.project.requirements import RawRequirement
    from authshim.project.toml import Section


def requirements_of(
    document: Section,
    declared: DeclaredIndexes,
) -> tuple[RawRequirement, ...]:
    """Return the packages that a pdm project requires, each with the source that includes it."""
    found: list[RawRequirement] = []
    for group in read_groups(document).values():
        found += group
    development = own_table(document).section("dev-dependencies")
    for entries in development.table.values():
        if isinstance(entries, list):
            found += raw_requirements(entries)
    sources = [*own_table(document).array_of_sections("source")]
    indexes = declared.by_name()
    pinned = (_pinned(requirement, sources, indexes) for requirement in found)
    return tuple(dict.fromkeys(pinned))


def _pinned(
    requirement: RawRequirement,
    sources: list[Section],
    indexes: dict[str, Index],
) -> RawRequirement:
    """Return a requirement with its index, if one source alone includes the package."""
    including = [source for source in sources if _includes(source, requirement.name)]
    if len(including) != 1:
        return requirement
    return requirement._replace(own_index=indexes.get(including[0].text("name")))


def _includes(source: Section, package: str) -> bool:
    return any(fnmatch(package, pattern) for pattern in patterns(source, "include_packages"))

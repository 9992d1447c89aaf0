"""The platforms and the Python of the table of a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.project.toml import Section, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator


def with_targets(table: Section) -> Iterator[tuple[str, Section]]:
    """Yield the selector and the table of a feature, and then of each of its targets."""
    yield "", table
    yield from table.sections("target")


def pythons_of(table: Section) -> list[tuple[str, str]]:
    """List the selectors of a feature and its targets, with their spec of ``python``."""
    pythons = []
    for selector, part in with_targets(table):
        dependencies = part.section("dependencies")
        python = _python(dependencies)
        if python:
            pythons.append((selector, python))
    return pythons


def has_own_python(pythons: list[tuple[str, str]]) -> bool:
    """Return True if the feature itself has a ``python``, and not only one of its targets."""
    selectors = [selector for selector, _ in pythons]
    return "" in selectors


def _python(dependencies: Section) -> str:
    """Return conda's version spec of ``python``, or an empty string."""
    spec = dependencies.table.get("python")
    if isinstance(spec, dict):
        spec = spec.get("version", "*")
    if isinstance(spec, str):
        return spec
    return ""


def platforms_of(table: Section) -> tuple[str, ...] | None:
    """Return conda's names of the platforms of a table, or None without the key."""
    if "platforms" not in table.table:
        return None
    names: dict[str, None] = {}
    for entry in table.array("platforms"):
        name = entry
        if isinstance(entry, dict):
            older_name = entry.get("name")
            name = entry.get("platform", older_name)
        if not isinstance(name, str):
            place = table.location("platforms")
            raise TableError(f"{place}: expected names, or tables with a platform")
        names[name] = None
    return tuple(names)

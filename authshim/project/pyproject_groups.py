"""The requirements of a pyproject.toml: its project, its optional dependencies and its groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from authshim.project.requirements import RawRequirement, normalised, without_url
from authshim.project.toml import Section, TableError, location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_GROUP_DEPTH = 50
"""The depth of a group within groups."""

MAX_GROUP_REQUIREMENTS = 100_000
"""The requirements of all groups. They double with each group that includes the previous twice."""

_Entries = dict[str, list[Any]]
"""The entries of groups by their names."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*((?:\[[^\]]*\])?)\s*(@?)")


def read_groups(document: Section) -> dict[str, tuple[RawRequirement, ...]]:
    """Return the requirements of a pyproject.toml by pixi's feature. The project's own is "".

    :raises TableError: a dependency group includes itself.
    """
    written = _written_groups(document)
    project = document.section("project").table
    own_name = project.get("name")
    if isinstance(own_name, str):
        own_name = normalised(own_name)
    found = {}
    for name, entries in written.items():
        requirements = raw_requirements(entries)
        # A project may require its own extras, and no index serves the project itself.
        others = [raw for raw in requirements if raw.name != own_name]
        found[name] = tuple(others)
    return found


def _written_groups(document: Section) -> _Entries:
    """Return the entries of a project, its extras and its groups by pixi's feature."""
    project = document.section("project")
    own = project.array("dependencies")
    written = {"": list(own)}
    extras = project.section("optional-dependencies").table
    for name, entries in extras.items():
        _add_group(written, name, entries)
    table = document.table.get("dependency-groups")
    groups = _Groups(table)
    for name in groups.names:
        _add_group(written, name, groups.entries(name))
    return written


def _add_group(
    found: _Entries,
    name: str,
    entries: object,
) -> None:
    # pixi writes dashes if it makes an environment of each group.
    with_dashes = name.replace("_", "-")
    for spelling in {name, with_dashes}:
        group = found.setdefault(spelling, [])
        if isinstance(entries, list):
            group += entries


class _Groups:
    """The dependency groups of a pyproject.toml, each with those that it includes (PEP 735)."""

    def __init__(self, table: object) -> None:
        self.names: list[str] = []
        self._written: _Entries = {}
        self._read: dict[str, list[str]] = {}
        self._count = 0
        if not isinstance(table, dict):
            return
        for name, entries in table.items():
            self.names.append(name)
            key = normalised(name)
            group = self._written.setdefault(key, [])
            if isinstance(entries, list):
                group += entries

    def entries(
        self,
        name: str,
        within: tuple[str, ...] = (),
    ) -> list[str]:
        """Return the requirements of a group without duplicates."""
        key = normalised(name)
        place = location(("dependency-groups",), name)
        if key in within:
            raise TableError(f"{place}: it includes itself")
        if len(within) == MAX_GROUP_DEPTH:
            raise TableError(f"{place}: it is included over more than {MAX_GROUP_DEPTH} others")
        if key in self._read:
            return self._read[key]
        found: dict[str, None] = {}
        including = (*within, key)
        entries = self._written.get(key, [])
        for entry in entries:
            expanded = self._expanded(entry, including)
            found.update(dict.fromkeys(expanded))
        requirements = list(found)
        self._read[key] = requirements
        return requirements

    def _expanded(
        self,
        entry: object,
        within: tuple[str, ...],
    ) -> list[str]:
        """Return the requirement of an entry, or those of the group that it includes."""
        found: list[str] = []
        if isinstance(entry, str):
            found = [entry]
        elif isinstance(entry, dict):
            other = entry.get("include-group")
            if isinstance(other, str):
                found = self.entries(other, within)
        self._count += len(found)
        if self._count > MAX_GROUP_REQUIREMENTS:
            raise TableError(
                f"[dependency-groups]: they come to more than {MAX_GROUP_REQUIREMENTS} requirements"
            )
        return found


def raw_requirements(entries: Iterable[Any]) -> Iterator[RawRequirement]:
    """Yield the requirements of a list, without the entries that are none."""
    for entry in entries:
        if not isinstance(entry, str):
            continue
        match = _REQUIREMENT.match(entry)
        if match is None:
            continue
        name, extras, is_url = match.groups()
        text = entry
        origin = ""
        if is_url:
            text = f"{name}{extras}{_marker(entry)}"
            origin = "url"
        yield RawRequirement(
            selector="",
            name=normalised(name),
            text=without_url(text),
            origin=origin,
        )


def _marker(entry: str) -> str:
    """Return the marker of a requirement with a URL, with its semicolon, or an empty string."""
    match = re.search(r"\s;.*", entry)
    if match is None:
        return ""
    return match.group()

"""The packages that a project wants: pixi's ``pypi-dependencies``, and what a pyproject.toml names.

A ``RawRequirement`` is one entry as it was read; nothing of packaging is imported, and no URL is kept. ``merge``
makes ``Dependency``s of the wants of an environment's features, for its machines:

1. Within a feature the entry of a ``target`` takes the place of one that stands in a wider target, or in none.
2. The entries of several features hold all together.
3. An entry whose marker (PEP 508) does not hold on the machine is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.errors import UrlError
from authshim.project.repositories import Index
from authshim.project.toml import Table, TableError, get, location, strings
from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from authshim.project.target import Target

ORIGINS = ("path", "git", "url")
"""Where a package may come from, besides an index."""

_LONGEST = 1000
"""Characters of a requirement."""

_DEEPEST = 50
_MANY = 100_000
"""Groups in groups; and the requirements of all: what includes each other twice has more with each one."""

_NO_REQUIREMENT = "{}: expected a requirement such as >=1.2,<2 (or * for any version)"
_NO_NAME = "{}: it is no package's name"


class RawRequirement(NamedTuple):
    """One entry of a feature."""

    selector: str
    """Of the ``[target.SELECTOR]`` in which it stands; "" where it stands in none."""
    name: str
    """As PEP 503 normalises it."""
    text: str
    """The requirement as PEP 508 writes it; "" where a URL stood in it, which is none."""
    own_index: Index | None = None
    """The only index that it may come from, where it names one."""
    origin: str = ""
    """One of ORIGINS where it does not come from an index."""


class Dependency(NamedTuple):
    """A package that an environment wants, and where it wants it."""

    name: str
    """As PEP 503 normalises it."""
    specifier: str = ""
    """PEP 440; empty: any version."""
    extras: tuple[str, ...] = ()
    own_index: Index | None = None
    """The only index that it may come from; None: those of the environment."""
    origin: str = ""
    """"path", "git" or "url" where it does not come from an index."""
    target: Target | None = None
    """What it is chosen for; None where nobody has said."""
    platforms: tuple[str, ...] = ()
    """Where it is wanted so, as conda names them; that of the machine is the first."""


def from_table(table: Table, where: tuple[str, ...], selector: str) -> Iterator[RawRequirement]:
    """Yield the entries of a ``pypi-dependencies`` table.

    :raises TableError: pixi would refuse one.
    """
    for name, spec in table.items():
        place = location(where, name)
        if not isinstance(spec, (str, dict)):
            raise TableError(f"{place}: expected a version or a table")
        entry = {"version": spec} if isinstance(spec, str) else spec
        origin = next((key for key in ORIGINS if key in entry), "")
        own = _index(entry["index"], place) if "index" in entry else None
        text = _without_url(_text(name, entry, (*where, name)))
        yield RawRequirement(selector, normalised(name), text, own, origin)


def _text(name: str, spec: Table, where: tuple[str, ...]) -> str:
    version, marker = get(spec, "version", str, where).strip(), get(spec, "env-markers", str, where)
    extras = ",".join(strings(spec, "extras", where))
    return f"{name}[{extras}] {'' if version == '*' else version}{f' ; {marker}' if marker else ''}"


def _index(value: Any, place: str) -> Index:
    if not isinstance(value, str):
        raise TableError(f"{place}: expected a URL as the index")
    try:
        return Index(value.strip(" "))
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


def of_groups(document: Table) -> dict[str, tuple[RawRequirement, ...]]:
    """Return the requirements of a pyproject.toml by pixi's feature; those of the project under "".

    :raises TableError: a dependency group includes itself.
    """
    project = get(document, "project", dict, ())
    groups = _Groups(document.get("dependency-groups"))
    found = {"": [*get(project, "dependencies", list, ("project",))]}
    optional = get(project, "optional-dependencies", dict, ("project",))
    for name, entries in [
        *optional.items(),
        *((name, groups.entries(name)) for name in groups.names),
    ]:
        # pixi names them with dashes where an environment is made of them.
        for spelled in {name, name.replace("_", "-")}:
            found.setdefault(spelled, []).extend(entries if isinstance(entries, list) else [])
    own = project.get("name")
    own = normalised(own) if isinstance(own, str) else ""
    return {
        name: tuple(requirement for requirement in _required(entries) if requirement.name != own)
        for name, entries in found.items()
    }


class _Groups:
    """The dependency groups of a pyproject.toml, each with those that it includes (PEP 735)."""

    def __init__(self, table: object) -> None:
        self.names: list[str] = []
        self._written: dict[str, list[Any]] = {}
        self._read: dict[str, list[str]] = {}
        self._count = 0
        for name, entries in table.items() if isinstance(table, dict) else ():
            self.names.append(name)
            self._written.setdefault(normalised(name), []).extend(
                entries if isinstance(entries, list) else []
            )

    def entries(self, name: str, within: tuple[str, ...] = ()) -> list[str]:
        """Return the requirements of a group, each once."""
        key = normalised(name)
        if key in within:
            raise TableError(f"{location(('dependency-groups',), name)}: it includes itself")
        if len(within) == _DEEPEST:
            raise TableError(
                f"{location(('dependency-groups',), name)}: it is included over more than {_DEEPEST} others"
            )
        if key not in self._read:
            parts = [self._part(entry, (*within, key)) for entry in self._written.get(key, [])]
            self._read[key] = list(dict.fromkeys(entry for part in parts for entry in part))
        return self._read[key]

    def _part(self, entry: object, within: tuple[str, ...]) -> list[str]:
        other = entry.get("include-group") if isinstance(entry, dict) else None
        part = (
            self.entries(other, within)
            if isinstance(other, str)
            else [entry]
            if isinstance(entry, str)
            else []
        )
        self._count += len(part)
        if self._count > _MANY:
            raise TableError(
                f"{location(('dependency-groups',))}: they come to more than {_MANY} requirements"
            )
        return part


_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*((?:\[[^\]]*\])?)\s*(@?)")


def _required(entries: Iterable[Any]) -> Iterator[RawRequirement]:
    for entry in entries:
        match = _REQUIREMENT.match(entry) if isinstance(entry, str) else None
        if match:
            name, extras, direct = match.groups()
            marker = re.search(r"\s;.*", entry)
            text = f"{name}{extras}{marker.group() if marker else ''}" if direct else entry
            yield RawRequirement(
                "", normalised(name), _without_url(text), None, "url" if direct else ""
            )


def _without_url(text: str) -> str:
    """Return a requirement; of one with a URL in it, and perhaps a password, or of a very long one, nothing is kept."""
    return "" if "/" in text or "@" in text or len(text) > _LONGEST else text


def normalised(name: str) -> str:
    """Return a name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def merge(
    features: Sequence[Sequence[RawRequirement]], targets: Iterable[Target]
) -> tuple[Dependency, ...]:
    """Return what the features of an environment want on its machines; what is the same on several comes once.

    :raises TableError: a requirement cannot be read, or two name different indexes.
    """
    found: dict[tuple[Dependency, str], list[Target]] = {}
    for target in targets:
        for dependency in _on(target, features):
            found.setdefault((dependency, target.python), []).append(target)
    return tuple(
        dependency._replace(target=its[0], platforms=tuple(target.platform for target in its))
        for (dependency, _), its in found.items()
    )


def _on(target: Target, features: Sequence[Sequence[RawRequirement]]) -> Iterator[Dependency]:
    found: dict[str, list[RawRequirement]] = {}
    for requirements in features:
        for name, mine in for_target(
            ((requirement.selector, requirement.name, requirement) for requirement in requirements),
            target,
        ).items():
            found.setdefault(name, []).extend(mine)
    for name, of_name in found.items():
        dependency = _one(name, of_name, target)
        if dependency is not None:
            yield dependency


def for_target(entries: Iterable[tuple[str, str, Any]], target: Target) -> dict[str, list[Any]]:
    """Return the values of (selector, name, value) that count on a machine, by name; the nearest target's alone."""
    found: dict[str, list[Any]] = {}
    nearest: dict[str, int] = {}
    for selector, name, value in entries:
        rank = target.specificity(selector)
        if rank is None or rank < nearest.get(name, 0):
            continue
        if rank > nearest.get(name, 0):
            found[name] = []
        nearest[name] = rank
        found.setdefault(name, []).append(value)
    return found


def _one(name: str, requirements: Sequence[RawRequirement], target: Target) -> Dependency | None:
    """Return what several entries of one name come to; None where none holds here."""
    from packaging.requirements import Requirement

    try:
        pairs = [(requirement, Requirement(requirement.text)) for requirement in requirements]
        held = [
            (requirement, one)
            for requirement, one in pairs
            if one.marker is None or one.marker.evaluate(target.markers())
        ]
    except (
        ValueError,
        KeyError,
        RecursionError,
    ):  # a marker that compares what cannot be compared; many brackets
        said = _NO_REQUIREMENT if re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) else _NO_NAME
        raise TableError(said.format(shorten(name))) from None
    if not held:
        return None
    indexes = list(
        dict.fromkeys(requirement.own_index for requirement, _ in held if requirement.own_index)
    )
    if len(indexes) > 1:
        raise TableError(f"{shorten(name)}: its entries name different indexes")
    specifiers = dict.fromkeys(str(one.specifier) for _, one in held if one.specifier)
    extras = dict.fromkeys(extra for _, one in held for extra in sorted(one.extras))
    origin = next((requirement.origin for requirement, _ in held if requirement.origin), "")
    return Dependency(
        name, ",".join(specifiers), tuple(extras), indexes[0] if indexes else None, origin
    )

"""The packages that a project requires, in ``pypi-dependencies`` and in a pyproject.toml.

A ``RawRequirement`` is one entry as it was read. It holds no URL and needs no ``packaging``.
``merge`` makes a ``Dependency`` for each package of an environment:

1. Within a feature the entry of a ``target`` replaces that of a wider target or of no target.
2. The entries of several features apply together.
3. An entry whose marker (PEP 508) is false on the machine is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.errors import UrlError
from authshim.project.repositories import Index
from authshim.project.toml import Section, TableError
from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.requirements import Requirement

    from authshim.project.target import Target
    from authshim.project.toml import Table

ORIGINS = ("path", "git", "url")
"""The sources of a package besides an index."""

MAX_REQUIREMENT_CHARACTERS = 1000
"""A longer requirement is left out."""


class RawRequirement(NamedTuple):
    """An entry of a feature."""

    selector: str
    """The SELECTOR of the ``[target.SELECTOR]`` that has the entry, or an empty string."""
    name: str
    """The name as PEP 503 normalises it."""
    text: str
    """The requirement in the form of PEP 508, or an empty string if it had a URL."""
    own_index: Index | None = None
    """The only index that may serve the package, if the entry names one."""
    origin: str = ""
    """One of ORIGINS, or an empty string for an index."""


class Dependency(NamedTuple):
    """A package that an environment requires, with the platforms that require it."""

    name: str
    """The name as PEP 503 normalises it."""
    specifier: str = ""
    """A specifier of PEP 440. An empty one allows any version."""
    extras: tuple[str, ...] = ()
    own_index: Index | None = None
    """The only index that may serve the package. None stands for those of the environment."""
    origin: str = ""
    """One of ORIGINS, or an empty string for an index."""
    target: Target | None = None
    """The platform and Python that the package is chosen for, or None if unknown."""
    platforms: tuple[str, ...] = ()
    """conda's names of the platforms, this machine's first."""


def from_table(
    table: Section,
    selector: str,
) -> Iterator[RawRequirement]:
    """Yield the entries of a ``pypi-dependencies`` table.

    :raises TableError: pixi would refuse one.
    """
    for name, value in table.table.items():
        place = table.location(name)
        spec = value
        if isinstance(value, str):
            spec = {"version": value}
        if not isinstance(spec, dict):
            raise TableError(f"{place}: expected a version or a table")
        own_index = None
        if "index" in spec:
            own_index = _index(spec["index"], place)
        entry = table.child(name, spec)
        text = _text(name, entry)
        yield RawRequirement(
            selector,
            name=normalised(name),
            text=without_url(text),
            own_index=own_index,
            origin=origin_of(spec),
        )


def origin_of(spec: Table) -> str:
    """Return the source of a package besides an index: one of ORIGINS, or an empty string."""
    for origin in ORIGINS:
        if origin in spec:
            return origin
    return ""


def _text(name: str, spec: Section) -> str:
    """Return an entry in the form of PEP 508."""
    version = spec.text("version").strip()
    if version == "*":
        version = ""
    extras = spec.strings("extras")
    joined = ",".join(extras)
    text = f"{name}[{joined}] {version}"
    marker = spec.text("env-markers")
    if marker:
        text = f"{text} ; {marker}"
    return text


def _index(value: Any, place: str) -> Index:
    if not isinstance(value, str):
        raise TableError(f"{place}: expected a URL as the index")
    url = value.strip(" ")
    try:
        return Index(url)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


def without_url(text: str) -> str:
    """Return the requirement, or an empty string if it has a URL, which may hold a password."""
    if len(text) > MAX_REQUIREMENT_CHARACTERS:
        return ""
    if "/" in text or "@" in text:
        return ""
    return text


def normalised(name: str) -> str:
    """Return a name as PEP 503 normalises it."""
    with_dashes = re.sub(r"[-_.]+", "-", name)
    return with_dashes.lower()


def merge(
    features: Sequence[Sequence[RawRequirement]],
    targets: Iterable[Target],
) -> tuple[Dependency, ...]:
    """Return the dependencies of an environment's features. Equal ones of several targets are one.

    :raises TableError: a requirement cannot be read, or two name different indexes.
    """
    found: dict[tuple[Dependency, str], list[Target]] = {}
    for target in targets:
        for dependency in _on_target(target, features):
            key = (dependency, target.python)
            its_targets = found.setdefault(key, [])
            its_targets.append(target)
    merged = []
    for (dependency, _), its_targets in found.items():
        platforms = [target.platform for target in its_targets]
        located = dependency._replace(
            target=its_targets[0],
            platforms=tuple(platforms),
        )
        merged.append(located)
    return tuple(merged)


def _on_target(
    target: Target,
    features: Sequence[Sequence[RawRequirement]],
) -> Iterator[Dependency]:
    """Yield the dependencies on one platform."""
    found: dict[str, list[RawRequirement]] = {}
    for feature in features:
        entries = [(raw.selector, raw.name, raw) for raw in feature]
        chosen = for_target(entries, target)
        for name, nearest in chosen.items():
            of_name = found.setdefault(name, [])
            of_name += nearest
    for name, requirements in found.items():
        dependency = _combine(name, requirements, target)
        if dependency is not None:
            yield dependency


def for_target(
    entries: Iterable[tuple[str, str, Any]],
    target: Target,
) -> dict[str, list[Any]]:
    """Return the values of (selector, name, value) by name, of the most specific selector only."""
    found: dict[str, list[Any]] = {}
    highest: dict[str, int] = {}
    for selector, name, value in entries:
        specificity = target.specificity(selector)
        highest_yet = highest.get(name, 0)
        if specificity is None or specificity < highest_yet:
            continue
        if specificity > highest_yet:
            found[name] = []
        highest[name] = specificity
        values = found.setdefault(name, [])
        values.append(value)
    return found


def _combine(
    name: str,
    requirements: Sequence[RawRequirement],
    target: Target,
) -> Dependency | None:
    """Return the dependency of all entries of a name, or None if no entry applies."""
    pairs = _applicable(name, requirements, target)
    if not pairs:
        return None
    # These dictionaries are sets that keep the order.
    specifiers: dict[str, None] = {}
    extras: dict[str, None] = {}
    origin = ""
    for raw, requirement in pairs:
        if requirement.specifier:
            specifiers[str(requirement.specifier)] = None
        for extra in sorted(requirement.extras):
            extras[extra] = None
        origin = origin or raw.origin
    return Dependency(
        name,
        specifier=",".join(specifiers),
        extras=tuple(extras),
        own_index=_own_index(name, [raw for raw, _ in pairs]),
        origin=origin,
    )


def _own_index(name: str, entries: Sequence[RawRequirement]) -> Index | None:
    """Return the only index that the entries of a package name, or None.

    :raises TableError: they name several.
    """
    indexes = {raw.own_index for raw in entries if raw.own_index}
    if len(indexes) > 1:
        raise TableError(f"{shorten(name)}: its entries name different indexes")
    return next(iter(indexes), None)


def _applicable(
    name: str,
    requirements: Sequence[RawRequirement],
    target: Target,
) -> list[tuple[RawRequirement, Requirement]]:
    """Return the entries whose marker is true, each with its parsed form."""
    from packaging.requirements import Requirement

    environment = target.markers()
    found = []
    try:
        # Every entry is parsed first, so that a bad one is an error on every machine.
        pairs = [(raw, Requirement(raw.text)) for raw in requirements]
        for raw, requirement in pairs:
            marker = requirement.marker
            if marker is None or marker.evaluate(environment):
                found.append((raw, requirement))
    except (ValueError, KeyError, RecursionError):
        # A marker may compare values that cannot be compared, or nest brackets too deeply.
        raise TableError(_reason(name)) from None
    return found


def _reason(name: str) -> str:
    if re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        return f"{shorten(name)}: expected a requirement such as >=1.2,<2 (or * for any version)"
    return f"{shorten(name)}: it is no package's name"

"""The packages that a project wants, and the indexes in which its tool looks for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import ManifestError, SettingsError
from authshim.project.requirements import MAX_REQUIREMENT_CHARACTERS, Dependency, normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.requirements import Requirement

    from authshim.project.manifest import Manifest
    from authshim.project.repositories import Index

TOOLS = ("pixi", "uv", "pip")
"""The tools whose rules are known."""

_SHOWABLE_NAME = re.compile(r"[\w.\-\[\],<>=!~*+ ]{1,100}")


class Query(NamedTuple):
    """A package, and the indexes in which the tool of the project looks for it."""

    dependency: Dependency
    indexes: tuple[Index, ...]
    """In the tool's order. If the package names an index: that one alone, and flat pages."""
    strategy: str
    mode: str
    environments: tuple[str, ...] = ()
    """The environments that ask so."""
    tool: str = "pixi"


def queries(
    manifest: Manifest,
    environment: str | None,
    names: Sequence[str] = (),
) -> list[Query]:
    """Return the questions of a project; environments that ask the same share one.

    :param environment: an environment of pixi, or None for all of them.
    :param names: packages, perhaps with a specifier (``torch>=2``); the project's if empty.
    :raises ManifestError: there is no such environment, the tool would refuse a requirement, or
        its rules are not known here.
    :raises SettingsError: a name is not the name of a package.
    """
    if manifest.tool not in TOOLS:
        place = manifest.path or "the configuration"
        raise ManifestError(place, _other_rules(manifest.tool))
    wanted = [_parse(text) for text in names]
    asking_environments: Sequence[str] = manifest.environments
    if environment is not None:
        asking_environments = (environment,)
    asking: dict[Query, dict[str, None]] = {}
    for name, dependency in _dependencies(manifest, asking_environments, wanted):
        query = _query(manifest, name, dependency)
        asking.setdefault(query, {})[name] = None
    found = []
    for query, asked_by in asking.items():
        environments = tuple(asked_by)
        found.append(query._replace(environments=environments))
    return found


def _query(
    manifest: Manifest,
    environment: str,
    dependency: Dependency,
) -> Query:
    return Query(
        dependency,
        indexes=_indexes(manifest.indexes(environment), dependency),
        strategy=manifest.index_strategy(environment),
        mode=manifest.prerelease_mode(environment),
        tool=manifest.tool,
    )


def _other_rules(tool: str) -> str:
    """Return the reason for which the project of a tool is refused."""
    if not tool.isalpha():
        return f"name one of {tool} by --tool: their rules of choosing an index differ"
    known = ", ".join(TOOLS)
    return f"resolve knows the rules of {known}, not those of {tool}"


def _parse(text: str) -> Dependency:
    """Return the package that an argument names, perhaps with a specifier.

    :raises SettingsError: it is not the name of a package. The argument may be a secret.
    """
    requirement = _requirement(text)
    if requirement is None:
        shown = "****"
        if _SHOWABLE_NAME.fullmatch(text):
            shown = repr(text)
        expected = "expected one such as torch or 'torch>=2'"
        raise SettingsError(shown, f"it is no package's name; {expected}")
    return Dependency(
        name=normalised(requirement.name),
        specifier=str(requirement.specifier),
        extras=tuple(sorted(requirement.extras)),
    )


def _requirement(text: str) -> Requirement | None:
    """Return a requirement without a URL and a marker, or None if the text is something else."""
    from packaging.requirements import InvalidRequirement, Requirement

    if len(text) > MAX_REQUIREMENT_CHARACTERS:
        return None
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    if requirement.url or requirement.marker:
        return None
    return requirement


def _dependencies(
    manifest: Manifest,
    environments: Sequence[str],
    wanted: Sequence[Dependency],
) -> Iterator[tuple[str, Dependency]]:
    """Yield the dependencies of environments, or those that were asked for instead."""
    own = list(_declared(manifest, environments))
    if not wanted:
        yield from own
    for asked in wanted:
        is_known = False
        for environment, known in own:
            if known.name == asked.name:
                is_known = True
                yield environment, _narrowed(known, asked)
        if is_known:
            continue
        for environment in environments:
            yield environment, _on_machine_of(manifest, environment, asked)


def _declared(
    manifest: Manifest,
    environments: Sequence[str],
) -> Iterator[tuple[str, Dependency]]:
    """Yield the dependencies of environments."""
    for environment in environments:
        for dependency in manifest.dependencies(environment):
            yield environment, dependency


def _narrowed(known: Dependency, asked: Dependency) -> Dependency:
    """Return a dependency of the project with the specifier and extras that were asked for."""
    return known._replace(
        specifier=asked.specifier or known.specifier,
        extras=asked.extras or known.extras,
    )


def _on_machine_of(
    manifest: Manifest,
    environment: str,
    asked: Dependency,
) -> Dependency:
    target = manifest.target(environment)
    return asked._replace(target=target, platforms=(target.platform,))


def _indexes(
    indexes: Iterable[Index],
    dependency: Dependency,
) -> tuple[Index, ...]:
    if dependency.origin:
        return ()
    if dependency.own_index is None:
        return tuple(indexes)
    flat = [index for index in indexes if index.flat]
    return (dependency.own_index, *flat)

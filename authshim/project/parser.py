"""The tables of pixi's manifest about indexes, channels and requirements.

1. ``[workspace.pypi-options]`` (the older ``[project]``) always applies.
2. The root's ``[pypi-options]`` and ``[pypi-dependencies]`` are the feature "default".
3. An environment has its own inline feature first, then those that it lists, in order, then
   "default" unless ``no-default-feature`` is true.
4. A feature without ``channels`` has those of the workspace.
5. In a pyproject.toml each optional dependency and each dependency group is a feature as well.

The rules are those of pixi's crate pixi_manifest. A ``TableError`` is a value of these tables that
pixi refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import UrlError
from authshim.project.auxiliary import build_channels, pypi_maps
from authshim.project.model import DEFAULT, Feature, Project
from authshim.project.pypi_options import read_options
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import Channel, channel
from authshim.project.requirements import from_table
from authshim.project.s3_options import read_buckets
from authshim.project.toml import Table, TableError, as_table, get, location, strings
from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.requirements import RawRequirement


MAX_ENTRIES = 1_000_000
"""The indexes, channels and packages of all environments on all platforms.

A million of them takes a minute.
"""

_SINGLE = {
    "index_url": "index-urls",
    "index_strategy": "index-strategies",
    "prerelease_mode": "prerelease-modes",
}
"""The options that an environment can have only once, and the word for several."""


def read(document: Table, folder: str, *, pyproject: bool) -> Project:
    """Return the project of a pixi.toml or a pyproject.toml in ``folder``.

    :raises TableError: pixi would refuse the document.
    """
    if not pyproject:
        return _Reader(folder, (), {}, "").project(document)
    tool = get(document, "tool", dict, ())
    pixi = get(tool, "pixi", dict, ("tool",))
    project = get(document, "project", dict, ())
    python = get(project, "requires-python", str, ("project",))
    return _Reader(folder, ("tool", "pixi"), read_groups(document), python).project(pixi)


class _Reader:
    """A reader of one document. A ``where`` holds the names of a table and its parents."""

    def __init__(
        self,
        folder: str,
        root: tuple[str, ...],
        groups: Mapping[str, tuple[RawRequirement, ...]],
        requires_python: str,
    ) -> None:
        self._folder = folder
        self._root = root
        self._groups = groups
        self._requires_python = requires_python
        self._channels: tuple[tuple[int, Channel], ...] = ()

    def project(self, pixi: Table) -> Project:
        """Return the project of the root table.

        :raises TableError: pixi would refuse the table.
        """
        where = (*self._root, self._name_of_workspace(pixi))
        workspace = get(pixi, where[-1], dict, self._root)
        self._channels = self._channels_of(workspace, where)
        features = self._features(pixi)
        platforms = _platforms(workspace, where) or ()
        environments = self._environments(pixi, features)
        if _size(environments) * max(1, len(platforms)) > MAX_ENTRIES:
            raise TableError(
                f"its environments come to more than {MAX_ENTRIES} indexes, channels and packages"
            )
        return Project(
            read_options(workspace, where, self._folder),
            platforms,
            environments,
            build_channels(pixi, self._root, self._folder),
            pypi_maps(workspace, where),
            read_buckets(workspace, where),
        )

    def _name_of_workspace(self, pixi: Table) -> str:
        for name in ("workspace", "project"):
            if name in pixi:
                return name
        raise TableError(
            f"there is no {location((*self._root, 'workspace'))} table; a package's manifest "
            "needs the one of its workspace, in a folder above"
        )

    def _features(self, pixi: Table) -> dict[str, Feature]:
        features = {}
        for group in self._groups:
            if group:
                features[group] = self._feature(group, {}, ())
        features[DEFAULT] = self._feature(DEFAULT, {**pixi, "channels": None}, self._root)
        for name, table in get(pixi, "feature", dict, self._root).items():
            where = (*self._root, "feature", name)
            features[name] = self._feature(name, as_table(table, where), where)
        return features

    def _environments(
        self,
        pixi: Table,
        features: dict[str, Feature],
    ) -> dict[str, tuple[Feature, ...]]:
        written = get(pixi, "environments", dict, self._root)
        environments = {}
        for name in (DEFAULT, *written):
            environments[name] = self._environment(name, written.get(name, []), features)
        return environments

    def _environment(
        self,
        name: str,
        value: Any,
        features: dict[str, Feature],
    ) -> tuple[Feature, ...]:
        where = (*self._root, "environments", name)
        place = location(where[:-1], name)
        table = value
        if isinstance(value, list):
            table = {"features": value}
        if not isinstance(table, dict):
            raise TableError(f"{place}: expected a list of features, or a table")
        found = []
        if table.keys() - {"features", "solve-group", "no-default-feature"}:
            found.append(self._feature(f"environments.{name}", table, where))
        for feature in _listed_features(table, where):
            if feature not in features:
                raise TableError(f"{place}: there is no feature {shorten(feature)!r}")
            found.append(features[feature])
        _must_agree(name, found)
        return tuple(found)

    def _feature(self, name: str, table: Table, where: tuple[str, ...]) -> Feature:
        group = name
        if name == DEFAULT:
            group = ""
        requirements = list(self._groups.get(group, ()))
        pythons = []
        for selector, part, place in _targets(table, where):
            dependencies = get(part, "pypi-dependencies", dict, place)
            requirements += from_table(dependencies, (*place, "pypi-dependencies"), selector)
            python = _python(get(part, "dependencies", dict, place))
            if python:
                pythons.append((selector, python))
        has_python = any(selector == "" for selector, _ in pythons)
        if name == DEFAULT and self._requires_python and not has_python:
            pythons.append(("", self._requires_python))
        return Feature(
            name,
            self._channels_of(table, where),
            read_options(table, where, self._folder),
            tuple(requirements),
            _platforms(table, where),
            tuple(pythons),
        )

    def _channels_of(self, table: Table, where: tuple[str, ...]) -> tuple[tuple[int, Channel], ...]:
        if table.get("channels") is None:
            return self._channels
        place = location(where, "channels")
        entries = get(table, "channels", list, where)
        return tuple(self._channel(entry, place) for entry in entries)

    def _channel(self, entry: Any, place: str) -> tuple[int, Channel]:
        name, priority = entry, 0
        if isinstance(entry, dict):
            name, priority = entry.get("channel"), entry.get("priority", 0)
        if not isinstance(name, str):
            raise TableError(f"{place}: expected names or URLs, or tables with a channel")
        if type(priority) is not int:
            raise TableError(f"{place}: expected a whole number as the priority")
        try:
            return priority, channel(name, self._folder)
        except UrlError as error:
            raise TableError(f"{place}: {error}") from None


def _size(environments: Mapping[str, tuple[Feature, ...]]) -> int:
    size = 0
    for features in environments.values():
        for feature in features:
            options = feature.options
            size += len(feature.channels) + len(feature.requirements)
            size += len(options.extra) + len(options.flat)
    return size


def _listed_features(table: Table, where: tuple[str, ...]) -> list[str]:
    listed = strings(table, "features", where)
    if not get(table, "no-default-feature", bool, where) and DEFAULT not in listed:
        listed.append(DEFAULT)
    if len(set(listed)) < len(listed):
        raise TableError(f"{location(where[:-1], where[-1])}: a feature is listed twice")
    return listed


def _targets(table: Table, where: tuple[str, ...]) -> Iterator[tuple[str, Table, tuple[str, ...]]]:
    """Yield the selector, table and place of a feature and of each of its targets."""
    yield "", table, where
    for selector, value in get(table, "target", dict, where).items():
        place = (*where, "target", selector)
        yield selector, as_table(value, place), place


def _python(dependencies: Table) -> str:
    """Return conda's version spec of ``python``, or an empty string."""
    spec = dependencies.get("python", "")
    if isinstance(spec, dict):
        spec = spec.get("version", "*")
    if not isinstance(spec, str):
        return ""
    return spec


def _platforms(table: Table, where: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return conda's names of the platforms of a table, or None without the key."""
    if "platforms" not in table:
        return None
    names: dict[str, None] = {}
    for entry in get(table, "platforms", list, where):
        name = entry
        if isinstance(entry, dict):
            name = entry.get("platform", entry.get("name"))
        if not isinstance(name, str):
            place = location(where, "platforms")
            raise TableError(f"{place}: expected names, or tables with a platform")
        names[name] = None
    return tuple(names)


def _must_agree(environment: str, features: list[Feature]) -> None:
    """Raise TableError if two features have different values of a single option.

    pixi accepts equal values.
    """
    for field, words in _SINGLE.items():
        first: Feature | None = None
        for feature in features:
            value = getattr(feature.options, field)
            if not value:
                continue
            if first is None:
                first = feature
            elif not _are_equal(value, getattr(first.options, field)):
                raise TableError(
                    f"in the environment {shorten(environment)!r} "
                    f"the features {shorten(first.name)!r} and {shorten(feature.name)!r} "
                    f"name different {words} in their pypi-options"
                )


def _are_equal(value: Any, other: Any) -> bool:
    # Equal indexes may have different passwords.
    password = getattr(value, "password", None)
    return bool(value == other and password == getattr(other, "password", None))

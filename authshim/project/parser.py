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
from authshim.project.toml import Section, TableError
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


def read(
    document: Section,
    folder: str,
    *,
    pyproject: bool,
) -> Project:
    """Return the project of a pixi.toml or a pyproject.toml in ``folder``.

    :raises TableError: pixi would refuse the document.
    """
    if not pyproject:
        return _Reader(folder, {}, "").project(document)
    pixi = document.section("tool").section("pixi")
    python = document.section("project").text("requires-python")
    groups = read_groups(document)
    return _Reader(folder, groups, python).project(pixi)


class _Reader:
    """A reader of one document.

    :param groups: the requirements of a pyproject.toml by feature.
    :param requires_python: that of a pyproject.toml, or an empty string.
    """

    def __init__(
        self,
        folder: str,
        groups: Mapping[str, tuple[RawRequirement, ...]],
        requires_python: str,
    ) -> None:
        self._folder = folder
        self._groups = groups
        self._requires_python = requires_python
        self._channels: tuple[tuple[int, Channel], ...] = ()

    def project(self, pixi: Section) -> Project:
        """Return the project of the root table.

        :raises TableError: pixi would refuse the table.
        """
        workspace = _workspace(pixi)
        self._channels = self._channels_of(workspace)
        features = self._features(pixi)
        platforms = _platforms(workspace) or ()
        environments = self._environments(pixi, features)
        if _size(environments) * max(1, len(platforms)) > MAX_ENTRIES:
            raise TableError(
                f"its environments come to more than {MAX_ENTRIES} indexes, channels and packages"
            )
        return Project(
            base=read_options(workspace, self._folder),
            platforms=platforms,
            environments=environments,
            build_channels=build_channels(pixi, self._folder),
            pypi_maps=pypi_maps(workspace),
            s3_options=read_buckets(workspace),
        )

    def _features(self, pixi: Section) -> dict[str, Feature]:
        features = {}
        for group in self._groups:
            if group:
                features[group] = self._feature(group, Section({}))
        # The root's own channels are no option of pixi. "default" has those of the workspace.
        root = Section({**pixi.table, "channels": None}, pixi.names)
        features[DEFAULT] = self._feature(DEFAULT, root)
        for name, table in pixi.sections("feature"):
            features[name] = self._feature(name, table)
        return features

    def _environments(
        self,
        pixi: Section,
        features: dict[str, Feature],
    ) -> dict[str, tuple[Feature, ...]]:
        """Return the features of each environment, with "default" first."""
        written = pixi.section("environments")
        environments = {}
        for name in (DEFAULT, *written.table):
            environments[name] = self._environment(name, written, features)
        return environments

    def _environment(
        self,
        name: str,
        environments: Section,
        features: dict[str, Feature],
    ) -> tuple[Feature, ...]:
        place = environments.location(name)
        value = environments.table.get(name, [])
        if isinstance(value, list):
            value = {"features": value}
        if not isinstance(value, dict):
            raise TableError(f"{place}: expected a list of features, or a table")
        table = environments.child(name, value)
        found = []
        if value.keys() - {"features", "solve-group", "no-default-feature"}:
            found.append(self._feature(f"environments.{name}", table))
        for feature in _listed_features(table, place):
            if feature not in features:
                raise TableError(f"{place}: there is no feature {shorten(feature)!r}")
            found.append(features[feature])
        _must_agree(name, found)
        return tuple(found)

    def _feature(self, name: str, table: Section) -> Feature:
        group = name
        if name == DEFAULT:
            group = ""
        requirements = list(self._groups.get(group, ()))
        pythons = []
        for selector, part in _targets(table):
            requirements += from_table(part.section("pypi-dependencies"), selector)
            python = _python(part.section("dependencies"))
            if python:
                pythons.append((selector, python))
        has_python = any(selector == "" for selector, _ in pythons)
        if name == DEFAULT and self._requires_python and not has_python:
            pythons.append(("", self._requires_python))
        return Feature(
            name,
            channels=self._channels_of(table),
            options=read_options(table, self._folder),
            requirements=tuple(requirements),
            platforms=_platforms(table),
            pythons=tuple(pythons),
        )

    def _channels_of(self, table: Section) -> tuple[tuple[int, Channel], ...]:
        if table.table.get("channels") is None:
            return self._channels
        place = table.location("channels")
        entries = table.array("channels")
        return tuple(self._channel(entry, place) for entry in entries)

    def _channel(self, entry: Any, place: str) -> tuple[int, Channel]:
        """Return the priority of a channel, and the channel."""
        name = entry
        priority = 0
        if isinstance(entry, dict):
            name = entry.get("channel")
            priority = entry.get("priority", 0)
        if not isinstance(name, str):
            raise TableError(f"{place}: expected names or URLs, or tables with a channel")
        if type(priority) is not int:
            raise TableError(f"{place}: expected a whole number as the priority")
        try:
            return priority, channel(name, self._folder)
        except UrlError as error:
            raise TableError(f"{place}: {error}") from None


def _workspace(pixi: Section) -> Section:
    """Return the table of the workspace, whose older name is "project"."""
    for name in ("workspace", "project"):
        if name in pixi.table:
            return pixi.section(name)
    place = pixi.child("workspace", {}).location()
    raise TableError(
        f"there is no {place} table; a package's manifest "
        "needs the one of its workspace, in a folder above"
    )


def _size(environments: Mapping[str, tuple[Feature, ...]]) -> int:
    size = 0
    for features in environments.values():
        for feature in features:
            options = feature.options
            size += len(feature.channels) + len(feature.requirements)
            size += len(options.extra) + len(options.flat)
    return size


def _listed_features(table: Section, place: str) -> list[str]:
    """List the features of an environment, whose place is for messages."""
    listed = table.strings("features")
    if not table.flag("no-default-feature") and DEFAULT not in listed:
        listed.append(DEFAULT)
    if len(set(listed)) < len(listed):
        raise TableError(f"{place}: a feature is listed twice")
    return listed


def _targets(table: Section) -> Iterator[tuple[str, Section]]:
    """Yield the selector and the table of a feature, and then of each of its targets."""
    yield "", table
    yield from table.sections("target")


def _python(dependencies: Section) -> str:
    """Return conda's version spec of ``python``, or an empty string."""
    spec = dependencies.table.get("python", "")
    if isinstance(spec, dict):
        spec = spec.get("version", "*")
    if not isinstance(spec, str):
        return ""
    return spec


def _platforms(table: Section) -> tuple[str, ...] | None:
    """Return conda's names of the platforms of a table, or None without the key."""
    if "platforms" not in table.table:
        return None
    names: dict[str, None] = {}
    for entry in table.array("platforms"):
        name = entry
        if isinstance(entry, dict):
            name = entry.get("platform", entry.get("name"))
        if not isinstance(name, str):
            place = table.location("platforms")
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

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
from authshim.project.feature_table import (
    has_own_python,
    platforms_of,
    pythons_of,
    with_targets,
)
from authshim.project.model import DEFAULT, Feature, Features, Project, RankedChannel
from authshim.project.pypi_options import read_options
from authshim.project.pyproject_groups import read_groups
from authshim.project.repositories import channel
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


_ENVIRONMENT_KEYS = {
    "features",
    "no-default-feature",
    "solve-group",
}
"""The keys of an environment without an inline feature."""


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
        reader = _Reader(folder, {}, "")
        return reader.project(document)
    pixi = document.section("tool").section("pixi")
    python = document.section("project").text("requires-python")
    groups = read_groups(document)
    reader = _Reader(folder, groups, python)
    return reader.project(pixi)


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
        self._channels: tuple[RankedChannel, ...] = ()

    def project(self, pixi: Section) -> Project:
        """Return the project of the root table.

        :raises TableError: pixi would refuse the table.
        """
        workspace = _workspace(pixi)
        self._channels = self._channels_of(workspace)
        features = self._features(pixi)
        platforms = platforms_of(workspace) or ()
        environments = self._environments(pixi, features)
        on_each_platform = _size(environments)
        if on_each_platform * max(1, len(platforms)) > MAX_ENTRIES:
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
        no_table = Section({})
        for group in self._groups:
            if group:
                features[group] = self._feature(group, no_table)
        # The root's own channels are no option of pixi. "default" has those of the workspace.
        without_channels = {**pixi.table, "channels": None}
        root = Section(without_channels, pixi.names)
        features[DEFAULT] = self._feature(DEFAULT, root)
        for name, table in pixi.sections("feature"):
            features[name] = self._feature(name, table)
        return features

    def _environments(
        self,
        pixi: Section,
        features: dict[str, Feature],
    ) -> dict[str, Features]:
        """Return the features of each environment, with "default" first."""
        written = pixi.section("environments")
        environments = {}
        for name in (DEFAULT, *written.table):
            chosen = self._environment(name, written, features)
            environments[name] = chosen
        return environments

    def _environment(
        self,
        name: str,
        environments: Section,
        features: dict[str, Feature],
    ) -> Features:
        place = environments.location(name)
        value = environments.table.get(name, [])
        if isinstance(value, list):
            value = {"features": value}
        if not isinstance(value, dict):
            raise TableError(f"{place}: expected a list of features, or a table")
        table = environments.child(name, value)
        found = []
        if value.keys() - _ENVIRONMENT_KEYS:
            inline = self._feature(f"environments.{name}", table)
            found.append(inline)
        for feature in _listed_features(table, place):
            if feature not in features:
                raise TableError(f"{place}: there is no feature {shorten(feature)!r}")
            found.append(features[feature])
        _must_agree(name, found)
        return tuple(found)

    def _feature(self, name: str, table: Section) -> Feature:
        pythons = pythons_of(table)
        requires_python = self._requires_python
        if name == DEFAULT and requires_python and not has_own_python(pythons):
            pythons.append(("", requires_python))
        return Feature(
            name,
            channels=self._channels_of(table),
            options=read_options(table, self._folder),
            requirements=tuple(self._requirements(name, table)),
            platforms=platforms_of(table),
            pythons=tuple(pythons),
        )

    def _requirements(
        self,
        feature: str,
        table: Section,
    ) -> Iterator[RawRequirement]:
        """Yield the requirements of a feature's group, its table and its targets."""
        group = feature
        if feature == DEFAULT:
            group = ""
        yield from self._groups.get(group, ())
        for selector, part in with_targets(table):
            entries = part.section("pypi-dependencies")
            yield from from_table(entries, selector)

    def _channels_of(self, table: Section) -> tuple[RankedChannel, ...]:
        if table.table.get("channels") is None:
            return self._channels
        place = table.location("channels")
        channels = []
        for entry in table.array("channels"):
            ranked = self._channel(entry, place)
            channels.append(ranked)
        return tuple(channels)

    def _channel(self, entry: Any, place: str) -> RankedChannel:
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
    workspace = pixi.child("workspace", {})
    place = workspace.location()
    raise TableError(
        f"there is no {place} table; a package's manifest "
        "needs the one of its workspace, in a folder above"
    )


def _size(environments: Mapping[str, Features]) -> int:
    size = 0
    for features in environments.values():
        for feature in features:
            size += len(feature.channels)
            size += len(feature.requirements)
            size += len(feature.options.extra)
            size += len(feature.options.flat)
    return size


def _listed_features(table: Section, place: str) -> list[str]:
    """List the features of an environment, whose place is for messages."""
    listed = table.strings("features")
    has_default = not table.flag("no-default-feature")
    if has_default and DEFAULT not in listed:
        listed.append(DEFAULT)
    if len(set(listed)) < len(listed):
        raise TableError(f"{place}: a feature is listed twice")
    return listed


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
                continue
            if not _are_equal(value, getattr(first.options, field)):
                raise TableError(
                    f"in the environment {shorten(environment)!r} "
                    f"the features {shorten(first.name)!r} and {shorten(feature.name)!r} "
                    f"name different {words} in their pypi-options"
                )


def _are_equal(value: Any, other: Any) -> bool:
    if value != other:
        return False
    # Equal indexes may have different passwords.
    password = getattr(value, "password", None)
    other_password = getattr(other, "password", None)
    return bool(password == other_password)

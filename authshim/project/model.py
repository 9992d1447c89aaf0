"""A project that was read: its features, and the rules that combine them to an environment.

1. Lists of the workspace come first, then those of the environment's features in their order.
2. A single value of a feature overrides that of the workspace.
3. An environment has the platforms that all of its features have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.repositories import Channel, Index
from authshim.project.requirements import Dependency, RawRequirement, for_target, merge
from authshim.project.target import Target, choose_python, current
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from authshim.project.repositories import Repository
    from authshim.urls.s3 import S3Options

DEFAULT = "default"

PYPI = Index("https://pypi.org/simple")
"""pixi's index of a project that names no ``index-url``."""

STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
"""The values of ``index-strategy``, as in uv. pixi's default comes first."""

MODES = ("if-necessary-or-explicit", "disallow", "allow", "if-necessary", "explicit")
"""The values of ``prerelease-mode``, as in uv. pixi's default comes first."""


class Options(NamedTuple):
    """The options of one ``pypi-options`` table about indexes and versions."""

    index_url: Index | None
    extra: tuple[Index, ...]
    flat: tuple[Index, ...]
    index_strategy: str | None
    prerelease_mode: str | None
    ignored: tuple[str, ...]
    """The options that choose versions or files and that authshim ignores."""


NO_OPTIONS = Options(
    index_url=None,
    extra=(),
    flat=(),
    index_strategy=None,
    prerelease_mode=None,
    ignored=(),
)


RankedChannel = tuple[int, Channel]
"""The priority of a channel, and the channel."""


class Feature(NamedTuple):
    """A feature that environments are made of."""

    name: str
    channels: tuple[RankedChannel, ...]
    options: Options
    requirements: tuple[RawRequirement, ...]
    platforms: tuple[str, ...] | None
    """None stands for those of the workspace."""
    pythons: tuple[tuple[str, str], ...]
    """Each selector of a target with conda's version spec of its ``python``."""


Features = tuple[Feature, ...]
"""The features of one environment."""


class Project(NamedTuple):
    """The content of a manifest."""

    base: Options
    """The options of the workspace."""
    platforms: tuple[str, ...]
    environments: dict[str, Features]
    """The features of each environment. The environment "default" comes first."""
    build_channels: tuple[Channel, ...] = ()
    """The channels of build backends."""
    pypi_maps: tuple[Repository, ...] = ()
    """The URLs of ``conda-pypi-map``."""
    s3_options: tuple[S3Options, ...] = ()
    """The options of the buckets."""
    tool: str = "pixi"
    """The tool whose project it is."""
    default_index: Index | None = PYPI
    """The index of an environment without an ``index-url``, or None if all are listed."""
    keyring_provider: str = ""
    """The ``keyring-provider`` of uv or pip. Empty if nothing sets it."""
    explicit: tuple[Index, ...] = ()
    """The indexes that only serve the packages that name them."""

    def indexes(self, features: Features) -> list[Index]:
        """List the indexes in the order in which the tool gives them to its resolver."""
        all_options = self._options(features)
        found: list[Index] = []
        for options in all_options:
            found += options.extra
        single = self.single(features, "index_url")
        if not single:
            single = self.default_index
        if single is not None:
            found.append(single)
        for options in all_options:
            found += options.flat
        return found

    def _options(self, features: Features) -> list[Options]:
        own = [feature.options for feature in features]
        return [self.base, *own]

    def channels(self, features: Features) -> list[Channel]:
        """List the channels, the highest priority first."""
        entries: list[RankedChannel] = []
        for feature in features:
            entries += feature.channels
        entries.sort(key=_descending_priority)
        return [channel for _, channel in entries]

    def single(self, features: Features, field: str) -> Any:
        """Return the value of an option that an environment can have only once."""
        for feature in features:
            value = getattr(feature.options, field)
            if value:
                return value
        return getattr(self.base, field)

    def ignored_options(self, features: Features) -> list[str]:
        """List the options of pixi that choose versions or files and that authshim ignores."""
        found: dict[str, None] = {}
        for options in self._options(features):
            found.update(dict.fromkeys(options.ignored))
        return list(found)

    def dependencies(self, features: Features) -> tuple[Dependency, ...]:
        """Return the packages that the features require, on each target.

        :raises TableError: pixi would refuse a requirement.
        """
        requirements = [feature.requirements for feature in features]
        return merge(requirements, self.targets(features))

    def targets(self, features: Features) -> list[Target]:
        """List the targets of an environment, this machine's platform first."""
        own = current()
        targets: list[Target] = []
        for platform in self.platforms_of(features):
            target = own._replace(
                platform=platform,
                platform_from="the project",
            )
            if platform == own.platform:
                targets.insert(0, target)
            else:
                targets.append(target)
        if not targets:
            targets = [own]
        return [_with_python(target, features) for target in targets]

    def platforms_of(self, features: Features) -> list[str]:
        """List the platforms that all of some features have."""
        platforms = list(self.platforms)
        for feature in features:
            own = feature.platforms
            if own is not None:
                platforms = [platform for platform in platforms if platform in own]
        return platforms


def _descending_priority(entry: RankedChannel) -> int:
    priority, _ = entry
    return -priority


def _with_python(
    target: Target,
    features: Features,
) -> Target:
    """Return the target with the Python that the features allow."""
    specs: list[str] = []
    for feature in features:
        entries = [(selector, "python", spec) for selector, spec in feature.pythons]
        chosen = for_target(entries, target)
        specs += chosen.get("python", [])
    python = choose_python(specs, target.python)
    if python is None or python == target.python:
        return target
    return target._replace(python=python, python_from="the project")


def dependencies_of(
    project: Project,
    environments: list[Features],
) -> tuple[Dependency, ...] | str:
    """Return the dependencies of all the environments, or the reason of an error."""
    found: dict[Dependency, None] = {}
    try:
        for features in environments:
            dependencies = project.dependencies(features)
            found.update(dict.fromkeys(dependencies))
    except TableError as error:
        return str(error)
    return tuple(found)

"""A project, once it is read: its features, and what an environment of them comes to.

1. An environment's features come in order; what they list is put together, the workspace's first.
2. What can be said once only is a feature's word, or the workspace's.
3. An environment is for the platforms that all of its features are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.repositories import Channel, Index
from authshim.project.requirements import Dependency, RawRequirement, for_target, merge
from authshim.project.target import Target, choose_python, current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim.project.repositories import Repository

DEFAULT = "default"

PYPI = Index("https://pypi.org/simple")
"""pixi's index where a project names none."""

STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
"""uv's words for which of several indexes serves a package; pixi's default comes first."""

MODES = ("if-necessary-or-explicit", "disallow", "allow", "if-necessary", "explicit")
"""uv's words for which versions before a release count; pixi's default comes first."""


class Options(NamedTuple):
    """What one ``pypi-options`` table says of indexes and versions."""

    index_url: Index | None
    extra: tuple[Index, ...]
    flat: tuple[Index, ...]
    index_strategy: str | None
    prerelease_mode: str | None
    ignored: tuple[str, ...]
    """What it, or the table that it stands in, says besides of which version or file is taken."""


class Feature(NamedTuple):
    """What a feature brings to the environments that have it; channels with their priority."""

    name: str
    channels: tuple[tuple[int, Channel], ...]
    options: Options
    requirements: tuple[RawRequirement, ...]
    platforms: tuple[str, ...] | None
    """None: those of the workspace."""
    pythons: tuple[tuple[str, str], ...]
    """A target's selector, and conda's version spec of its ``python``."""


class Project(NamedTuple):
    """A manifest, read: the workspace's options, and each environment's features, "default" first."""

    base: Options
    platforms: tuple[str, ...]
    environments: dict[str, tuple[Feature, ...]]
    build_channels: tuple[Channel, ...] = ()
    """The channels of build backends."""
    pypi_maps: tuple[Repository, ...] = ()
    """The URLs of ``conda-pypi-map``."""

    def indexes(self, features: tuple[Feature, ...]) -> list[Index]:
        """List the indexes as pixi hands them to its resolver."""
        options = [self.base, *(feature.options for feature in features)]
        extra = [index for its in options for index in its.extra]
        return [
            *extra,
            self.single(features, "index_url") or PYPI,
            *(index for its in options for index in its.flat),
        ]

    def channels(self, features: tuple[Feature, ...]) -> list[Channel]:
        """List the channels, the highest priority first."""
        entries = [entry for feature in features for entry in feature.channels]
        return [channel for _, channel in sorted(entries, key=lambda entry: -entry[0])]

    def single(self, features: tuple[Feature, ...], field: str) -> Any:
        """Return what can be said once only; the features agree on theirs."""
        said = (getattr(feature.options, field) for feature in features)
        return next(filter(None, said), getattr(self.base, field))

    def ignored_options(self, features: tuple[Feature, ...]) -> list[str]:
        """List the options of pixi that tell which version or file is taken and that nobody here follows."""
        options = [self.base, *(feature.options for feature in features)]
        return list(dict.fromkeys(key for its in options for key in its.ignored))

    def dependencies(self, features: tuple[Feature, ...]) -> tuple[Dependency, ...]:
        """Return the packages that are wanted, on each machine.

        :raises TableError: pixi would refuse a requirement.
        """
        return merge([feature.requirements for feature in features], self.targets(features))

    def targets(self, features: tuple[Feature, ...]) -> list[Target]:
        """List what packages are chosen for, this machine's platform first."""
        mine = current()
        platforms = list(self.platforms)
        for feature in features:
            if feature.platforms is not None:
                platforms = [platform for platform in platforms if platform in feature.platforms]
        declared = [
            mine._replace(platform=platform, platform_from="the project") for platform in platforms
        ]
        found = sorted(declared or [mine], key=lambda target: target.platform != mine.platform)
        return [_with_python(target, features) for target in found]


def _with_python(target: Target, features: tuple[Feature, ...]) -> Target:
    """Take what conda's ``python`` allows, or ``requires-python``; this interpreter where neither says."""
    specs = [spec for feature in features for spec in _specs(feature, target)]
    python = choose_python(specs, target.python) or target.python
    return (
        target
        if python == target.python
        else target._replace(python=python, python_from="the project")
    )


def _specs(feature: Feature, target: Target) -> Iterator[str]:
    entries = ((selector, "python", spec) for selector, spec in feature.pythons)
    yield from for_target(entries, target).get("python", [])

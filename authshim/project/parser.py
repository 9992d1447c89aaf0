"""The tables of pixi's manifest that say where packages come from.

1. ``[workspace.pypi-options]`` (the older ``[project]``) is the base that always applies.
2. The root's ``[pypi-options]`` and ``[pypi-dependencies]`` are the feature "default".
3. An environment has its own inline feature first, then those that it lists, in order, then
   "default" unless it says ``no-default-feature``.
4. A feature without ``channels`` brings the workspace's.
5. In a pyproject.toml each optional dependency and each dependency group is a feature as well.

The rules are those of pixi's crate pixi_manifest. What it refuses is a ``TableError`` here, as far as
it matters to where packages come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import UrlError
from authshim.project.auxiliary import build_channels, pypi_maps
from authshim.project.model import DEFAULT, MODES, STRATEGIES, Feature, Options, Project
from authshim.project.repositories import Channel, Index, channel, file_url
from authshim.project.requirements import from_table, of_groups
from authshim.project.toml import Table, TableError, as_table, choice, get, location, strings
from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.requirements import RawRequirement


def read(document: Table, folder: str, *, pyproject: bool) -> Project:
    """Read the document of a pixi.toml or a pyproject.toml that lies in ``folder``.

    :raises TableError: pixi would refuse it.
    """
    root = ("tool", "pixi") if pyproject else ()
    pixi = document
    for name in root:
        pixi = get(pixi, name, dict, root[: root.index(name)])
    groups = of_groups(document) if pyproject else {}
    required = (
        get(get(document, "project", dict, ()), "requires-python", str, ("project",))
        if pyproject
        else ""
    )
    return _Reader(folder, root, groups, required).project(pixi)


class _Reader:
    """Reads tables; ``where`` is a table's place, as a tuple of names."""

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
        name = "workspace" if "workspace" in pixi or "project" not in pixi else "project"
        if name not in pixi:
            raise TableError(
                f"there is no {location((*self._root, name))} table; a package's manifest "
                "needs the one of its workspace, in a folder above"
            )
        where = (*self._root, name)
        workspace = get(pixi, name, dict, self._root)
        self._channels = self._channels_of(workspace, where)
        features = {group: self._feature(group, {}, ()) for group in self._groups if group}
        features[DEFAULT] = self._feature(DEFAULT, {**pixi, "channels": None}, self._root)
        for feature, table in get(pixi, "feature", dict, self._root).items():
            place = (*self._root, "feature")
            features[feature] = self._feature(
                feature, as_table(table, (*place, feature)), (*place, feature)
            )
        platforms = _platforms(workspace, where) or ()
        environments = self._environments(pixi, features)
        if _size(environments) * max(1, len(platforms)) > _MANY:
            raise TableError(
                f"its environments come to more than {_MANY} indexes, channels and packages"
            )
        return Project(
            self._options(workspace, where),
            platforms,
            environments,
            build_channels(pixi, self._root, self._folder),
            pypi_maps(workspace, where),
        )

    def _environments(
        self, pixi: Table, features: dict[str, Feature]
    ) -> dict[str, tuple[Feature, ...]]:
        written = get(pixi, "environments", dict, self._root)
        return {
            name: self._environment(name, written.get(name, []), features)
            for name in (DEFAULT, *written)
        }

    def _environment(
        self, name: str, value: Any, features: dict[str, Feature]
    ) -> tuple[Feature, ...]:
        where = (*self._root, "environments", name)
        if not isinstance(value, (list, dict)):
            raise TableError(
                f"{location(where[:-1], name)}: expected a list of features, or a table"
            )
        table = {"features": value} if isinstance(value, list) else value
        inline = table.keys() - {"features", "solve-group", "no-default-feature"}
        found = [self._feature(f"environments.{name}", table, where)] if inline else []
        listed = strings(table, "features", where)
        if not get(table, "no-default-feature", bool, where) and DEFAULT not in listed:
            listed.append(DEFAULT)
        if len(set(listed)) < len(listed):
            raise TableError(f"{location(where[:-1], name)}: a feature is listed twice")
        for feature in listed:
            if feature not in features:
                raise TableError(
                    f"{location(where[:-1], name)}: there is no feature {shorten(feature)!r}"
                )
            found.append(features[feature])
        _must_agree(name, found)
        return tuple(found)

    def _feature(self, name: str, table: Table, where: tuple[str, ...]) -> Feature:
        grouped = self._groups.get("" if name == DEFAULT else name, ())
        requirements, pythons = [*grouped], []
        for selector, part, place in _parts(table, where):
            dependencies = get(part, "pypi-dependencies", dict, place)
            requirements += from_table(dependencies, (*place, "pypi-dependencies"), selector)
            pythons += [
                (selector, spec) for spec in _python(get(part, "dependencies", dict, place))
            ]
        if (
            name == DEFAULT
            and self._requires_python
            and not any(selector == "" for selector, _ in pythons)
        ):
            pythons.append(("", self._requires_python))
        return Feature(
            name,
            self._channels_of(table, where),
            self._options(table, where),
            tuple(requirements),
            _platforms(table, where),
            tuple(pythons),
        )

    def _channels_of(self, table: Table, where: tuple[str, ...]) -> tuple[tuple[int, Channel], ...]:
        if table.get("channels") is None:
            return self._channels
        return tuple(
            self._channel(entry, location(where, "channels"))
            for entry in get(table, "channels", list, where)
        )

    def _options(self, table: Table, where: tuple[str, ...]) -> Options:
        options = get(table, "pypi-options", dict, where)
        where = (*where, "pypi-options")
        key = "index-url"
        index = _index(options[key], location(where, key)) if key in options else None
        extra = get(options, "extra-index-urls", list, where)
        links = get(options, "find-links", list, where)
        return Options(
            index,
            tuple(_index(_url(entry), location(where, "extra-index-urls")) for entry in extra),
            tuple(self._links(entry, location(where, "find-links")) for entry in links),
            choice(options, "index-strategy", STRATEGIES, where),
            choice(options, "prerelease-mode", MODES, where),
            tuple(
                key
                for key in _IGNORED
                if (options if key in _IGNORED_OPTIONS else table).get(key) not in _UNSAID
            ),
        )

    def _links(self, entry: Any, place: str) -> Index:
        if not isinstance(entry, dict) or len(entry.keys() & {"url", "path"}) != 1:
            raise TableError(f"{place}: expected tables with a url or a path")
        if "url" in entry:
            return _index(entry["url"], place, flat=True)
        if not isinstance(entry["path"], str):
            raise TableError(f"{place}: expected text as the path")
        return _index(file_url(entry["path"], self._folder), place, flat=True)

    def _channel(self, entry: Any, place: str) -> tuple[int, Channel]:
        name, priority = (
            (entry.get("channel"), entry.get("priority", 0))
            if isinstance(entry, dict)
            else (entry, 0)
        )
        if not isinstance(name, str):
            raise TableError(f"{place}: expected names or URLs, or tables with a channel")
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise TableError(f"{place}: expected a whole number as the priority")
        try:
            return priority, channel(name, self._folder)
        except UrlError as error:
            raise TableError(f"{place}: {error}") from None


_MANY = 1_000_000
"""What all environments have, on all platforms: each of it is looked at once, and a million takes a minute."""


def _size(environments: Mapping[str, tuple[Feature, ...]]) -> int:
    options = [
        (feature, feature.options) for features in environments.values() for feature in features
    ]
    return sum(
        len(one.channels) + len(one.requirements) + len(its.extra) + len(its.flat)
        for one, its in options
    )


def _index(entry: Any, place: str, *, flat: bool = False) -> Index:
    if not isinstance(entry, str):
        raise TableError(f"{place}: expected a URL")
    try:
        return Index(entry.strip(" "), flat=flat)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


_IGNORED_OPTIONS = ("no-build", "no-binary", "dependency-overrides")
_IGNORED = ("exclude-newer", "pypi-exclude-newer", "solve-strategy", *_IGNORED_OPTIONS)
_UNSAID: tuple[Any, ...] = (None, False, [], "highest")


def _url(entry: Any) -> Any:
    """Return the URL of an entry that may be a table, as newer versions of pixi take it."""
    return entry.get("url") if isinstance(entry, dict) else entry


def _parts(table: Table, where: tuple[str, ...]) -> Iterator[tuple[str, Table, tuple[str, ...]]]:
    """Yield a feature's own table and those of its targets: selector, table and place."""
    yield "", table, where
    for selector, value in get(table, "target", dict, where).items():
        place = (*where, "target", selector)
        yield selector, as_table(value, place), place


def _python(dependencies: Table) -> list[str]:
    """Return conda's version spec of ``python``, where there is one."""
    spec = dependencies.get("python", "")
    version = spec.get("version", "*") if isinstance(spec, dict) else spec
    return [version] if isinstance(version, str) and version else []


def _platforms(table: Table, where: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the platforms that a table names, as conda calls them; None where it names none."""
    if "platforms" not in table:
        return None
    entries = get(table, "platforms", list, where)
    names: list[Any] = [
        entry.get("platform", entry.get("name")) if isinstance(entry, dict) else entry
        for entry in entries
    ]
    if not all(isinstance(name, str) for name in names):
        raise TableError(
            f"{location(where, 'platforms')}: expected names, or tables with a platform"
        )
    return tuple(dict.fromkeys(names))


_SINGLE = {
    "index_url": "index-urls",
    "index_strategy": "index-strategies",
    "prerelease_mode": "prerelease-modes",
}


def _must_agree(environment: str, features: list[Feature]) -> None:
    """pixi takes two features that say the same of what can be said once only, but not two that differ."""
    for field, keys in _SINGLE.items():
        named = [
            (feature.name, value)
            for feature in features
            if (value := getattr(feature.options, field))
        ]
        for name, value in named[1:]:
            first, other = named[0]
            if value != other or getattr(value, "password", None) != getattr(
                other, "password", None
            ):
                raise TableError(
                    f"in the environment {shorten(environment)!r} the features {shorten(first)!r} and "
                    f"{shorten(name)!r} "
                    f"name different {keys} in their pypi-options"
                )

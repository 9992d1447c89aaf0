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

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.errors import UrlError
from authshim.places import Channel, Index, channel, file_url

if TYPE_CHECKING:
    from collections.abc import Iterable

Table = dict[str, Any]
DEFAULT = "default"


class TableError(Exception):
    """What pixi would refuse; the message names table and key, and shows URLs redacted."""


class Options(NamedTuple):
    """What one ``pypi-options`` table says of indexes."""

    index_url: Index | None
    extra: tuple[Index, ...]
    flat: tuple[Index, ...]


class Feature(NamedTuple):
    """What a feature brings to the environments that have it; channels with their priority."""

    name: str
    channels: tuple[tuple[int, Channel], ...]
    options: Options
    packages: tuple[str, ...]


class Project(NamedTuple):
    """A manifest, read: the base, and each environment's features, "default" first."""

    base: Options
    environments: dict[str, tuple[Feature, ...]]


def read(document: Table, folder: str, *, pyproject: bool) -> Project:
    """Read the document of a pixi.toml or a pyproject.toml that lies in ``folder``.

    :raises TableError: pixi would refuse it.
    """
    root = ("tool", "pixi") if pyproject else ()
    pixi = document
    for name in root:
        pixi = _typed(pixi, name, dict, root[: root.index(name)])
    return _Reader(folder, root, _groups(document) if pyproject else {}).project(pixi)


class _Reader:
    """Reads tables; ``where`` is a table's place, as a tuple of names."""

    def __init__(self, folder: str, root: tuple[str, ...], groups: dict[str, tuple[str, ...]]) -> None:
        self._folder = folder
        self._root = root
        self._groups = groups
        self._channels: tuple[tuple[int, Channel], ...] = ()

    def project(self, pixi: Table) -> Project:
        name = "workspace" if "workspace" in pixi or "project" not in pixi else "project"
        if name not in pixi:
            raise TableError(
                f"there is no {_said((*self._root, name))} table; a package's manifest "
                "needs the one of its workspace, in a folder above"
            )
        where = (*self._root, name)
        workspace = _typed(pixi, name, dict, self._root)
        self._channels = self._feature(name, workspace, where).channels
        features = {group: self._feature(group, {}, ()) for group in self._groups if group}
        features[DEFAULT] = self._feature(DEFAULT, {**pixi, "channels": None}, self._root)
        for feature, table in _typed(pixi, "feature", dict, self._root).items():
            place = (*self._root, "feature")
            features[feature] = self._feature(feature, _table(table, (*place, feature)), (*place, feature))
        return Project(self._options(workspace, where), self._environments(pixi, features))

    def _environments(self, pixi: Table, features: dict[str, Feature]) -> dict[str, tuple[Feature, ...]]:
        written = _typed(pixi, "environments", dict, self._root)
        return {name: self._environment(name, written.get(name, []), features) for name in (DEFAULT, *written)}

    def _environment(self, name: str, value: Any, features: dict[str, Feature]) -> tuple[Feature, ...]:
        where = (*self._root, "environments", name)
        if not isinstance(value, (list, dict)):
            raise TableError(f"{_said(where[:-1], name)}: expected a list of features, or a table")
        table = {"features": value} if isinstance(value, list) else value
        inline = table.keys() - {"features", "solve-group", "no-default-feature"}
        found = [self._feature(f"environments.{name}", table, where)] if inline else []
        listed = _texts(table, "features", where)
        if not _typed(table, "no-default-feature", bool, where) and DEFAULT not in listed:
            listed.append(DEFAULT)
        if len(set(listed)) < len(listed):
            raise TableError(f"{_said(where[:-1], name)}: a feature is listed twice")
        for feature in listed:
            if feature not in features:
                raise TableError(f"{_said(where[:-1], name)}: there is no feature {feature!r}")
            found.append(features[feature])
        _must_agree(name, found)
        return tuple(found)

    def _feature(self, name: str, table: Table, where: tuple[str, ...]) -> Feature:
        channels = self._channels
        if table.get("channels") is not None:
            entries = _typed(table, "channels", list, where)
            channels = tuple(self._channel(entry, _said(where, "channels")) for entry in entries)
        written = _typed(table, "pypi-dependencies", dict, where)
        packages = [package for package, spec in written.items() if _is_from_an_index(spec)]
        grouped = self._groups.get("" if name == DEFAULT else name, ())
        return Feature(name, channels, self._options(table, where), _normalised([*packages, *grouped]))

    def _options(self, table: Table, where: tuple[str, ...]) -> Options:
        options = _typed(table, "pypi-options", dict, where)
        where = (*where, "pypi-options")
        key = "index-url"
        index = _index(options[key], _said(where, key)) if key in options else None
        extra = _typed(options, "extra-index-urls", list, where)
        links = _typed(options, "find-links", list, where)
        return Options(
            index,
            tuple(_index(entry, _said(where, "extra-index-urls")) for entry in extra),
            tuple(self._links(entry, _said(where, "find-links")) for entry in links),
        )

    def _links(self, entry: Any, said: str) -> Index:
        if not isinstance(entry, dict) or len(entry.keys() & {"url", "path"}) != 1:
            raise TableError(f"{said}: expected tables with a url or a path")
        if "url" in entry:
            return _index(entry["url"], said, flat=True)
        if not isinstance(entry["path"], str):
            raise TableError(f"{said}: expected text as the path")
        return _index(file_url(entry["path"], self._folder), said, flat=True)

    def _channel(self, entry: Any, said: str) -> tuple[int, Channel]:
        name, priority = (entry.get("channel"), entry.get("priority", 0)) if isinstance(entry, dict) else (entry, 0)
        if not isinstance(name, str):
            raise TableError(f"{said}: expected names or URLs, or tables with a channel")
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise TableError(f"{said}: expected a whole number as the priority")
        try:
            return priority, channel(name, self._folder)
        except UrlError as error:
            raise TableError(f"{said}: {error}") from None


def _index(entry: Any, said: str, *, flat: bool = False) -> Index:
    if not isinstance(entry, str):
        raise TableError(f"{said}: expected a URL")
    try:
        return Index(entry.strip(" "), flat=flat)
    except UrlError as error:
        raise TableError(f"{said}: {error}") from None


def _must_agree(environment: str, features: list[Feature]) -> None:
    """pixi takes two features that name the same ``index-url``, but not two that differ."""
    named = [(feature.name, feature.options.index_url) for feature in features if feature.options.index_url]
    for name, index in named[1:]:
        first, other = named[0]
        if index != other or index.password != other.password:
            raise TableError(
                f"in the environment {environment!r} the features {first!r} and {name!r} "
                "name different index-urls in their pypi-options"
            )


_EXPECTED = {dict: "a table", list: "a list", str: "text", bool: "true or false"}


def _typed(table: Table, key: str, kind: Any, where: tuple[str, ...]) -> Any:
    """Return a value, empty where there is none."""
    value = table.get(key, kind())
    if not isinstance(value, kind):
        said = _said((*where, key)) if kind is dict else _said(where, key)
        raise TableError(f"{said}: expected {_EXPECTED[kind]}")
    return value


def _table(value: Any, where: tuple[str, ...]) -> Table:
    return _typed({where[-1]: value}, where[-1], dict, where[:-1])  # type: ignore[no-any-return]


def _texts(table: Table, key: str, where: tuple[str, ...]) -> list[str]:
    values = _typed(table, key, list, where)
    if not all(isinstance(value, str) for value in values):
        raise TableError(f"{_said(where, key)}: expected a list of text")
    return list(values)


def _said(where: tuple[str, ...], key: str = "") -> str:
    return " ".join(part for part in (f"[{'.'.join(where)}]" if where else "", key) if part)


def _groups(document: Table) -> dict[str, tuple[str, ...]]:
    """Return the requirements of a pyproject.toml by pixi's feature; those of the project under ""."""
    project = _typed(document, "project", dict, ())
    found = {"": _typed(project, "dependencies", list, ("project",))}
    for table in (_typed(project, "optional-dependencies", dict, ("project",)), document.get("dependency-groups")):
        for name, entries in (table if isinstance(table, dict) else {}).items():
            # pixi names them with dashes where an environment is made of them.
            for spelled in (name, name.replace("_", "-")):
                found[spelled] = [*found.get(spelled, []), *(entries if isinstance(entries, list) else [])]
    own = _normalised([str(project.get("name"))])
    return {name: tuple(n for n in _required(entries) if n not in own) for name, entries in found.items()}


_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\]\s*)?(@?)")


def _required(entries: Iterable[Any]) -> tuple[str, ...]:
    """Return the names in requirements (PEP 508) that are not a direct reference."""
    found = [_REQUIREMENT.match(entry) for entry in entries if isinstance(entry, str)]
    return _normalised(match.group(1) for match in found if match and not match.group(2))


def _is_from_an_index(spec: Any) -> bool:
    return not (isinstance(spec, dict) and spec.keys() & {"path", "git", "url"})


def _normalised(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.sub(r"[-_.]+", "-", name).lower() for name in names))

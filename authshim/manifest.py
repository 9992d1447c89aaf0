"""The project's own file: which indexes and channels it declares, as pixi reads it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from authshim.errors import ManifestError
from authshim.files import read_toml
from authshim.misplaced import warnings_of
from authshim.places import Channel, Index, Place
from authshim.tables import DEFAULT, Feature, Project, Table, TableError, read

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Channel", "Index", "Manifest"]

P = TypeVar("P", bound=Place)

PYPI = Index("https://pypi.org/simple")
"""pixi's index where a project names none."""

_NAMES = ("pixi.toml", "pyproject.toml", "mojoproject.toml")
"""pixi's manifests, in the order in which it looks for them in a folder."""


class Manifest:
    """A project's pixi.toml, or the ``[tool.pixi]`` of its pyproject.toml.

    It is pickled as its path, and read again where it lands.
    """

    __slots__ = ("_project", "folder", "path", "warnings")

    def __init__(self, path: str, project: Project, warnings: Iterable[str] = ()) -> None:
        self.path = path
        """Absolute."""
        self.folder = os.path.dirname(path)
        self.warnings = tuple(warnings)
        """Options that stand where pixi does not read them, and their right place."""
        self._project = project

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Manifest:
        """Read a manifest.

        :param path: a pixi.toml, a pyproject.toml, or a folder: its pixi.toml, else its
            pyproject.toml that has ``[tool.pixi]``. Folders above are not searched.
        :raises ManifestError: it is not there or cannot be read, or pixi would refuse it.
        """
        try:
            absolute = os.path.abspath(os.fspath(path))
        except OSError:
            raise ManifestError(os.fspath(path), "the current folder is not there") from None
        found = _load(absolute)
        # Raised here, where no frame holds what the file holds.
        if isinstance(found, ManifestError):
            raise found
        return found

    @staticmethod
    def is_in(folder: str) -> bool:
        """Tell whether a folder has a project's manifest, and not only that of a package in it.

        A pyproject.toml counts with ``[tool.pixi]``, and what cannot be read counts as well.
        """
        chosen = _choose(folder)
        return chosen is not None and _is_project(*chosen)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, "default" first."""
        return tuple(self._project.environments)

    def indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the package indexes of an environment.

        In the order in which pixi hands them to its resolver: ``extra-index-urls``, those of
        the workspace first; ``index-url``, a feature's before the workspace's, or
        https://pypi.org/simple; then the flat pages of ``find-links``.

        :param environment: None: those of all environments, without duplicates.
        :raises ManifestError: there is no such environment.
        """
        return _unique(index for features in self._chosen(environment) for index in self._indexes(features))

    def channels(self, environment: str | None = DEFAULT) -> tuple[Channel, ...]:
        """List the conda channels of an environment, the highest priority first.

        :param environment: None: those of all environments, without duplicates.
        :raises ManifestError: there is no such environment.
        """
        return _unique(channel for features in self._chosen(environment) for channel in _channels(features))

    def pypi_dependencies(self, environment: str | None = DEFAULT) -> tuple[str, ...]:
        """List the packages (PEP 503 names) that an environment takes from an index.

        Those of ``target`` tables are left out, and those with a path, a URL or a repository.

        :raises ManifestError: there is no such environment.
        """
        chosen = self._chosen(environment)
        return tuple(dict.fromkeys(name for features in chosen for feature in features for name in feature.packages))

    def _chosen(self, environment: str | None) -> list[tuple[Feature, ...]]:
        environments = self._project.environments
        if environment is None:
            return [*environments.values()]
        if environment not in environments:
            raise ManifestError(self.path, f"there is no environment {environment!r}; it has {', '.join(environments)}")
        return [environments[environment]]

    def _indexes(self, features: tuple[Feature, ...]) -> list[Index]:
        options = [self._project.base, *(feature.options for feature in features)]
        # The features agree on theirs, so the last that is named is a feature's, or the base's.
        named = [its.index_url for its in options if its.index_url]
        extra = [index for its in options for index in its.extra]
        return [*extra, named[-1] if named else PYPI, *(index for its in options for index in its.flat)]

    def __repr__(self) -> str:
        return f"Manifest({self.path!r})"

    def __reduce__(self) -> Any:
        return Manifest.load, (self.path,)


def _channels(features: tuple[Feature, ...]) -> list[Channel]:
    entries = [entry for feature in features for entry in feature.channels]
    return [channel for _, channel in sorted(entries, key=lambda entry: -entry[0])]


def _unique(places: Iterable[P]) -> tuple[P, ...]:
    # Equal places may differ in their passwords; pixi has them both then.
    return tuple({(place, place.password): place for place in places}.values())


def _load(path: str) -> Manifest | ManifestError:
    """Return a manifest, or what is wrong with it: an exception's frames would hold its URLs."""
    if not os.path.isdir(path):
        return _read(path, read_toml(path))
    chosen = _choose(path)
    if chosen is None:
        return ManifestError(path, "there is no pixi.toml here, and no pyproject.toml with [tool.pixi]")
    return _read(*chosen)


def _choose(folder: str) -> tuple[str, Table | str] | None:
    """Return the manifest of a folder and what was read of it; None where there is none."""
    for name in _NAMES:
        file = os.path.join(folder, name)
        document = read_toml(file)
        if document is not None and (name != "pyproject.toml" or _has_pixi(document)):
            return file, document
    return None


def _is_project(file: str, document: Table | str) -> bool:
    if isinstance(document, str):
        return True
    pixi = document["tool"]["pixi"] if os.path.basename(file) == "pyproject.toml" else document
    return not isinstance(pixi, dict) or bool(pixi.keys() & {"workspace", "project"})


def _has_pixi(document: Table | str) -> bool:
    """A pyproject.toml that cannot be read may have the table, and is told of."""
    tool = {} if isinstance(document, str) else document.get("tool")
    return isinstance(document, str) or (isinstance(tool, dict) and "pixi" in tool)


def _read(path: str, document: Table | str | None) -> Manifest | ManifestError:
    name = os.path.basename(path)
    if document is None:
        return ManifestError(path, "there is no such file")
    if name not in _NAMES:
        return ManifestError(path, "expected a file named pixi.toml or pyproject.toml, or the folder of one")
    if isinstance(document, str):
        return ManifestError(path, document)
    pyproject = name == "pyproject.toml"
    if pyproject and not _has_pixi(document):
        return ManifestError(path, "there is no [tool.pixi] table")
    try:
        project = read(document, os.path.dirname(path), pyproject=pyproject)
    except TableError as error:
        return ManifestError(path, str(error))
    return Manifest(path, project, (f"{path}: {said}" for said in warnings_of(document, pyproject=pyproject)))

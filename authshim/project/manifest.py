"""The project's own file: which indexes and channels it declares, as pixi reads it."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from authshim.errors import ManifestError
from authshim.files import read_toml
from authshim.project.lint import warnings_of
from authshim.project.model import DEFAULT, MODES, STRATEGIES
from authshim.project.parser import read
from authshim.project.repositories import Channel, Index, Repository
from authshim.project.requirements import Dependency
from authshim.project.toml import Table, TableError
from authshim.redact import shorten
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.project.model import Feature, Project
    from authshim.project.requirements import RawRequirement
    from authshim.project.target import Target

__all__ = ["Channel", "Dependency", "Index", "Manifest"]

P = TypeVar("P", bound=Repository)

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
        return _unique(
            index
            for features in self._chosen(environment)
            for index in self._project.indexes(features)
        )

    def own_indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the indexes that only single packages of an environment come from, by their own ``index``.

        :raises ManifestError: there is no such environment.
        """
        known = self.indexes(environment)
        named = (requirement.own_index for requirement in self.requirements(environment))
        return _unique(index for index in named if index and index not in known)

    def channels(self, environment: str | None = DEFAULT) -> tuple[Channel, ...]:
        """List the conda channels of an environment, the highest priority first.

        :param environment: None: those of all environments, without duplicates.
        :raises ManifestError: there is no such environment.
        """
        return _unique(
            channel
            for features in self._chosen(environment)
            for channel in self._project.channels(features)
        )

    def build_channels(self) -> tuple[Channel, ...]:
        """Return the channels from which pixi installs the build backends, without duplicates."""
        return _unique(self._project.build_channels)

    def pypi_maps(self) -> tuple[Repository, ...]:
        """Return the URLs of ``conda-pypi-map``, without duplicates."""
        return _unique(self._project.pypi_maps)

    def dependencies(self, environment: str | None = DEFAULT) -> tuple[Dependency, ...]:
        """List the packages of PyPI's kind that an environment wants, on each platform that it is for.

        Those of the manifest and its targets, and of a pyproject.toml's ``[project]`` and groups; a package that
        is wanted otherwise on another platform comes once more.

        :param environment: None: those of all environments, without duplicates.
        :raises ManifestError: there is no such environment, or pixi would refuse a requirement.
        """
        found = _dependencies(self._project, self._chosen(environment))
        # Raised here, where no frame holds what the file holds.
        if isinstance(found, str):
            raise ManifestError(self.path, found)
        return found

    def requirements(self, environment: str | None = DEFAULT) -> tuple[RawRequirement, ...]:
        """List the entries that ``dependencies`` are made of, as they were read: for any machine, right or wrong.

        :raises ManifestError: there is no such environment.
        """
        return tuple(
            requirement
            for features in self._chosen(environment)
            for feature in features
            for requirement in feature.requirements
        )

    def index_strategy(self, environment: str = DEFAULT) -> str:
        """Return uv's word for which of several indexes serves a package."""
        (features,) = self._chosen(environment)
        return str(self._project.single(features, "index_strategy") or STRATEGIES[0])

    def prerelease_mode(self, environment: str = DEFAULT) -> str:
        """Return uv's word for which versions before a release count."""
        (features,) = self._chosen(environment)
        return str(self._project.single(features, "prerelease_mode") or MODES[0])

    def ignored_options(self, environment: str = DEFAULT) -> tuple[str, ...]:
        """List the options of pixi that tell which version or file is taken and that nobody here follows."""
        (features,) = self._chosen(environment)
        return tuple(self._project.ignored_options(features))

    def target(self, environment: str = DEFAULT) -> Target:
        """Return what the packages of an environment are chosen for: this machine's platform, where it has that."""
        (features,) = self._chosen(environment)
        return self._project.targets(features)[0]

    def _chosen(self, environment: str | None) -> list[tuple[Feature, ...]]:
        environments = self._project.environments
        if environment is None:
            return [*environments.values()]
        if environment not in environments:
            raise ManifestError(
                self.path,
                f"there is no environment {environment!r}; it has {_listed(environments)}",
            )
        return [environments[environment]]

    def __repr__(self) -> str:
        return f"Manifest({self.path!r})"

    def __reduce__(self) -> Any:
        return Manifest.load, (self.path,)


def _dependencies(
    project: Project, environments: list[tuple[Feature, ...]]
) -> tuple[Dependency, ...] | str:
    """Return the dependencies of environments, or what is wrong with one."""
    try:
        found = [project.dependencies(features) for features in environments]
    except TableError as error:
        return str(error)
    return tuple(dict.fromkeys(dependency for one in found for dependency in one))


def _listed(names: Iterable[str]) -> str:
    first = [shorten(name) for name in islice(names, 21)]
    return ", ".join(first if len(first) < 21 else [*first[:20], "and more"])


def _unique(places: Iterable[P]) -> tuple[P, ...]:
    # Equal places may differ in their passwords; pixi has them both then.
    return tuple({(place, place.password): place for place in places}.values())


@clears_frames
def _load(path: str) -> Manifest | ManifestError:
    """Return a manifest, or what is wrong with it: an exception's frames would hold its URLs."""
    if not os.path.isdir(path):
        return _read(path, read_toml(path))
    chosen = _choose(path)
    if chosen is None:
        return ManifestError(
            path, "there is no pixi.toml here, and no pyproject.toml with [tool.pixi]"
        )
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
        return ManifestError(
            path, "expected a file named pixi.toml or pyproject.toml, or the folder of one"
        )
    if isinstance(document, str):
        return ManifestError(path, document)
    pyproject = name == "pyproject.toml"
    if pyproject and not _has_pixi(document):
        return ManifestError(path, "there is no [tool.pixi] table")
    try:
        project = read(document, os.path.dirname(path), pyproject=pyproject)
    except TableError as error:
        return ManifestError(path, str(error))
    return Manifest(
        path, project, (f"{path}: {said}" for said in warnings_of(document, pyproject=pyproject))
    )

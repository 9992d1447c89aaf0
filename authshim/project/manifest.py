"""The project's own file, which declares indexes and channels, as pixi reads it."""

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
"""pixi's manifests, in the order in which it searches a folder for them."""

MAX_NAMES = 20
"""The number of environments that a message lists."""


class Manifest:
    """A project's pixi.toml, or the ``[tool.pixi]`` of its pyproject.toml.

    Its pickle is the path, and unpickling reads the file again.
    """

    __slots__ = ("_project", "folder", "path", "warnings")

    def __init__(self, path: str, project: Project, warnings: Iterable[str] = ()) -> None:
        self.path = path
        """Absolute."""
        self.folder = os.path.dirname(path)
        self.warnings = tuple(warnings)
        """Sentences about options that pixi ignores in their table, with the right one."""
        self._project = project

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Manifest:
        """Read a manifest.

        :param path: a pixi.toml, a pyproject.toml, or a folder: its pixi.toml, else its
            pyproject.toml that has ``[tool.pixi]``. Folders above are not searched.
        :raises ManifestError: the file does not exist, cannot be read, or pixi would refuse it.
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
        """Return True if a folder has the manifest of a project, not of a package in a project.

        A pyproject.toml needs ``[tool.pixi]``. A file that cannot be read counts as a project's.
        """
        chosen = _choose(folder)
        return chosen is not None and _is_project(*chosen)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, "default" first."""
        return tuple(self._project.environments)

    def indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the package indexes of an environment, in the order of pixi's resolver.

        1. ``extra-index-urls``, first those of the workspace
        2. ``index-url`` of a feature, else of the workspace, else https://pypi.org/simple
        3. the flat pages of ``find-links``

        :param environment: None stands for all environments. Duplicates are left out.
        :raises ManifestError: there is no such environment.
        """
        return _unique(
            index
            for features in self._chosen(environment)
            for index in self._project.indexes(features)
        )

    def own_indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the indexes that only serve the packages that name them by ``index``.

        :raises ManifestError: there is no such environment.
        """
        known = self.indexes(environment)
        named = (requirement.own_index for requirement in self.requirements(environment))
        return _unique(index for index in named if index and index not in known)

    def channels(self, environment: str | None = DEFAULT) -> tuple[Channel, ...]:
        """List the conda channels of an environment, the highest priority first.

        :param environment: None stands for all environments. Duplicates are left out.
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
        """List the PyPI packages that an environment requires.

        They are declared in the manifest and its targets, and in the ``[project]`` and the groups
        of a pyproject.toml. A package is listed again if another platform requires it in another
        way.

        :param environment: None stands for all environments. Duplicates are left out.
        :raises ManifestError: there is no such environment, or pixi would refuse a requirement.
        """
        found = _dependencies(self._project, self._chosen(environment))
        # Raised here, where no frame holds what the file holds.
        if isinstance(found, str):
            raise ManifestError(self.path, found)
        return found

    def requirements(self, environment: str | None = DEFAULT) -> tuple[RawRequirement, ...]:
        """List the entries that ``dependencies`` combines, for every machine and unchecked.

        :raises ManifestError: there is no such environment.
        """
        found: list[RawRequirement] = []
        for features in self._chosen(environment):
            for feature in features:
                found += feature.requirements
        return tuple(found)

    def index_strategy(self, environment: str = DEFAULT) -> str:
        """Return the ``index-strategy``, or pixi's default."""
        (features,) = self._chosen(environment)
        return str(self._project.single(features, "index_strategy") or STRATEGIES[0])

    def prerelease_mode(self, environment: str = DEFAULT) -> str:
        """Return the ``prerelease-mode``, or pixi's default."""
        (features,) = self._chosen(environment)
        return str(self._project.single(features, "prerelease_mode") or MODES[0])

    def ignored_options(self, environment: str = DEFAULT) -> tuple[str, ...]:
        """List the options of pixi that choose versions or files and that authshim ignores."""
        (features,) = self._chosen(environment)
        return tuple(self._project.ignored_options(features))

    def target(self, environment: str = DEFAULT) -> Target:
        """Return the target of an environment, with this machine's platform if it has that one."""
        (features,) = self._chosen(environment)
        return self._project.targets(features)[0]

    def _chosen(self, environment: str | None) -> list[tuple[Feature, ...]]:
        environments = self._project.environments
        if environment is None:
            return [*environments.values()]
        if environment not in environments:
            names = _listed(environments)
            raise ManifestError(
                self.path, f"there is no environment {environment!r}; it has {names}"
            )
        return [environments[environment]]

    def __repr__(self) -> str:
        return f"Manifest({self.path!r})"

    def __reduce__(self) -> Any:
        return Manifest.load, (self.path,)


def _dependencies(
    project: Project,
    environments: list[tuple[Feature, ...]],
) -> tuple[Dependency, ...] | str:
    """Return the dependencies of all the environments, or the reason of an error."""
    found: dict[Dependency, None] = {}
    try:
        for features in environments:
            found.update(dict.fromkeys(project.dependencies(features)))
    except TableError as error:
        return str(error)
    return tuple(found)


def _listed(names: Iterable[str]) -> str:
    """Return the names for a message, which shows at most 20."""
    shown = [shorten(name) for name in islice(names, MAX_NAMES + 1)]
    if len(shown) > MAX_NAMES:
        shown[MAX_NAMES] = "and more"
    return ", ".join(shown)


def _unique(repositories: Iterable[P]) -> tuple[P, ...]:
    # Equal repositories may have different passwords. pixi keeps both then.
    found = {}
    for repository in repositories:
        found[repository, repository.password] = repository
    return tuple(found.values())


@clears_frames
def _load(path: str) -> Manifest | ManifestError:
    """Return a manifest, or the error. The frames of a raised error would hold the URLs."""
    if not os.path.isdir(path):
        return _read(path, read_toml(path))
    chosen = _choose(path)
    if chosen is None:
        return ManifestError(
            path, "there is no pixi.toml here, and no pyproject.toml with [tool.pixi]"
        )
    return _read(*chosen)


def _choose(folder: str) -> tuple[str, Table | str] | None:
    """Return the path and the content of the manifest of a folder, or None."""
    for name in _NAMES:
        file = os.path.join(folder, name)
        document = read_toml(file)
        if document is not None and (name != "pyproject.toml" or _has_pixi(document)):
            return file, document
    return None


def _is_project(file: str, document: Table | str) -> bool:
    if isinstance(document, str):
        return True
    pixi: Any = document
    if os.path.basename(file) == "pyproject.toml":
        pixi = document["tool"]["pixi"]
    if not isinstance(pixi, dict):
        return True
    return "workspace" in pixi or "project" in pixi


def _has_pixi(document: Table | str) -> bool:
    """Return True if a pyproject.toml has ``[tool.pixi]``, or cannot be read."""
    if isinstance(document, str):
        return True
    tool = document.get("tool")
    return isinstance(tool, dict) and "pixi" in tool


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
    warnings = warnings_of(document, pyproject=pyproject)
    return Manifest(path, project, [f"{path}: {warning}" for warning in warnings])

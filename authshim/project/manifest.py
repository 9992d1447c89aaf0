"""The project's own file, which declares indexes and channels, as pixi reads it."""

from __future__ import annotations

import os
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from authshim.errors import ManifestError
from authshim.project import candidates, loading
from authshim.project.declaring import place_of, unique
from authshim.project.lines import Lines
from authshim.project.model import DEFAULT, MODES, STRATEGIES, dependencies_of
from authshim.project.repositories import Channel, Index, Repository
from authshim.project.requirements import Dependency
from authshim.redact import shorten
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.project.loading import Loaded
    from authshim.project.model import Features
    from authshim.project.requirements import RawRequirement
    from authshim.project.target import Target
    from authshim.urls.s3 import S3Options

__all__ = ["Channel", "Dependency", "Index", "Manifest"]

MAX_NAMES = 20
"""The number of environments that a message lists."""


class Manifest:
    """A project's file, or the user's configuration of pip and uv outside of projects.

    The file is a pixi.toml, the pyproject.toml of pixi, uv, poetry or pdm, a uv.toml, or a
    requirements file of pip. Its pickle is the path, and unpickling reads the file again.
    """

    __slots__ = ("_project", "folder", "other_tools", "path", "warnings")

    def __init__(self, loaded: Loaded) -> None:
        self.path = loaded.path
        """Absolute, or an empty string outside of projects."""
        self.folder = os.path.dirname(loaded.path)
        self.warnings = loaded.warnings
        """Sentences about options that the tool ignores in their table, with the right one."""
        self.other_tools = loaded.other_tools
        """The other tools that have a project in the folder."""
        self._project = loaded.project

    @classmethod
    @clears_frames
    def load(
        cls,
        path: str | os.PathLike[str],
        tool: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Read a project's file.

        :param path: the file, or its folder. Folders above are not searched.
        :param tool: one of "pixi", "uv", "poetry", "pdm" and "pip". None stands for the first one
            that declares indexes there.
        :param environ: in place of ``os.environ``.
        :raises ManifestError: the file does not exist, cannot be read, or its tool would refuse it.
        """
        written = os.fspath(path)
        try:
            absolute = os.path.abspath(written)
        except OSError:
            raise ManifestError(written, "the current folder is not there") from None
        found = loading.load(absolute, tool, environ)
        # Raised here, where no frame holds what the file holds.
        if isinstance(found, ManifestError):
            raise found
        return cls(found)

    @classmethod
    @clears_frames
    def of_user(
        cls,
        tool: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Return the indexes that the user's configuration of pip and uv declares.

        :param tool: "pip" or "uv". None stands for both.
        :param environ: in place of ``os.environ``.
        :raises ManifestError: the other tools have no such configuration.
        """
        found = loading.load_user(tool, environ)
        if isinstance(found, ManifestError):
            raise found
        return cls(found)

    @staticmethod
    def is_in(folder: str, tool: str | None = None) -> bool:
        """Return True if a folder has a project, not only a package in a project of pixi.

        A file that cannot be read counts as a project's.

        :param tool: the only tool that counts, or None for all. A pyproject.toml is a project of
            uv, poetry, pdm and pip, even if they have no table in it.
        """
        for candidate in candidates.candidates(folder):
            counts = tool in (None, candidate.tool)
            if counts and candidates.is_project(candidate):
                return True
        if tool in (None, candidates.PIXI):
            return False
        return candidates.has_unmarked(folder, tool)

    @property
    def tool(self) -> str:
        """Return the tool whose project it is. Outside of projects it may be "pip and uv"."""
        return self._project.tool

    @property
    def keyring_provider(self) -> str:
        """Return the ``keyring-provider`` of uv or pip, or an empty string if nothing sets it."""
        return self._project.keyring_provider

    @property
    def pixi_folder(self) -> str | None:
        """Return the folder of pixi's project, or None for a project of another tool."""
        if self.tool == candidates.PIXI:
            return self.folder
        return None

    def place(self, repository: Repository) -> str:
        """Return the declaration of an index or channel, as ``FILE:LINE`` or a variable.

        It is "the default" if nobody declares it.
        """
        (place,) = self.places([repository])
        return place

    def places(self, repositories: Iterable[Repository]) -> list[str]:
        """Return the declarations of indexes and channels; see ``place``."""
        lines = Lines(self.path)
        return [place_of(repository, lines) for repository in repositories]

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, "default" first."""
        return tuple(self._project.environments)

    def indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the package indexes of an environment, in the order of the tool's resolver.

        That of pixi is:

        1. ``extra-index-urls``, first those of the workspace
        2. ``index-url`` of a feature, else of the workspace, else https://pypi.org/simple
        3. the flat pages of ``find-links``

        :param environment: None stands for all environments. Duplicates are left out.
        :raises ManifestError: there is no such environment.
        """
        chosen = self._chosen(environment)
        # One after another: 1,000 environments of 1,000 channels are a million.
        lists = map(self._project.indexes, chosen)
        return unique(chain.from_iterable(lists))

    def own_indexes(self, environment: str | None = DEFAULT) -> tuple[Index, ...]:
        """List the indexes that only serve the packages that name them by ``index``.

        :raises ManifestError: there is no such environment.
        """
        known = set(self.indexes(environment))
        found = []
        for requirement in self.requirements(environment):
            index = requirement.own_index
            if index is not None and index not in known:
                found.append(index)
        found += [index for index in self._project.explicit if index not in known]
        return unique(found)

    def channels(self, environment: str | None = DEFAULT) -> tuple[Channel, ...]:
        """List the conda channels of an environment, the highest priority first.

        :param environment: None stands for all environments. Duplicates are left out.
        :raises ManifestError: there is no such environment.
        """
        chosen = self._chosen(environment)
        lists = map(self._project.channels, chosen)
        return unique(chain.from_iterable(lists))

    def platforms(self, environment: str | None = DEFAULT) -> tuple[str, ...]:
        """List the platforms of an environment, or of all environments for None.

        :raises ManifestError: there is no such environment.
        """
        found: dict[str, None] = {}
        for features in self._chosen(environment):
            platforms = self._project.platforms_of(features)
            found.update(dict.fromkeys(platforms))
        return tuple(found)

    def build_channels(self) -> tuple[Channel, ...]:
        """Return the channels from which pixi installs the build backends, without duplicates."""
        return unique(self._project.build_channels)

    def pypi_maps(self) -> tuple[Repository, ...]:
        """Return the URLs of ``conda-pypi-map``, without duplicates."""
        return unique(self._project.pypi_maps)

    def s3_options(self) -> tuple[S3Options, ...]:
        """Return the options of the buckets that the workspace declares."""
        found = []
        for options in self._project.s3_options:
            place = f"{options.place} in {self.path}"
            found.append(options._replace(place=place))
        return tuple(found)

    def dependencies(self, environment: str | None = DEFAULT) -> tuple[Dependency, ...]:
        """List the PyPI packages that an environment requires.

        They are declared in the manifest and its targets, and in the ``[project]`` and the groups
        of a pyproject.toml. A package is listed again if another platform requires it in another
        way.

        :param environment: None stands for all environments. Duplicates are left out.
        :raises ManifestError: there is no such environment, or pixi would refuse a requirement.
        """
        chosen = self._chosen(environment)
        found = dependencies_of(self._project, chosen)
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
        strategy = self._project.single(features, "index_strategy")
        return strategy or STRATEGIES[0]

    def prerelease_mode(self, environment: str = DEFAULT) -> str:
        """Return the ``prerelease-mode``, or pixi's default."""
        (features,) = self._chosen(environment)
        mode = self._project.single(features, "prerelease_mode")
        return mode or MODES[0]

    def ignored_options(self, environment: str = DEFAULT) -> tuple[str, ...]:
        """List the options of pixi that choose versions or files and that authshim ignores."""
        (features,) = self._chosen(environment)
        ignored = self._project.ignored_options(features)
        return tuple(ignored)

    def target(self, environment: str = DEFAULT) -> Target:
        """Return the target of an environment, with this machine's platform if it has that one."""
        (features,) = self._chosen(environment)
        first, *_ = self._project.targets(features)
        return first

    def _chosen(self, environment: str | None) -> list[Features]:
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
        if self.path:
            return Manifest.load, (self.path, self.tool)
        if self.tool not in candidates.TOOLS:
            return Manifest.of_user, ()
        return Manifest.of_user, (self.tool,)


def _listed(names: Iterable[str]) -> str:
    """Return the names for a message, which shows at most 20."""
    first = islice(names, MAX_NAMES + 1)
    shown = [shorten(name) for name in first]
    if len(shown) > MAX_NAMES:
        shown[MAX_NAMES] = "and more"
    return ", ".join(shown)

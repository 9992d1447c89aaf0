"""The content of a project's file, or of the user's configuration, read as its tool reads it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import ManifestError
from authshim.files import read_toml
from authshim.project import pdm, pip, poetry, uv, uv_sources
from authshim.project.candidates import (
    PIXI,
    PYPROJECT,
    TOOLS,
    Candidate,
    has_pixi,
    in_file,
    in_folder,
)
from authshim.project.declaring import DeclaredIndexes, is_default, project_of
from authshim.project.lint import warnings_of
from authshim.project.parser import read
from authshim.project.pyproject_groups import read_groups
from authshim.project.requirements_file import RequirementsFile
from authshim.project.toml import Table, TableError, get
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authshim.project.model import Project
    from authshim.project.requirements import RawRequirement


class Loaded(NamedTuple):
    """A project that was read."""

    path: str
    project: Project
    warnings: tuple[str, ...] = ()
    other_tools: tuple[str, ...] = ()
    """The other tools that have a project in the folder."""


class _Reader(NamedTuple):
    """The functions of one tool that read a folder and a pyproject.toml."""

    read_project: Callable[[str, Mapping[str, str]], DeclaredIndexes]
    requirements_of: Callable[[Table, DeclaredIndexes], tuple[RawRequirement, ...]]


_READERS = {
    "uv": _Reader(uv.read_project, uv_sources.requirements_of),
    "poetry": _Reader(poetry.read_project, poetry.requirements_of),
    "pdm": _Reader(pdm.read_project, pdm.requirements_of),
}
"""The readers of the tools that have a table of their name in a pyproject.toml."""


@clears_frames
def load(path: str, tool: str | None, environ: Mapping[str, str]) -> Loaded | ManifestError:
    """Return a project, or the error. The frames of a raised error would hold the URLs.

    :param path: absolute, of a file or a folder.
    :param tool: the tool to take, or None for the first that declares an index.
    """
    if tool is not None and tool not in TOOLS:
        return ManifestError(path, f"expected a tool of {', '.join(TOOLS)}, not {tool!r}")
    others: list[Candidate] = []
    try:
        if os.path.isdir(path):
            found, *others = in_folder(path, tool)
        else:
            found = in_file(path, tool)
    except TableError as error:
        return ManifestError(path, str(error))
    loaded = _read(found, environ)
    if isinstance(loaded, ManifestError):
        return loaded
    return loaded._replace(other_tools=tuple(each.tool for each in others))


@clears_frames
def load_user(tool: str | None, environ: Mapping[str, str]) -> Loaded | ManifestError:
    """Return the indexes of the user's configuration of pip and uv, or the error.

    :param tool: "pip", "uv", or None for both.
    """
    if tool not in (None, "pip", "uv"):
        return ManifestError(os.curdir, f"there is no project of {tool} here or above")
    try:
        project, problems = _read_user(tool, environ)
    except TableError as error:
        return ManifestError("the environment", str(error))
    return Loaded("", project, problems)


def _read(found: Candidate, environ: Mapping[str, str]) -> Loaded | ManifestError:
    path, document = found.path, found.document
    try:
        if found.tool != PIXI:
            return Loaded(path, *_read_tool(found.tool, path, environ))
        if document is None:
            return ManifestError(path, "there is no such file")
        if isinstance(document, str):
            return ManifestError(path, document)
        return _read_pixi(path, document)
    except TableError as error:
        return ManifestError(path, str(error).removeprefix(f"{path}: "))


def _read_pixi(path: str, document: Table) -> Loaded:
    pyproject = os.path.basename(path) == PYPROJECT
    if pyproject and not has_pixi(document):
        raise TableError("there is no [tool.pixi] table")
    project = read(document, os.path.dirname(path), pyproject=pyproject)
    warnings = warnings_of(document, pyproject=pyproject)
    return Loaded(path, project, tuple(f"{path}: {warning}" for warning in warnings))


def _read_tool(tool: str, path: str, environ: Mapping[str, str]) -> tuple[Project, tuple[str, ...]]:
    """Return the project of uv, poetry, pdm or pip at a path, and sentences about problems.

    :raises TableError: the tool would refuse a value of the project's file.
    """
    if tool == "pip":
        return _read_pip(path, environ)
    document = read_toml(path)
    if isinstance(document, str):
        raise TableError(document)
    reader = _READERS[tool]
    declared = reader.read_project(os.path.dirname(path), environ)
    if os.path.basename(path) != PYPROJECT:
        document = {}
    requirements = reader.requirements_of(document or {}, declared)
    python = get(get(document or {}, "project", dict, ()), "requires-python", str, ("project",))
    return project_of(tool, declared, requirements, python), declared.problems


def _read_pip(path: str, environ: Mapping[str, str]) -> tuple[Project, tuple[str, ...]]:
    search, problems = pip.read_configuration(environ)
    if os.path.basename(path) == PYPROJECT:
        document = read_toml(path)
        if not isinstance(document, dict):
            document = {}
        requirements = read_groups(document).get("", ())
        return project_of("pip", search.declared(), requirements), problems
    file = RequirementsFile(path, search, environ)
    declared = file.search.declared()
    return project_of("pip", declared, file.requirements), (*problems, *file.problems)


def _read_user(tool: str | None, environ: Mapping[str, str]) -> tuple[Project, tuple[str, ...]]:
    readers = {"pip": pip.read_user, "uv": uv.read_user}
    found = {name: read(environ) for name, read in readers.items() if tool in (None, name)}
    declaring = {name: each for name, each in found.items() if not each.is_empty} or found
    problems = tuple(problem for each in found.values() for problem in each.problems)
    if len(declaring) == 1:
        ((name, declared),) = declaring.items()
        return project_of(name, declared), problems
    return project_of(" and ".join(declaring), _together([*declaring.values()])), problems


def _together(declared: list[DeclaredIndexes]) -> DeclaredIndexes:
    """Return the indexes of several tools, without PyPI if nobody declares it."""
    searched = [index for each in declared for index in each.searched if not is_default(index)]
    flat = [index for each in declared for index in each.flat]
    explicit = [index for each in declared for index in each.explicit]
    return DeclaredIndexes(tuple(searched), tuple(flat), tuple(explicit))

"""The content of a project's file, or of the user's configuration, read as its tool reads it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import ManifestError
from authshim.project import pdm, pdm_requirements, pip, poetry, uv, uv_sources
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
from authshim.project.toml import Section, TableError
from authshim.secret import clears_frames
from authshim.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from authshim.project.model import Project
    from authshim.project.repositories import Index
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

    read_project: Callable[
        [str, Mapping[str, str]],
        DeclaredIndexes,
    ]
    requirements_of: Callable[
        [Section, DeclaredIndexes],
        tuple[RawRequirement, ...],
    ]


_READERS = {
    "uv": _Reader(
        uv.read_project,
        uv_sources.requirements_of,
    ),
    "poetry": _Reader(
        poetry.read_project,
        poetry.requirements_of,
    ),
    "pdm": _Reader(
        pdm.read_project,
        pdm_requirements.requirements_of,
    ),
}
"""The readers of the tools that have a table of their name in a pyproject.toml."""


@clears_frames
def load(
    path: str,
    tool: str | None,
    environ: Mapping[str, str] | None,
) -> Loaded | ManifestError:
    """Return a project, or the error. The frames of a raised error would hold the URLs.

    :param path: absolute, of a file or a folder.
    :param tool: the tool to take, or None for the first that declares an index.
    :param environ: in place of ``os.environ``.
    """
    if tool is not None and tool not in TOOLS:
        listed = ", ".join(TOOLS)
        return ManifestError(path, f"expected a tool of {listed}, not {tool!r}")
    if environ is None:
        environ = os.environ
    try:
        found, *others = _candidates(path, tool)
    except TableError as error:
        return ManifestError(path, str(error))
    loaded = _read(found, environ)
    if isinstance(loaded, ManifestError):
        return loaded
    other_tools = [candidate.tool for candidate in others]
    return loaded._replace(other_tools=tuple(other_tools))


def _candidates(path: str, tool: str | None) -> list[Candidate]:
    """List the projects of a file or a folder, the one to take first."""
    if os.path.isdir(path):
        return in_folder(path, tool)
    candidate = in_file(path, tool)
    return [candidate]


@clears_frames
def load_user(
    tool: str | None,
    environ: Mapping[str, str] | None,
) -> Loaded | ManifestError:
    """Return the indexes of the user's configuration of pip and uv, or the error.

    :param tool: "pip", "uv", or None for both.
    :param environ: in place of ``os.environ``.
    """
    if environ is None:
        environ = os.environ
    if tool not in (None, "pip", "uv"):
        return ManifestError(os.curdir, f"there is no project of {tool} here or above")
    try:
        return _read_user(tool, environ)
    except TableError as error:
        return ManifestError(error.place or "the environment", error.reason)


def _read(
    found: Candidate,
    environ: Mapping[str, str],
) -> Loaded | ManifestError:
    path = found.path
    document = found.document
    try:
        if found.tool == "pip":
            return _read_pip(path, environ)
        if found.tool != PIXI:
            return _read_tool(found.tool, path, environ)
        if document is None:
            return ManifestError(path, "there is no such file")
        if isinstance(document, str):
            return ManifestError(path, document)
        return _read_pixi(path, Section(document))
    except TableError as error:
        return ManifestError(error.place or path, error.reason)


def _read_pixi(path: str, document: Section) -> Loaded:
    pyproject = os.path.basename(path) == PYPROJECT
    if pyproject and not has_pixi(document.table):
        raise TableError("there is no [tool.pixi] table")
    folder = os.path.dirname(path)
    project = read(document, folder, pyproject=pyproject)
    warnings = warnings_of(document.table, pyproject=pyproject)
    located = [f"{path}: {warning}" for warning in warnings]
    return Loaded(path, project, tuple(located))


def _read_tool(
    tool: str,
    path: str,
    environ: Mapping[str, str],
) -> Loaded:
    """Return the project of uv, poetry or pdm at a path.

    :raises TableError: the tool would refuse a value of the project's file.
    """
    content = read_toml(path)
    if isinstance(content, str):
        raise TableError(content)
    folder, name = os.path.split(path)
    reader = _READERS[tool]
    declared = reader.read_project(folder, environ)
    document = Section({})
    if content is not None and name == PYPROJECT:
        document = Section(content)
    requirements = reader.requirements_of(document, declared)
    python = document.section("project").text("requires-python")
    project = project_of(
        tool,
        declared,
        requirements,
        requires_python=python,
    )
    return Loaded(path, project, declared.problems)


def _read_pip(
    path: str,
    environ: Mapping[str, str],
) -> Loaded:
    """Return pip's project in a pyproject.toml or requirements file."""
    search, problems = pip.read_configuration(environ)
    requirements: Iterable[RawRequirement]
    if os.path.basename(path) == PYPROJECT:
        requirements = _own_requirements(path)
    else:
        file = RequirementsFile(path, search, environ)
        requirements = file.requirements
        search = file.search
        problems = (*problems, *file.problems)
    declared = search.declared()
    project = project_of("pip", declared, requirements)
    return Loaded(path, project, problems)


def _own_requirements(path: str) -> tuple[RawRequirement, ...]:
    """Return the requirements of the project of a pyproject.toml, without extras and groups."""
    document = read_toml(path)
    if not isinstance(document, dict):
        return ()
    groups = read_groups(Section(document))
    return groups[""]


def _read_user(
    tool: str | None,
    environ: Mapping[str, str],
) -> Loaded:
    """Return the indexes that pip and uv are configured with."""
    found = {}
    if tool in (None, "pip"):
        found["pip"] = pip.read_user(environ)
    if tool in (None, "uv"):
        found["uv"] = uv.read_user(environ)
    problems: list[str] = []
    declaring = {}
    for name, declared in found.items():
        problems += declared.problems
        if not declared.is_empty:
            declaring[name] = declared
    if not declaring:
        declaring = found
    names = " and ".join(declaring)
    merged = _merged([*declaring.values()])
    project = project_of(names, merged)
    return Loaded("", project, tuple(problems))


def _merged(declared: list[DeclaredIndexes]) -> DeclaredIndexes:
    """Return the indexes of several tools, without PyPI if nobody declares it."""
    if len(declared) == 1:
        return declared[0]
    searched: list[Index] = []
    flat: list[Index] = []
    explicit: list[Index] = []
    for each in declared:
        searched += [index for index in each.searched if not is_default(index)]
        flat += each.flat
        explicit += each.explicit
    return DeclaredIndexes(
        tuple(searched),
        tuple(flat),
        tuple(explicit),
    )

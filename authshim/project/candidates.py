"""The tools whose projects are read, and the choice between those of one folder.

1. A pixi.toml or mojoproject.toml is pixi's project, whatever else stands beside it.
2. Of the tools in a pyproject.toml the first one that declares an index is taken, else the first.
   pixi counts as declaring one if it has an index option or a channel by its URL.
3. A requirements.txt is pip's project if no other tool has one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.project.toml import Table, TableError
from authshim.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

PIXI = "pixi"

TOOLS = (
    PIXI,
    "uv",
    "poetry",
    "pdm",
    "pip",
)
"""The names of the tools, in the order in which they are taken."""

PIXI_FILES = (
    "pixi.toml",
    "pyproject.toml",
    "mojoproject.toml",
)
"""pixi's manifests, in the order in which it searches a folder for them."""

REQUIREMENTS = "requirements.txt"

PYPROJECT = "pyproject.toml"

_DECLARING = {
    "uv": (
        "index",
        "index-url",
        "extra-index-url",
        "find-links",
    ),
    "poetry": ("source",),
    "pdm": ("source",),
}
"""The keys of each tool's table that declare indexes."""

_MARKS = {
    "uv": ("uv.toml", "uv.lock"),
    "poetry": ("poetry.lock",),
    "pdm": ("pdm.lock",),
}
"""The files that make a pyproject.toml the project of a tool without a table in it."""


class Candidate(NamedTuple):
    """A tool that has a project in a folder."""

    tool: str
    path: str
    document: Table | str | None = None
    """The content of a TOML file, or the reason for which it cannot be read."""

    @property
    def declares_index(self) -> bool:
        """Return True if the file declares an index, or is of one tool only."""
        if os.path.basename(self.path) != PYPROJECT:
            return True
        if not isinstance(self.document, dict):
            return True
        tools = self.document.get("tool", {})
        table = tools.get(self.tool, {})
        if self.tool == PIXI:
            return _pixi_declares(table)
        if not isinstance(table, dict):
            return False
        keys = _DECLARING[self.tool]
        return any(key in table for key in keys)


def in_file(path: str, tool: str | None) -> Candidate:
    """Return the tool whose project a file is.

    :param tool: the only tool that counts, or None for all.
    :raises TableError: it is no project's file, or that of another tool.
    """
    name = os.path.basename(path)
    if name == PYPROJECT:
        return _in_pyproject(path, tool)
    owner = _owner(name)
    if not owner and not os.path.exists(path):
        raise TableError("there is no such file or folder")
    if not owner:
        raise TableError(
            "expected a file named pixi.toml, pyproject.toml, uv.toml or requirements.txt, "
            "or the folder of one"
        )
    if tool not in (None, owner):
        raise TableError(f"it is a file of {owner}, not of {tool}")
    if owner == PIXI:
        return Candidate(owner, path, read_toml(path))
    return Candidate(owner, path)


def _owner(name: str) -> str:
    """Return the only tool that reads a file of some name, or an empty string."""
    if name in PIXI_FILES:
        return PIXI
    if name == "uv.toml":
        return "uv"
    if name.endswith((".txt", ".in")):
        return "pip"
    return ""


def _in_pyproject(path: str, tool: str | None) -> Candidate:
    document = read_toml(path)
    if tool is not None or not isinstance(document, dict):
        return Candidate(tool or PIXI, path, document)
    folder = os.path.dirname(path)
    for candidate in candidates(folder):
        if candidate.path == path:
            return candidate
    raise TableError(
        "there is no [tool.pixi], [tool.uv], [tool.poetry] or [tool.pdm] table; "
        "name a tool (--tool NAME)"
    )


def in_folder(folder: str, tool: str | None) -> list[Candidate]:
    """List the tools that have a project in a folder, the one to take first.

    :param tool: the tool to take, or None for the first that declares an index.
    :raises TableError: there is no project.
    """
    found = candidates(folder)
    if tool is None:
        if found:
            return found
        raise TableError("there is no project of pixi, uv, poetry, pdm or pip here")
    own = []
    others = []
    for candidate in found:
        if candidate.tool == tool:
            own.append(candidate)
        else:
            others.append(candidate)
    if not own:
        unmarked = _unmarked(folder, tool)
        own.append(unmarked)
    return [*own, *others]


def has_unmarked(folder: str, tool: str | None) -> bool:
    """Return True if a folder has a file that is a project of any tool but pixi."""
    names: tuple[str, ...] = (PYPROJECT,)
    if tool == "pip":
        names = (PYPROJECT, REQUIREMENTS)
    return _has_file(folder, names)


def _unmarked(folder: str, tool: str) -> Candidate:
    """Return a pyproject.toml or requirements.txt as the project of a tool that was named.

    :raises TableError: there is no such file.
    """
    path = os.path.join(folder, PYPROJECT)
    requirements = os.path.join(folder, REQUIREMENTS)
    if tool == "pip" and os.path.isfile(requirements):
        return Candidate(tool, requirements)
    if os.path.isfile(path):
        return Candidate(tool, path, read_toml(path))
    raise TableError(f"there is no project of {tool} here")


def candidates(folder: str) -> list[Candidate]:
    """List the tools that have a project in a folder, the one to take first."""
    found = [*_with_tables(folder)]
    requirements = os.path.join(folder, REQUIREMENTS)
    if not found and os.path.isfile(requirements):
        found = [Candidate("pip", requirements)]
    found.sort(key=_rank)
    return found


def _rank(candidate: Candidate) -> tuple[bool, bool]:
    """Return a value that is smaller for a candidate that is taken before another one."""
    return not is_project(candidate), not candidate.declares_index


def _with_tables(folder: str) -> Iterator[Candidate]:
    """Yield the tools with a TOML file or a table in the pyproject.toml."""
    pixi = _pixi_candidate(folder)
    if pixi is not None:
        yield pixi
    path = os.path.join(folder, PYPROJECT)
    document = read_toml(path)
    if not isinstance(document, dict):
        uv_toml = os.path.join(folder, "uv.toml")
        if os.path.isfile(uv_toml):
            yield Candidate("uv", uv_toml)
        return
    for tool, marks in _MARKS.items():
        if has_table(document, tool) or _has_file(folder, marks):
            yield Candidate(tool, path, document)


def _has_file(folder: str, names: tuple[str, ...]) -> bool:
    paths = [os.path.join(folder, name) for name in names]
    return any(map(os.path.isfile, paths))


def _pixi_candidate(folder: str) -> Candidate | None:
    for name in PIXI_FILES:
        path = os.path.join(folder, name)
        document = read_toml(path)
        if document is None:
            continue
        if name != PYPROJECT or has_pixi(document):
            return Candidate(PIXI, path, document)
    return None


def has_pixi(document: Table | str) -> bool:
    """Return True if a pyproject.toml has ``[tool.pixi]``, or cannot be read."""
    if isinstance(document, str):
        return True
    return has_table(document, PIXI)


def has_table(document: Table, tool: str) -> bool:
    """Return True if a pyproject.toml has a table of a tool."""
    tables = document.get("tool")
    return isinstance(tables, dict) and tool in tables


def _pixi_declares(pixi: Any) -> bool:
    """Return True if pixi's table has an index option, or a channel by its URL."""
    if not isinstance(pixi, dict):
        return True
    return any(_is_declaration(key, value) for key, value in _items(pixi))


def _items(table: Table) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a table and of the tables in it."""
    tables = [table]
    while tables:
        last = tables.pop()
        for key, value in last.items():
            yield key, value
            if isinstance(value, dict):
                tables.append(value)


def _is_declaration(key: str, value: Any) -> bool:
    if key == "channels":
        return "://" in str(value)
    return key in ("index-url", "extra-index-urls", "find-links")


def is_project(found: Candidate) -> bool:
    """Return True unless it is the manifest of a package in a project of pixi."""
    if found.tool != PIXI:
        return True
    pixi: Any = found.document
    if not isinstance(pixi, dict):
        return True
    name = os.path.basename(found.path)
    if name == PYPROJECT:
        pixi = pixi["tool"]["pixi"]
    if not isinstance(pixi, dict):
        return True
    return "workspace" in pixi or "project" in pixi

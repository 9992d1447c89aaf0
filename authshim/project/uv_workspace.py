"""The workspace of uv that a project is a member of."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import Any

from authshim.toml_file import read_toml


def workspace_root(folder: str) -> str:
    """Return the folder of the workspace that has a folder as a member, or the folder itself."""
    above = folder
    while not _is_workspace(above, folder):
        parent = os.path.dirname(above)
        if above == parent:
            return folder
        above = parent
    return above


def _is_workspace(above: str, folder: str) -> bool:
    """Return True if a folder has a workspace with another one as a member."""
    pyproject = os.path.join(above, "pyproject.toml")
    document = read_toml(pyproject)
    if not isinstance(document, dict):
        return False
    workspace: Any = document
    for key in ("tool", "uv", "workspace"):
        workspace = workspace.get(key)
        if not isinstance(workspace, dict):
            return False
    if above == folder:
        return True
    relative = os.path.relpath(folder, above)
    path = relative.replace(os.sep, "/")
    if _matches(path, workspace.get("exclude")):
        return False
    return _matches(path, workspace.get("members"))


def _matches(path: str, patterns: Any) -> bool:
    """Return True if a relative path matches one of the patterns, in which * matches no slash."""
    if not isinstance(patterns, list):
        return False
    names = path.split("/")
    for pattern in patterns:
        without_slashes = str(pattern).strip("/")
        relative = without_slashes.removeprefix("./")
        parts = relative.split("/")
        if len(parts) != len(names):
            continue
        if all(map(fnmatchcase, names, parts)):
            return True
    return False

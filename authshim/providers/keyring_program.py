"""The path of the ``keyring`` command."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.base import KEYRING_COMMAND

if TYPE_CHECKING:
    from collections.abc import Sequence


def find_program(command: Sequence[str], path: str) -> list[str]:
    """Return the words of a command with the path of its program in place of the first.

    :param command: without words ``keyring`` is searched on the path, then beside this Python.
    :param path: the folders to search, as in PATH.
    :raises ProviderMissing: there is no such program.
    :raises ProviderError: the program is relative to the current folder.
    """
    first, *rest = command or ("keyring",)
    has_folder = os.path.dirname(first) != ""
    if has_folder and not os.path.isabs(first):
        raise ProviderError(
            KEYRING_COMMAND,
            f"{first} is relative to the current folder: give its whole path",
        )
    folders = path.split(os.pathsep)
    if has_folder:
        folders = [os.path.dirname(first)]
    elif not command:
        beside_python = os.path.dirname(sys.executable or "")
        folders.append(beside_python)
    found = which(first, folders)
    if found is not None:
        return [found, *rest]
    if command:
        reason = f"{first} is no program that can be run: give its whole path"
    else:
        reason = "keyring is neither on PATH nor beside this Python: pipx install keyring"
    raise ProviderMissing(KEYRING_COMMAND, reason)


def which(
    name: str,
    folders: Sequence[str],
    *,
    windows: bool = os.name == "nt",
) -> str | None:
    """Return the path of a program, or None. The current folder is never searched.

    Windows passes the arguments of a batch file to a shell, so only an ``.exe`` counts there.
    """
    if windows and not name.lower().endswith(".exe"):
        name += ".exe"
    for folder in folders:
        if not os.path.isabs(folder):
            continue
        # Given a bare name, shutil.which searches the current folder of Windows first.
        path = os.path.join(folder, name)
        found = shutil.which(path)
        if found:
            return found
    return None

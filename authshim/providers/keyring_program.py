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
    if not command:
        return [_find_keyring(path)]
    first, *rest = command
    folder = os.path.dirname(first)
    if folder and not os.path.isabs(first):
        raise ProviderError(
            KEYRING_COMMAND,
            f"{first} is relative to the current folder: give its whole path",
        )
    folders = path.split(os.pathsep)
    if folder:
        folders = [folder]
    found = which(first, folders)
    if found is None:
        raise ProviderMissing(
            KEYRING_COMMAND,
            f"{first} is no program that can be run: give its whole path",
        )
    return [found, *rest]


def _find_keyring(path: str) -> str:
    """Return the ``keyring`` of PATH, else the one beside this Python.

    :raises ProviderMissing: there is none.
    """
    folders = path.split(os.pathsep)
    beside_python = os.path.dirname(sys.executable or "")
    folders.append(beside_python)
    found = which("keyring", folders)
    if found is None:
        raise ProviderMissing(
            KEYRING_COMMAND,
            "keyring is neither on PATH nor beside this Python: pipx install keyring",
        )
    return found


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

"""Write the ``keyring`` that ``authshim run`` puts first on a child's PATH into a folder."""

from __future__ import annotations

import os
import sys

from authshim.integrations import SCRIPT

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from authshim.integrations.keyring_command import main
sys.exit(main(sys.argv[1:]))
"""

_POSIX = """\
#!/bin/sh
exec {python} -I -S {script} "$@"
"""

_WINDOWS = """\
@"{python}" -I -S "{script}" %*
"""


def write(
    folder: str,
    *,
    windows: bool = os.name == "nt",
    launcher: str | None = None,
) -> str:
    """Write a look-alike into a folder and return the path of its program.

    :param launcher: Windows' own ``authshim.exe``, which is copied, since uv finds no ``.cmd``.
    """
    script = os.path.join(folder, SCRIPT)
    _write_text(script, _PROGRAM.format(path=_import_path()))
    if not windows:
        return _write_shell_script(folder, script)
    if launcher is None:
        program = os.path.join(folder, "keyring.cmd")
        text = _WINDOWS.format(python=sys.executable, script=script)
        _write_text(program, text)
        return program
    import shutil

    program = os.path.join(folder, "keyring.exe")
    shutil.copyfile(launcher, program)
    return program


def _write_shell_script(folder: str, script: str) -> str:
    """Write a program that runs a script of Python, and return its path."""
    import shlex

    program = os.path.join(folder, "keyring")
    text = _POSIX.format(
        python=shlex.quote(sys.executable),
        script=shlex.quote(script),
    )
    _write_text(program, text)
    os.chmod(program, 0o700)
    return program


def _import_path() -> list[str]:
    """Return the folders that this process imports from, without the current one.

    The program runs isolated: no variable of the child and no folder of its project has a say.
    """
    integrations = os.path.dirname(os.path.abspath(__file__))
    package = os.path.dirname(integrations)
    folders = {os.path.dirname(package): None}
    for folder in sys.path:
        if os.path.isabs(folder) and not _is_current(folder):
            folders[folder] = None
    return list(folders)


def _is_current(folder: str) -> bool:
    try:
        return os.path.samefile(folder, os.curdir)
    except OSError:
        return False


def _write_text(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)

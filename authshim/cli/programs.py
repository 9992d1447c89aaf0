"""The programs of this machine: their paths, their output and the packages beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Callable

from authshim.cli.keyring_state import why_backend_is_off
from authshim.integrations import SCRIPT
from authshim.providers import child_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Optional

    from authshim.providers.child_process import Result

    Packages = dict[str, Optional[str]]
    """The versions of packages by their names, and the folder of their scripts."""

MAX_PROGRAM_SECONDS = 30.0
"""The time that a program has to tell its version or a setting."""

_PROBE = """\
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import json, sysconfig
from importlib import metadata
found = {"scripts": sysconfig.get_path("scripts")}
for name in (sys.argv[1], "keyring", "authshim"):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


class InstalledPrograms:
    """The environment that programs are looked for and started in."""

    def __init__(
        self,
        environ: Mapping[str, str],
        run: Callable[..., Result] = child_process.run,
    ) -> None:
        self.environ = environ
        self._run = run

    def which(
        self,
        name: str,
        *,
        without: str = "",
    ) -> str | None:
        """Return the path of a program on PATH.

        :param without: a folder to pass over.
        """
        path = self.environ.get("PATH", os.defpath)
        if without:
            folders = path.split(os.pathsep)
            kept = [folder for folder in folders if not _is_same(folder, without)]
            path = os.pathsep.join(kept)
        return shutil.which(name, path=path)

    def output(self, words: Sequence[str]) -> str:
        """Return the standard output of a program, or an empty string if it fails."""
        result = self._run(
            words,
            environ=self.environ,
            deadline=MAX_PROGRAM_SECONDS,
        )
        return result.text

    def packages(self, program: str, name: str) -> Packages:
        """Return the versions of a package, keyring and authshim in a program's environment."""
        python = interpreter_of(program)
        if python is None:
            return {}
        answer = self.output([python, "-c", _PROBE, name])
        try:
            found: Packages = json.loads(answer)
        except ValueError:
            return {}
        return found

    def why_keyring_does_not_ask(self, *, without: str = "") -> str:
        """Return why the ``keyring`` on PATH does not ask authshim, or an empty string."""
        program = self.which("keyring", without=without)
        if program is None and without:
            return "there is no other keyring on PATH"
        if program is None:
            return "there is no keyring on PATH"
        folder = os.path.dirname(program)
        look_alike = os.path.join(folder, SCRIPT)
        if os.path.exists(look_alike):
            return ""
        if not self.packages(program, "keyring").get("authshim"):
            return f"{program} has no authshim beside it"
        return why_backend_is_off(self.environ)


def interpreter_of(program: str) -> str | None:
    """Return the Python that a script runs, as its first lines tell."""
    try:
        with open(program, "rb") as file:
            head = file.read(2048).decode("utf-8", "replace")
    except OSError:
        return None
    first, _, rest = head.partition("\n")
    if not first.startswith("#!"):
        return None
    # A path that is too long for the system stands in the second line, behind sh.
    match = re.match(r"""'''exec' (?:"([^"]+)"|(\S+)) """, rest)
    python = first[2:].strip()
    if match is not None:
        python = match.group(1) or match.group(2)
    if "python" not in os.path.basename(python):
        return None
    return python


def _is_same(folder: str, other: str) -> bool:
    try:
        return os.path.samefile(folder, other)
    except OSError:
        return False

"""``keyring`` commands that count how often they are run: a fake one, and the real one."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.recording import Secret

_COUNTING = """\
#!/bin/sh
echo "$*" >> {calls}
exec {command} "$@"
"""

_FAKE = """\
import json, sys
found = json.load(open(sys.argv[1])).get(sys.argv[7])
print(json.dumps(found)) if found else sys.exit(1)
"""


class Keyring:
    """A ``keyring`` in a folder of its own, to be put on PATH."""

    def __init__(self, folder: Path, held: Mapping[str, Secret] | None = None) -> None:
        """Take what a fake one answers for each URL; None runs the real command of this Python."""
        self.folder = folder
        self._calls = folder / "calls"
        self._calls.touch()
        self._answers = folder / "answers.json"
        if held is None:
            command = [str(Path(sys.executable).with_name("keyring"))]
        else:
            self.hold(held)
            command = [sys.executable, "-SE", "-c", _FAKE, str(self._answers)]
        program = folder / "keyring"
        program.write_text(
            _COUNTING.format(calls=shlex.quote(str(self._calls)), command=shlex.join(command))
        )
        program.chmod(0o755)

    def hold(self, held: Mapping[str, Secret]) -> None:
        """Let the fake one answer otherwise from now on."""
        answers = {
            url: {"username": secret.username, "password": secret.value}
            for url, secret in held.items()
        }
        self._answers.write_text(json.dumps(answers))

    @property
    def calls(self) -> list[str]:
        """The arguments of each process."""
        return self._calls.read_text().splitlines()


def needs_backend(module: str, package: str) -> None:
    """Ask for a back end that ``tox -e replay`` installs."""
    try:
        found = find_spec(module)
    except ModuleNotFoundError:  # not even the package that it is in
        found = None
    if found is None:
        needs.missing(f"no {package} here: tox -e replay")


def elsewhere(package: str) -> str:
    """Return the folder in which ``tox -e replay`` installs a package that must stand alone."""
    folder = Path(sys.prefix, package)
    return str(folder) if folder.is_dir() else needs.missing(f"no {package} here: tox -e replay")

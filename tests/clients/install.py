"""Install each client into an environment of its own: ``python tests/clients/install.py FOLDER``.

A client that cannot be installed is named, and its row of the matrix tells so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

UV = [sys.executable, "-m", "uv"]

BESIDE = {
    "pip": ["pip"],
    "twine": ["twine"],
    "poetry": ["poetry"],
    "pdm": ["pdm", "hishel < 2"],
    "hatch": ["hatch"],
    "keyring": ["keyring"],
    "dask": ["distributed"],
}
"""Environments that have authshim beside the client; pdm 2.29 does not start with hishel 2."""

ALONE = {"plain": ["pip"], "uv": ["uv"], "alone": ["keyring"]}
"""Environments that have not."""


def main(folder: Path, wheel: str) -> int:
    """Make the environments, several at the same time; ``wheel`` is that of authshim."""
    wanted = {name: [*packages, wheel] for name, packages in BESIDE.items()} | ALONE
    with ThreadPoolExecutor() as pool:
        folders = [folder / name for name in wanted]
        made = pool.map(install, folders, wanted.values())
        failed = [name for name, is_made in zip(wanted, made) if not is_made]
    for name in failed:
        sys.stdout.write(f"{name} cannot be installed here\n")
    return 0


def install(folder: Path, packages: list[str]) -> bool:
    """Make one environment, and return True if it has the packages."""
    make = [*UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)]
    fill = [
        *UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(folder / "bin" / "python"),
        *packages,
    ]
    return all(subprocess.run(words, check=False).returncode == 0 for words in (make, fill))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), os.environ["TOX_PACKAGE"]))

"""Install each client into an environment of its own: ``python tests/clients/install.py FOLDER WHEEL``.

A client that cannot be installed is named, and its row of the matrix tells so.
"""

from __future__ import annotations

import subprocess
import sys
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


def main(folder: Path, authshim: str) -> int:
    """Make the environments."""
    failed = [
        name
        for name, packages in BESIDE.items()
        if not install(folder / name, [*packages, authshim])
    ]
    failed += [name for name, packages in ALONE.items() if not install(folder / name, packages)]
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
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))

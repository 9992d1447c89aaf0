"""Put the programs that the pages install into the cache of uv: ``python tests/pages/install.py FOLDER``.

pipx and ``uv tool`` then take them from there, without a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SETS = (
    ("keyring", "authshim"),
    ("poetry", "authshim"),
    # As in tests/clients/install.py.
    ("pdm", "hishel<2", "authshim"),
    ("hatch", "authshim"),
    ("keyring", "keyrings.artifacts"),
    ("keyring", "keyrings.google-artifactregistry-auth"),
    ("keyring", "keyrings.codeartifact"),
)
"""The packages that the pages put into one environment."""


def main(folder: Path, wheel: Path) -> int:
    """Install each set of packages, several at the same time, and return 0."""

    def install(number: int) -> None:
        place = str(folder / str(number))
        _uv("venv", "--clear", "--python", sys.executable, place)
        _uv("pip", "install", "--find-links", str(wheel.parent), "--python", place, *SETS[number])

    with ThreadPoolExecutor() as pool:
        list(pool.map(install, range(len(SETS))))
    return 0


def _uv(*words: str) -> None:
    subprocess.run(["uv", *words, "--quiet"], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(os.environ["TOX_PACKAGE"])))

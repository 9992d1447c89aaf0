"""Put the programs that the pages install into the cache of uv.

``python tests/pages/install.py FOLDER`` does it. pipx and ``uv tool`` then take them from there,
without a network.
"""

from __future__ import annotations

import os
import shutil
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

CARRIER = "conda-lock == 4.*"
"""The package that has a copy of conda 24.7. conda itself is not on PyPI."""
NEEDS = (
    *("archspec", "boltons", "conda-package-handling", "distro", "frozendict", "packaging"),
    *("platformdirs", "pluggy", "requests", "ruamel.yaml", "tqdm"),
)
"""The packages that conda imports."""
COPIED_AS = "conda_lock._vendor."
"""The prefix of conda in a few imports of that copy."""
PROGRAM = """\
#!{python}
import sys
from conda.cli.main import main
sys.exit(main())
"""


def main(folder: Path, wheel: Path) -> int:
    """Install each set of packages and conda, several at the same time, and return 0."""

    def install(number: int) -> None:
        _make(folder / str(number), wheel, *SETS[number])

    with ThreadPoolExecutor() as pool:
        conda = pool.submit(_install_conda, folder, wheel)
        list(pool.map(install, range(len(SETS))))
        conda.result()
    return 0


def _make(place: Path, wheel: Path, *packages: str) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(place))
    _uv("pip", "install", "--find-links", str(wheel.parent), "--python", str(place), *packages)


def _install_conda(folder: Path, wheel: Path) -> None:
    """Install conda and what authshim needs, but not authshim: the page does that."""
    place = folder / "conda"
    carrier = folder / "carrier"
    _make(place, wheel, "authshim", *NEEDS)
    _uv("pip", "uninstall", "--python", str(place), "authshim")
    shutil.rmtree(carrier, ignore_errors=True)
    _uv("pip", "install", "--no-deps", "--target", str(carrier), CARRIER)
    (packages,) = place.glob("lib/python*/site-packages")
    conda = packages / "conda"
    shutil.move(carrier / "conda_lock" / "_vendor" / "conda", conda)
    for file in conda.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if COPIED_AS in text:
            file.write_text(text.replace(COPIED_AS, ""), encoding="utf-8")
    program = folder / "bin" / "conda"
    program.parent.mkdir(exist_ok=True)
    python = (place / "bin" / "python").absolute()
    program.write_text(PROGRAM.format(python=python), encoding="utf-8")
    program.chmod(0o755)


def _uv(*words: str) -> None:
    subprocess.run(["uv", *words, "--quiet"], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(os.environ["TOX_PACKAGE"])))

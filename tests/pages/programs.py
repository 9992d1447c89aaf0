"""The packages that the pages install: ``install.py`` has put them into the cache of uv."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import needs

if TYPE_CHECKING:
    from pathlib import Path

_ENVIRON = dict(os.environ)
"""Read before any test clears it. tox has the path of the project's own wheel in TOX_PACKAGE."""


class Store(NamedTuple):
    """The packages that an offline pipx, uv or pip finds."""

    cache: str
    """The cache of uv."""
    wheels: str
    """A folder with the project's own wheel."""
    conda: str
    """The folder of the program ``conda``."""

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which pipx and uv take packages from here only, and pip authshim."""
        links = {"PIP_FIND_LINKS": self.wheels, "UV_FIND_LINKS": self.wheels}
        return {"UV_CACHE_DIR": self.cache, "UV_OFFLINE": "1", **links}


def store(folder: Path) -> Store:
    """Copy the project's wheel into a folder, and return the store."""
    wheel = _ENVIRON.get("TOX_PACKAGE") or needs.missing("tox -e docs builds the wheel")
    shutil.copy(wheel, folder)
    words = ["uv", "cache", "dir"]
    cache = subprocess.run(words, env=_ENVIRON, check=True, capture_output=True, text=True)
    conda = os.path.join(_ENVIRON["PAGES_PROGRAMS"], "bin")
    return Store(cache.stdout.strip(), str(folder), conda)

"""Build the conda recipe with rattler-build, and run its tests: ``python tests/recipe.py FOLDER``.

The machines of CI do not reach conda-forge. So the packages that the recipe needs come from a
channel in a folder: ``python`` is a virtual environment of the one on PATH, one package has all
files from PyPI, and the other packages only have a name, a version and a dependency on that one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from rattler_build import Stage0Recipe, ToolConfiguration, assemble_package
from rattler_build.progress import SimpleProgressCallback

RECIPE = Path(__file__).parents[1] / "docs" / "recipe.yaml"
HOST = ("pip", "setuptools")
"""The packages that pip needs to build ours."""
FILES = "files-from-pypi"
"""The package that has the files of all the others."""


def main(folder: Path) -> int:
    """Make the channel, build the recipe, and return 0."""
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["RATTLER_CACHE_DIR"] = str(folder / "cache")
    recipe = Stage0Recipe.from_file(RECIPE)
    channel = Channel(folder / "channel")
    python = str(recipe.context["python_min"])
    _add_python(channel, python, folder / "python")
    _add_packages(channel, python, folder / "packages", _needed(recipe))
    recipe.run_build(
        tool_config=ToolConfiguration(test_strategy="native"),
        output_dir=folder / "built",
        channels=[channel.folder.as_uri()],
        progress_callback=SimpleProgressCallback(),
    )
    return 0


def _needed(recipe: Stage0Recipe) -> list[str]:
    """Return the packages of PyPI that the recipe needs at run time."""
    (variant,) = recipe.render()
    needed = variant.recipe.to_dict()["requirements"]["run"]
    return [each for each in needed if not each.startswith("python ")]


class Channel:
    """A channel in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: dict[str, dict[str, Any]] = {"linux-64": {}, "noarch": {}}

    def add(self, name: str, version: str, files: Path, *depends: str) -> None:
        """Make a package of the files in a folder, and list it in the index of the channel.

        A package without a dependency is the one of Python itself.
        """
        subdir = "noarch" if depends else "linux-64"
        noarch = {"noarch": "python"} if depends else {}
        made = assemble_package(
            name,
            version,
            subdir,
            "0",
            self.folder / subdir,
            files_dir=files,
            depends=depends,
            **noarch,
        )
        content = Path(made.path).read_bytes()
        self._records[subdir][Path(made.path).name] = {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": depends,
            "subdir": subdir,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            **noarch,
        }
        self._write_index(subdir)

    def _write_index(self, subdir: str) -> None:
        index = {"packages": {}, "packages.conda": self._records[subdir]}
        file = self.folder / subdir / "repodata.json"
        file.write_text(json.dumps(index), encoding="utf-8")


def _add_python(channel: Channel, version: str, folder: Path) -> None:
    """Add a package of Python, which is a virtual environment without its scripts."""
    _uv("venv", "--python", version, str(folder))
    for file in {*folder.glob("bin/*activate*"), *folder.glob("bin/*.bat")}:
        file.unlink()
    channel.add("python", f"{version}.0", folder)


def _add_packages(channel: Channel, python: str, folder: Path, needed: list[str]) -> None:
    """Add the packages that the recipe needs, and all that these need."""
    site = folder / "site-packages"
    _uv("pip", "install", "--python", python, "--target", str(site), *needed, *HOST)
    shutil.rmtree(site / "bin")
    channel.add(FILES, "1", folder, "python")
    note = folder.with_name("note")
    note.mkdir()
    (note / "note.txt").write_text(f"see {FILES}\n", encoding="utf-8")
    for found in distributions(path=[str(site)]):
        channel.add(found.metadata["Name"].lower(), found.version, note, FILES)


def _uv(*words: str) -> None:
    subprocess.run(["uv", *words, "--quiet"], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))

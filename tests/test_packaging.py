"""The recipe for conda says the same as setup.cfg, and so do the addresses."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from authshim.cli.examples import DOCUMENTATION

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "docs" / "recipe.yaml").read_text(encoding="utf-8")


def setup() -> configparser.ConfigParser:
    """Return setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed(section: str) -> list[str]:
    """Return the entries of a list of the recipe."""
    found = re.search(rf"^ *{section}:\n((?: +- .*\n)+)", RECIPE, re.MULTILINE)
    assert found
    return [line.strip()[2:] for line in found[1].splitlines()]


def lines(text: str) -> list[str]:
    """Return the lines of a value that are no comments."""
    return [line for line in text.strip().splitlines() if not line.startswith("#")]


def test_recipe_needs_what_the_package_needs() -> None:
    needed = [line.replace(">= ", ">=") for line in lines(setup()["options"]["install_requires"])]
    assert [each for each in listed("run") if not each.startswith("python ")] == needed


def test_recipe_has_the_programs_of_the_package() -> None:
    assert listed("entry_points") == lines(setup()["options.entry_points"]["console_scripts"])


def test_recipe_has_the_version_of_the_package() -> None:
    assert f'version: "{setup()["metadata"]["version"]}"' in RECIPE


def test_recipe_has_the_oldest_python_of_the_package() -> None:
    oldest = setup()["options"]["python_requires"]
    assert oldest.startswith(">=")
    assert f'python_min: "{oldest[2:]}"' in RECIPE


def test_help_and_recipe_name_the_address_of_the_package() -> None:
    metadata = setup()["metadata"]
    assert f"{metadata['url']}/blob/main/docs/" == DOCUMENTATION
    assert f"Documentation = {DOCUMENTATION}index.rst" in metadata["project_urls"]
    assert f"homepage: {metadata['url']}\n" in RECIPE
    assert f"documentation: {DOCUMENTATION}index.rst\n" in RECIPE


COPIES = {
    "setup.cfg": 1,
    "authshim/cli/examples.py": 1,
    "docs/recipe.yaml": 2,
    "docs/authshim.1": 1,
}
"""The files that have the address, and how often: the others than setup.cfg are generated."""


def test_address_of_the_package_has_no_other_copy() -> None:
    address = setup()["metadata"]["url"]
    kinds = ("cfg", "ini", "in", "py", "rst", "yaml", "1")
    folders = [ROOT / name for name in ("authshim", "docs")]
    files = [path for folder in folders for kind in kinds for path in folder.rglob(f"*.{kind}")]
    files += [path for kind in kinds for path in ROOT.glob(f"*.{kind}")]
    counts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count(address)
        for path in files
    }
    assert {name: count for name, count in counts.items() if count} == COPIES

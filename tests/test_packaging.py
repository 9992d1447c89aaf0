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
    parser = configparser.ConfigParser(interpolation=None)
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


def test_help_names_the_site_of_the_package() -> None:
    assert f"Documentation = {DOCUMENTATION}" in setup()["metadata"]["project_urls"]
    assert DOCUMENTATION in RECIPE

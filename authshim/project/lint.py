"""Warnings about options for indexes that are in a table in which pixi ignores them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WARNINGS = 100
"""The number of warnings about one file that are reported."""

_OWNERS = ("", "workspace.", "project.", "feature.*.", "environments.*.")
"""The tables that may have a ``pypi-options``; ``*`` is any name."""

_KEYS = {
    "index-url": ("index_url", "index-urls"),
    "extra-index-urls": ("extra_index_urls", "extra-index-url", "extra-indexes"),
    "find-links": ("find_links",),
}
"""The keys that name indexes, with their common misspellings."""

_OTHER_TABLES = (
    ("dependencies.pypi-options", "[pypi-options]"),
    ("pypi-dependencies.pypi-options", "[pypi-options]"),
    ("package.pypi-options", "[pypi-options]"),
    ("target.*.pypi-options", "[pypi-options]"),
    ("workspace.target.*.pypi-options", "[workspace.pypi-options]"),
    ("feature.*.target.*.pypi-options", "[feature.*.pypi-options]"),
    ("feature.pypi-options", "[feature.NAME.pypi-options]"),
    ("features.*.pypi-options", "[feature.*.pypi-options]"),
    ("environment.*.pypi-options", "[environments.*.pypi-options]"),
)

_OTHER_TOOLS = (
    "tool.uv.index",
    "tool.uv.index-url",
    "tool.uv.extra-index-url",
    "tool.uv.default-index",
    "tool.uv.find-links",
    "tool.uv.pip.index-url",
    "tool.uv.pip.extra-index-url",
    "tool.uv.pip.find-links",
    "tool.poetry.source",
    "tool.pdm.source",
    "tool.pypi-options",
)


def warnings_of(
    document: dict[str, Any],
    *,
    pyproject: bool,
) -> list[str]:
    """List the options that pixi ignores, with their right place. Values are not shown."""
    warnings = _warnings(document, pyproject)
    found = list(islice(warnings, MAX_WARNINGS + 1))
    if len(found) > MAX_WARNINGS:
        found[MAX_WARNINGS] = "pixi does not read more than is told here"
    return found


def _warnings(
    document: dict[str, Any],
    pyproject: bool,
) -> Iterator[str]:
    rules = _pixi_rules()
    if pyproject:
        rules = _pyproject_rules()
    for wrong, right in rules:
        path = wrong.split(".")
        for names in _matches(document, path):
            found = _filled(wrong, names)
            place = _filled(right, names)
            yield f"pixi does not read {found} here; its place is {place}"


def _pixi_rules() -> Iterator[tuple[str, str]]:
    """Yield each wrong place in a pixi.toml with the right one."""
    yield from _common_rules()
    yield "tool.pixi.pypi-options", "[pypi-options]"
    for key in _OTHER_TOOLS:
        yield key, "[pypi-options]"


def _pyproject_rules() -> Iterator[tuple[str, str]]:
    """Yield each wrong place in a pyproject.toml with the right one."""
    for wrong, right in _common_rules():
        yield f"tool.pixi.{wrong}", right.replace("[", "[tool.pixi.")
    for owner in _OWNERS:
        new_name = owner.replace("project", "workspace")
        yield f"{owner}pypi-options", f"[tool.pixi.{new_name}pypi-options]"
    for key in _OTHER_TOOLS:
        yield key, "[tool.pixi.pypi-options]"


def _common_rules() -> Iterator[tuple[str, str]]:
    for owner in _OWNERS:
        table = f"[{owner}pypi-options]"
        yield f"{owner}pypi_options", table
        for key, misspellings in _KEYS.items():
            yield f"{owner}{key}", table
            for misspelled in misspellings:
                yield f"{owner}pypi-options.{misspelled}", f"{key} in {table}"
    yield from _OTHER_TABLES
    yield "pypi-config", "the file .pixi/config.toml"


def _matches(value: Any, path: list[str]) -> Iterator[list[str]]:
    """Yield the names that the stars of a path stand for, once for each place that has the path."""
    if not path:
        yield []
        return
    if not isinstance(value, dict):
        return
    first, *rest = path
    if first == "*":
        for name in value:
            for names in _matches(value[name], rest):
                yield [name, *names]
    elif first in value:
        yield from _matches(value[first], rest)


def _filled(path: str, names: list[str]) -> str:
    """Return the path with a name in place of each star."""
    for name in names:
        shown = shorten(name)
        path = path.replace("*", shown, 1)
    return path

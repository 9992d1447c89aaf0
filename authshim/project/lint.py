"""Options for indexes that stand where pixi does not read them, and where they belong."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 100
"""Warnings of one file at most."""

_OWNERS = ("", "workspace.", "project.", "feature.*.", "environments.*.")
"""The tables that may have a ``pypi-options``; ``*`` is any name."""

_KEYS = {
    "index-url": ("index_url", "index-urls"),
    "extra-index-urls": ("extra_index_urls", "extra-index-url", "extra-indexes"),
    "find-links": ("find_links",),
}
"""What it names indexes with, and how that is misspelled."""

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
    *(
        f"tool.uv.{key}"
        for key in ("index", "index-url", "extra-index-url", "default-index", "find-links")
    ),
    *(f"tool.uv.pip.{key}" for key in ("index-url", "extra-index-url", "find-links")),
    "tool.poetry.source",
    "tool.pdm.source",
    "tool.pypi-options",
)


def warnings_of(document: dict[str, Any], *, pyproject: bool) -> list[str]:
    """List what pixi does not read, each with its right place; names of tables and keys only."""
    rules = _pyproject_rules() if pyproject else _pixi_rules()
    every = (
        f"pixi does not read {_filled(wrong, names)} here; its place is {_filled(right, names)}"
        for wrong, right in rules
        for names in _matches(document, wrong.split("."))
    )
    told = [*islice(every, MANY)]
    return (
        told if next(every, None) is None else [*told, "pixi does not read more than is told here"]
    )


def _pixi_rules() -> Iterator[tuple[str, str]]:
    """Yield where something may stand that is not read, and its place."""
    yield from _own_rules()
    yield "tool.pixi.pypi-options", "[pypi-options]"
    yield from ((key, "[pypi-options]") for key in _OTHER_TOOLS)


def _pyproject_rules() -> Iterator[tuple[str, str]]:
    for wrong, right in _own_rules():
        yield f"tool.pixi.{wrong}", right.replace("[", "[tool.pixi.")
    for owner in _OWNERS:
        yield (
            f"{owner}pypi-options",
            f"[tool.pixi.{owner.replace('project', 'workspace')}pypi-options]",
        )
    yield from ((key, "[tool.pixi.pypi-options]") for key in _OTHER_TOOLS)


def _own_rules() -> Iterator[tuple[str, str]]:
    for owner in _OWNERS:
        table = f"[{owner}pypi-options]"
        yield f"{owner}pypi_options", table
        for key, misspelled in _KEYS.items():
            yield f"{owner}{key}", table
            yield from ((f"{owner}pypi-options.{bad}", f"{key} in {table}") for bad in misspelled)
    yield from _OTHER_TABLES
    yield "pypi-config", "the file .pixi/config.toml"


def _matches(value: Any, path: list[str]) -> Iterator[list[str]]:
    """Yield the names that the stars of a path stand for, once for each place where it leads."""
    if not path:
        yield []
    elif isinstance(value, dict):
        for name in [*value] if path[0] == "*" else [path[0]] if path[0] in value else []:
            for rest in _matches(value[name], path[1:]):
                yield [name, *rest] if path[0] == "*" else rest


def _filled(path: str, names: list[str]) -> str:
    for name in names:
        path = path.replace("*", shorten(name), 1)
    return path

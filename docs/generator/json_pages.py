"""The page of what ``--json`` prints, from the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
PAGE = ROOT / "docs" / "reference" / "json.rst"

_HEAD = """\
.. This page is made from docs/schemas: python docs/generate.py

JSON
====

Each document has ``"version": 1``. Keys may be added within a version; none is taken away or changes its meaning. No
value is a secret.

"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(map(_section, sorted(SCHEMAS.glob("*.json"))))


def _section(path: Path) -> str:
    schema = json.loads(path.read_text(encoding="utf-8"))
    title = f"``{schema['title']}``"
    link = f"The schema: `{path.name} <../schemas/{path.name}>`_."
    return f"\n{title}\n{'-' * len(title)}\n\n{link}\n\n{''.join(_rows(schema, ''))}"


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    """Yield an entry for each key, and for the keys below it."""
    for name, value in schema.get("properties", {}).items():
        yield f"``{prefix}{name}``: {_kind(value)}\n    {value['description']}\n"
        if value.get("type") == "array":
            yield from _rows(value["items"], f"{prefix}{name}[].")
        else:
            yield from _rows(value, f"{prefix}{name}.")


def _kind(value: dict[str, Any]) -> str:
    if "const" in value:
        return str(value["const"])
    if "enum" in value:
        return ", ".join(f'``"{word}"``' for word in value["enum"])
    kinds = value["type"]
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def files() -> dict[Path, str]:
    """Return the text of the page by its path."""
    return {PAGE: page()}

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

``check``, ``doctor``, ``resolve`` and ``auth status`` print JSON if they have ``--json``.
No value is a secret. Warnings go to standard error. The exit code is as without ``--json``.

.. first: $ authshim auth login h.example --username ada

.. code-block:: console

    $ authshim auth status --json 2> warnings.txt
    {
      "version": 1,
      "fine": true,
      "entries": [
        {
    ...
    $ authshim auth status --json 2> warnings.txt | python -m json.tool --compact
    {"version":1,"fine":true,...

Each document has ``"version": 1``. A later authshim may add keys within a version.
It removes none, and changes the meaning of none.

.. contents::
   :local:
   :class: this-will-duplicate-information-and-it-is-still-useful-here

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

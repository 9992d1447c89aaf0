"""The address of the sources: ``url`` in setup.cfg is the one place that an owner changes."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).parents[2]
COPIES = (ROOT / "authshim" / "cli" / "examples.py", ROOT / "docs" / "recipe.yaml")
"""The files that need the address where setup.cfg cannot be read."""

_TARGET = re.compile(r"<(?!\w+:)([\w./-]+\.\w+)((?:#[\w-]+)?)>`_")
_COPIED = re.compile(r'^DOCUMENTATION = "(.*)/blob/', re.MULTILINE)


def url() -> str:
    """Return the address of the sources."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser["metadata"]["url"]


def of_file(path: str) -> str:
    """Return the address of a file, by its path from the root of the project."""
    return f"{url()}/blob/main/{path}"


def absolute(text: str) -> str:
    """Return a page of the root, whose links work on every other site too."""
    return with_targets(text, lambda path, anchor: f"{of_file(path)}{anchor}")


def with_targets(text: str, target: Callable[[str, str], str]) -> str:
    """Return a page with another target in each relative link.

    :param target: a function of the path and of the anchor, which is empty or begins with ``#``.
    """
    return _TARGET.sub(lambda found: f"<{target(found[1], found[2])}>`_", text)


def renewed(text: str) -> str:
    """Return a generated text with today's address."""
    (old,) = _COPIED.findall(COPIES[0].read_text(encoding="utf-8"))
    return text.replace(old, url())


def files() -> dict[Path, str]:
    """Return the text of each file with a copy, by its path."""
    return {path: path.read_text(encoding="utf-8") for path in COPIES}

"""Write the parts of the documentation that are made from the code: ``python docs/generate.py``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generator import address, commands, json_pages, pictures


def files() -> dict[Path, str]:
    """Return the text of each generated file by its path."""
    made = {**pictures.files(), **commands.files(), **json_pages.files(), **address.files()}
    return {path: address.renewed(text) for path, text in made.items()}


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

"""README's Python examples run, one after another, against a server that answers for every host."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers import Authority, Names, Recorder

README = Path(__file__).parents[1] / "README.rst"

PROJECT = """\
[workspace]
name = "demo"
channels = ["https://conda.example/acme"]
platforms = []

[pypi-options]
extra-index-urls = ["https://index.example/acme/simple"]
"""


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Return each ``.. code-block:: python`` with its line, so that an error names it."""
    blocks = re.finditer(r"^\.\. code-block:: python\n\n((?:(?:[ ]+.*)?\n)+)", text, re.MULTILINE)
    return [
        (text.count("\n", 0, block.start(1)), textwrap.dedent(block.group(1))) for block in blocks
    ]


def test_the_python_examples_of_the_readme_run(
    tls_recorder: Recorder, anywhere: Names, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in ("httpx", "aiohttp"):
        pytest.importorskip(client)
    anywhere(tls_recorder)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    Path("pixi.toml").write_text(PROJECT, encoding="utf-8")
    names: dict[str, object] = {"__name__": "readme"}
    blocks = python_blocks(README.read_text(encoding="utf-8"))
    assert blocks
    for line, block in blocks:
        exec(compile("\n" * line + block, str(README), "exec"), names)

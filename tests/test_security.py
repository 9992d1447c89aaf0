"""SECURITY.rst names the test behind each promise; here it is seen that they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.rst").read_text(encoding="utf-8")
NAMED = re.findall(r"\| ``(tests/[\w/]+(?:\.py)?)(?:::(\w+))?``", PAGE)


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda word: word)
def test_what_stands_behind_a_promise_is_there(path: str, name: str) -> None:
    found = ROOT / path
    if not name:
        tests = [found] if found.is_file() else [*found.rglob("test_*.py")]
        assert any("def test_" in each.read_text(encoding="utf-8") for each in tests)
    else:
        assert f"def {name}(" in found.read_text(encoding="utf-8")


def test_every_promise_names_a_test() -> None:
    promises, _, _ = PAGE.partition("What is not promised")
    blocks = re.split(r"\n- ", promises)[1:]
    assert len(blocks) > 10
    assert [block.split("\n")[0] for block in blocks if "| ``tests/" not in block] == []

"""SECURITY.rst names the test behind each promise; here it is seen that they are there."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.rst").read_text(encoding="utf-8")
NAMED = re.findall(r"\| ``(tests/[\w/]+(?:\.py)?)(?:::(\w+))?``", PAGE)


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda word: word)
def test_test_named_by_a_promise_exists(path: str, name: str) -> None:
    found = ROOT / path
    if not name:
        tests = [found] if found.is_file() else [*found.rglob("test_*.py")]
        assert any("def test_" in each.read_text(encoding="utf-8") for each in tests)
    else:
        assert f"def {name}(" in found.read_text(encoding="utf-8")


def test_every_promise_names_a_test() -> None:
    promises, _, _ = PAGE.partition("\nLimits\n")
    blocks = re.split(r"\n- ", promises)[1:]
    assert len(blocks) > 10
    assert [block.split("\n")[0] for block in blocks if "| ``tests/" not in block] == []


# The table of limits

UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024}
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "authshim").rglob("*.py"))
ROWS = re.findall(r"^``(\w+)`` +([\d,*]+) ?(\w*)  ", PAGE, re.MULTILINE)


def number(text: str) -> float:
    """Return the value of a product or of a power, such as 16 * 1024."""
    base, _, exponent = text.replace("_", "").replace(",", "").partition("**")
    return float(base) ** int(exponent) if exponent else prod(map(float, base.split("*")))


def in_code(names: str) -> dict[str, list[float]]:
    """Return the values of the constants with such names."""
    found: dict[str, list[float]] = {}
    for name, value in re.findall(rf"^({names}) = ([\d_.e* ]+)", SOURCE, re.MULTILINE):
        found.setdefault(name, []).append(number(value))
    return found


@pytest.mark.parametrize(("name", "value", "unit"), ROWS, ids=lambda word: word)
def test_table_of_limits_has_the_value_of_the_code(name: str, value: str, unit: str) -> None:
    assert in_code(name)[name] == [number(value) * UNITS[unit]]


def test_table_of_limits_has_each_limit_of_the_code() -> None:
    names = [name for name, _, _ in ROWS]
    assert sorted(set(in_code(r"_?MAX_\w+")) - set(names)) == []
    assert sorted(set(names)) == sorted(names)

"""SECURITY.rst names the test behind each promise; here it is seen that they are there."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.rst").read_text(encoding="utf-8")
NAMED = re.findall(r"\| ``(tests/[\w/]+(?:\.py)?)(?:::(\w+))?``", PAGE)


def test_each_test_named_by_a_promise_exists() -> None:
    assert len(NAMED) > 10
    assert [(path, name) for path, name in NAMED if not exists(path, name)] == []


def exists(path: str, name: str) -> bool:
    """Tell if a file has a test of that name, or a folder has a test if there is no name."""
    found = ROOT / path
    files = [found] if found.suffix == ".py" else [*found.rglob("test_*.py")]
    words = f"def {name}(" if name else "def test_"
    return any(words in file.read_text(encoding="utf-8") for file in files if file.is_file())


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


def test_table_of_limits_has_the_values_of_the_code() -> None:
    table = {name: [number(value) * UNITS[unit]] for name, value, unit in ROWS}
    assert in_code("|".join(table)) == table


def test_table_of_limits_has_each_limit_of_the_code() -> None:
    names = [name for name, _, _ in ROWS]
    assert sorted(set(in_code(r"_?MAX_\w+")) - set(names)) == []
    assert sorted(set(names)) == sorted(names)

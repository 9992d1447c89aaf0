"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import leaks
import pytest

import authshim

MODULES = sorted(module.name for module in pkgutil.walk_packages(authshim.__path__, "authshim."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_of_a_module_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_of_the_leak_finder_are_true() -> None:
    assert doctest.testmod(leaks).failed == 0

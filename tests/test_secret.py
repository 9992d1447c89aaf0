"""What holds a secret in memory opens to nobody who only looks."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
from typing import TYPE_CHECKING

import pytest

import authshim
from authshim.project.repositories import Place
from authshim.secret import Closed, Hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

for module in pkgutil.walk_packages(authshim.__path__, "authshim."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)


def closed(kind: type[Closed] = Closed) -> Iterator[type[Closed]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("authshim."):
            yield below
            yield from closed(below)


EACH = pytest.mark.parametrize("kind", sorted(closed(), key=repr), ids=lambda kind: kind.__name__)


@EACH
def test_vars_cannot_open_it(kind: type[Closed]) -> None:
    with pytest.raises(TypeError):
        vars(kind.__new__(kind))


@EACH
def test_iterating_does_not_find_its_members(kind: type[Closed]) -> None:
    with pytest.raises(TypeError):
        iter(kind.__new__(kind))  # type: ignore[call-overload]


@EACH
def test_it_is_not_pickled(kind: type[Closed]) -> None:
    if not issubclass(kind, Place):  # which is, less its password
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="is not pickled"):
                pickle.dumps(kind.__new__(kind), protocol)


def test_a_hidden_text_is_compared_but_not_shown() -> None:
    assert Hidden("s3cret") == Hidden("s3cret")
    assert hash(Hidden("s3cret")) == hash(Hidden("s3cret"))
    assert Hidden("s3cret") != Hidden("other")
    assert Hidden("s3cret") != "s3cret"
    assert repr([Hidden("s3cret")]) == "[****]"

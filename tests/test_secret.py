"""What holds a secret in memory opens to nobody who only looks."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
from typing import TYPE_CHECKING

import pytest

import authshim
from authshim.project.repositories import Repository
from authshim.secret import Secret, SecretHolder

if TYPE_CHECKING:
    from collections.abc import Iterator

for module in pkgutil.walk_packages(authshim.__path__, "authshim."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)


def closed(kind: type[SecretHolder] = SecretHolder) -> Iterator[type[SecretHolder]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("authshim."):
            yield below
            yield from closed(below)


EACH = pytest.mark.parametrize("kind", sorted(closed(), key=repr), ids=lambda kind: kind.__name__)


@EACH
def test_vars_cannot_open_it(kind: type[SecretHolder]) -> None:
    with pytest.raises(TypeError):
        vars(kind.__new__(kind))


@EACH
def test_iterating_does_not_find_its_members(kind: type[SecretHolder]) -> None:
    with pytest.raises(TypeError):
        iter(kind.__new__(kind))  # type: ignore[call-overload]


@EACH
def test_secret_is_not_pickled(kind: type[SecretHolder]) -> None:
    if not issubclass(kind, Repository):  # which is, less its password
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="is not pickled"):
                pickle.dumps(kind.__new__(kind), protocol)


def test_secret_is_compared_but_not_shown() -> None:
    assert Secret("s3cret") == Secret("s3cret")
    assert hash(Secret("s3cret")) == hash(Secret("s3cret"))
    assert Secret("s3cret") != Secret("other")
    assert Secret("s3cret") != "s3cret"
    assert repr([Secret("s3cret")]) == "[****]"

"""A botocore for tests, with the parts that authshim asks."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pytest


class Keys(NamedTuple):
    """The keys as botocore gives them."""

    access_key: str
    secret_key: str
    token: str | None = None


class FakeSession:
    """A session of botocore: the keys and the endpoint that it is made with."""

    def __init__(self, keys: Keys | Exception | None, endpoint: str, region: str) -> None:
        self._keys = keys
        self._meta = SimpleNamespace(endpoint_url=endpoint, region_name=region)

    def get_credentials(self) -> object:
        if isinstance(self._keys, Exception):
            raise self._keys
        if self._keys is None:
            return None
        return SimpleNamespace(get_frozen_credentials=lambda: self._keys)

    def create_client(self, service: str) -> object:
        assert service == "s3"
        return SimpleNamespace(meta=self._meta)


def use_botocore(
    monkeypatch: pytest.MonkeyPatch,
    keys: Keys | Exception | None = None,
    endpoint: str = "https://s3.amazonaws.com",
    region: str = "aws-global",
) -> None:
    """Let a botocore be installed that has these keys."""
    package, module = ModuleType("botocore"), ModuleType("botocore.session")
    module.get_session = lambda: FakeSession(keys, endpoint, region)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "botocore", package)
    monkeypatch.setitem(sys.modules, "botocore.session", module)


def without_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore be missing."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setitem(sys.modules, "botocore.session", None)

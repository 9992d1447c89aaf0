"""Servers for the whole run, and the mark ``interop`` on every test of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interop import real_servers

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark an item of this folder: pytest asks no other folder's conftest about it."""
    item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def pypiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The index URL of a real pypiserver, which lets ``USER`` in with ``PASSWORD``."""
    with real_servers.pypiserver(tmp_path_factory.mktemp("pypiserver")) as url:
        yield url


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real_servers.Nginx]:
    """A real nginx on two ports."""
    with real_servers.nginx(tmp_path_factory.mktemp("nginx")) as served:
        yield served


@pytest.fixture(scope="session")
def oidc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real OpenID provider."""
    with real_servers.oidc_provider(tmp_path_factory.mktemp("oidc")) as url:
        yield url

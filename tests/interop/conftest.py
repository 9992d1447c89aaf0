"""Servers for the whole run, and the mark ``interop`` on every test of this folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from interop import real_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark an item of this folder: pytest asks no other folder's conftest about it."""
    item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


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
def oidc_server(shared_folder: Path) -> Iterator[str]:
    """The URL of a real OpenID provider."""
    folder = shared_folder / "oidc"
    folder.mkdir(exist_ok=True)
    with real_servers.oidc_provider(folder) as url:
        yield url

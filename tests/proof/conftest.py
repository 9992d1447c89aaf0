"""All proofs of one process share their servers, which keeps them quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from proof.stage import Servers, Stage, Witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Authority


@pytest.fixture(scope="session")
def _servers(authority: Authority) -> Iterator[Servers]:
    servers = Servers(authority)
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def witness() -> Witness:
    """Notes what this process opens, runs and puts into the environment, while it is told to."""
    return Witness()


@pytest.fixture
def stage(_servers: Servers, home: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Servers under any host name, of which a.example is the origin of what is planted."""
    return Stage(_servers, home, monkeypatch)

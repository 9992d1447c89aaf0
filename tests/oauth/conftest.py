"""The authorization server and the user of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oauth.authorization_server import AuthorizationServer, User

if TYPE_CHECKING:
    from servers import Recorder


@pytest.fixture
def authorization_server(recorder: Recorder) -> AuthorizationServer:
    return AuthorizationServer(recorder)


@pytest.fixture
def user(authorization_server: AuthorizationServer) -> User:
    return User(authorization_server)


@pytest.fixture
def quick_polls(authorization_server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server and the device code flow poll again after some milliseconds."""
    authorization_server.poll_quickly(monkeypatch)

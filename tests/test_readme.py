"""The first example of README.rst sends its first login; tests/pages runs the rest of the page."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from oauth.authorization_server import ACCESS, AuthorizationServer
from pages.blocks import ROOT, Block, blocks, commands

from authshim.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names, Recorder

README = ROOT / "README.rst"
MAX_LINES = 200


def block_of(kind: str, words: str) -> Block:
    """Return the first block of a kind that has these words."""
    return next(block for block in blocks(README) if block.kind == kind and words in block.text)


@pytest.fixture
def prefix_dev(
    tls_recorder: Recorder, anywhere: Names, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> AuthorizationServer:
    """A server that is prefix.dev: it logs in, and has a channel."""
    anywhere(tls_recorder)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    return AuthorizationServer(tls_recorder, "https://prefix.dev")


def run_first_example(server: AuthorizationServer) -> None:
    """Run the first Python example, and assert that the login is sent to the URL in it."""
    server.recorder.clear()
    code = compile(block_of("python", "install").text, str(README), "exec")
    exec(code, {"__name__": "readme"})
    assert [(seen.host, seen.authorization) for seen in server.recorder.seen] == [
        ("prefix.dev", f"Bearer {ACCESS}")
    ]


def test_first_login_of_the_readme_is_sent_by_its_first_example(
    prefix_dev: AuthorizationServer,
) -> None:
    command = commands(block_of("console", "auth login").text)[0]
    program, *words = shlex.split(command.typed, comments=True)
    assert program == "authshim"
    assert main(words) == 0
    run_first_example(prefix_dev)


def test_login_of_pixi_is_sent_by_the_first_example(
    prefix_dev: AuthorizationServer, home: Path
) -> None:
    """The entry is the one that pixi's library stores for ``pixi auth login prefix.dev``."""
    assert block_of("console", "auth login").text.endswith("# or: pixi auth login prefix.dev")
    login = {
        "access_token": ACCESS,
        "refresh_token": "s3cret-refresh",
        "expires_at": 4_000_000_000,
        "token_endpoint": "https://prefix.dev/token",
        "revocation_endpoint": "https://prefix.dev/revoke",
        "client_id": "rattler",
    }
    file = home / ".rattler" / "credentials.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"prefix.dev": {"OAuth": login}}))
    run_first_example(prefix_dev)


def test_readme_fits_two_screens() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MAX_LINES

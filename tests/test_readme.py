"""README's Python examples run, one after another, against a server that answers for every host."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from oauth.authorization_server import ACCESS, AuthorizationServer

from authshim.cli import main

if TYPE_CHECKING:
    from servers import Authority, Names, Recorder

README = Path(__file__).parents[1] / "README.rst"

PROJECT = """\
[workspace]
name = "demo"
channels = ["https://conda.example/acme"]
platforms = []

[pypi-options]
extra-index-urls = ["https://index.example/acme/simple"]
"""


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Return each ``.. code-block:: python`` with its line, so that an error names it."""
    blocks = re.finditer(r"^\.\. code-block:: python\n\n((?:(?:[ ]+.*)?\n)+)", text, re.MULTILINE)
    return [
        (text.count("\n", 0, block.start(1)), textwrap.dedent(block.group(1))) for block in blocks
    ]


def first_console_line(text: str) -> str:
    """Return the first line that a reader is told to type."""
    found = re.search(r"^\.\. code-block:: console\n\n    \$ (.+)$", text, re.MULTILINE)
    assert found
    return found[1]


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
    _, block = python_blocks(README.read_text(encoding="utf-8"))[0]
    exec(compile(block, str(README), "exec"), {"__name__": "readme"})
    assert [(seen.host, seen.authorization) for seen in server.recorder.seen] == [
        ("prefix.dev", f"Bearer {ACCESS}")
    ]


def test_first_login_of_the_readme_is_sent_by_its_first_example(
    prefix_dev: AuthorizationServer,
) -> None:
    command, _, _ = first_console_line(README.read_text(encoding="utf-8")).partition("#")
    program, *words = shlex.split(command)
    assert program == "authshim"
    assert main(words) == 0
    run_first_example(prefix_dev)


def test_login_of_pixi_is_sent_by_the_first_example(
    prefix_dev: AuthorizationServer, home: Path
) -> None:
    """The entry is the one that pixi's library stores for ``pixi auth login prefix.dev``."""
    assert first_console_line(README.read_text(encoding="utf-8")).endswith(
        "# or: pixi auth login prefix.dev"
    )
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


def test_the_python_examples_of_the_readme_run(
    tls_recorder: Recorder, anywhere: Names, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in ("httpx", "aiohttp"):
        pytest.importorskip(client)
    anywhere(tls_recorder)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    Path("pixi.toml").write_text(PROJECT, encoding="utf-8")
    names: dict[str, object] = {"__name__": "readme"}
    blocks = python_blocks(README.read_text(encoding="utf-8"))
    assert blocks
    for line, block in blocks:
        exec(compile("\n" * line + block, str(README), "exec"), names)

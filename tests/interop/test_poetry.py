"""Each sentence of ``check`` about poetry, and its order of sources, against the real poetry."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from interop.installed import (
    AUTH_FILE,
    LOGIN,
    NETRC,
    PROJECT,
    Row,
    Tool,
    check,
    check_trust,
    declared,
    environment,
    pages,
    serve,
)

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

AUTH = "home/.config/pypoetry/auth.toml"
USER = {AUTH: "[http-basic.acme]\nusername = 'ada'\n"}
BOTH = {"POETRY_HTTP_BASIC_ACME_USERNAME": "ada", "POETRY_HTTP_BASIC_ACME_PASSWORD": "s3cret"}
DOTTED = {name.replace("ACME", "ACME_X"): value for name, value in BOTH.items()}
IN_URL = "poetry itself looks for no password if the URL has a username"
WITH_USER, WITH_LOGIN = "http://ada@HOST/a/simple", "http://ada:s3cret@HOST/a/simple"

ROWS = [
    Row("netrc", "", NETRC),
    Row("netrc, a known user", "poetry itself reads no netrc", {**NETRC, **USER}),
    Row("auth file", "poetry itself does not read auth file ", AUTH_FILE),
    Row("user and password apart", "", USER, environ={list(BOTH)[1]: "s3cret"}),
    Row("variables, user@", IN_URL, url=WITH_USER, environ=BOTH, answer="no credential"),
    Row(
        "variables without a dot",
        "poetry itself does not read POETRY_HTTP_BASIC_ACME_X_PASSWORD",
        environ=DOTTED,
        name="acme.x",
    ),
    Row("keyring, name", "", USER, kept_for="poetry-repository-acme"),
    Row("keyring, other name", "poetry itself does not ask keyring for SERVER", kept_for="SERVER"),
    Row(
        "keyring, off",
        "poetry itself asks no keyring: keyring.enabled is false",
        USER,
        kept_for="poetry-repository-acme",
        environ={"POETRY_KEYRING_ENABLED": "false"},
    ),
    Row("login in the URL", "poetry itself sends the login in the URL to no file", url=WITH_LOGIN),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment("poetry", tmp_path_factory.mktemp("poetry"))


@pytest.fixture
def poetry(folder: Path, recorder: Recorder) -> Tool:
    """The program, and a server."""
    return Tool("poetry", folder, recorder)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_note_tells_if_poetry_itself_gets_in(
    row: Row, poetry: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(poetry.server, login=True)
    check(row, poetry, monkeypatch, capsys)


def test_poetry_sends_the_login_of_the_url_to_files_of_its_own_path(
    poetry: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(poetry.server, login=True, whole_links=False)
    check(Row("", "", url=WITH_LOGIN), poetry, monkeypatch, capsys)


def test_note_tells_that_poetry_trusts_a_server(
    folder: Path,
    tls_recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    poetry = Tool("poetry", folder, tls_recorder)
    option = {"poetry.toml": "[certificates.acme]\ncert = false\n"}
    check_trust(poetry, "", option, monkeypatch, capsys)


def test_run_with_netrc_lets_poetry_in(poetry: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(poetry.server, login=True)
    text = PROJECT + "[[tool.poetry.source]]\nname = 'acme'\nurl = 'SERVER/a/simple'\n"
    poetry.plant({"pyproject.toml": text, **AUTH_FILE}, {}, monkeypatch)
    is_locked, seen, said = poetry.lock(sys.executable, "-m", "authshim", "run", "--netrc", "--")
    assert is_locked, said
    assert seen[0].authorization == LOGIN


SOURCES = """
[[tool.poetry.source]]
name = "later"
url = "SERVER/c/page.html"
priority = "supplemental"

[[tool.poetry.source]]
name = "hidden"
url = "SERVER/d/simple/"
priority = "explicit"

[[tool.poetry.source]]
name = "first"
url = "SERVER/A/simple/"

[[tool.poetry.source]]
name = "second"
url = "SERVER/B/simple/"
"""


def test_poetry_asks_its_sources_in_the_declared_order(
    poetry: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(poetry.server)
    poetry.plant({"pyproject.toml": PROJECT + SOURCES}, {}, monkeypatch)
    is_locked, seen, said = poetry.lock()
    assert is_locked, said
    assert pages(seen) == ["/A/simple", "/B/simple", "/c/page.html"] == declared(poetry.server)


def test_poetry_asks_the_source_that_a_package_names(
    poetry: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(poetry.server)
    wanted = "[tool.poetry.dependencies]\ndemo = { source = 'Hidden' }\n"
    poetry.plant({"pyproject.toml": PROJECT + wanted + SOURCES}, {}, monkeypatch)
    is_locked, seen, said = poetry.lock()
    assert is_locked, said
    assert pages(seen) == ["/d/simple"] == declared(poetry.server, own=True)

"""Each sentence of ``check`` about pdm, and its order of sources, held against the real pdm."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from interop.installed import (
    AUTH_FILE,
    LOGIN,
    NETRC,
    PROJECT,
    UV_STORE,
    Row,
    Tool,
    check,
    check_trust,
    declared,
    environment,
    pages,
    serve,
)

from authshim.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

ALONE = {"PDM_IGNORE_STORED_INDEX": "1"}
USER, LITERAL = "username = 'ada'", "username = 'ada'\npassword = '${PW}'"
STORED = {"home/.config/pdm/config.toml": "[pypi.acme]\npassword = 's3cret'\n"}

ROWS = [
    Row("netrc, user@", "", NETRC, url="http://ada@HOST/a/simple"),
    Row("netrc for all to read", "pdm itself does not read ", NETRC, open_netrc=True),
    Row("uv's store", "pdm itself does not read uv store ", UV_STORE),
    Row(
        "a variable that is not expanded",
        "pdm itself expands ${...} in the URL only",
        keys=LITERAL,
        environ={"PW": "s3cret"},
        answer="not probed",
    ),
    Row("password for user@", "", STORED, url="http://ada@HOST/a/simple"),
    Row("keyring, name", "", keys=USER, kept_for="pdm-pypi-acme"),
    Row(
        "keyring, other name",
        "pdm itself does not ask keyring for SERVER",
        keys=USER,
        kept_for="SERVER",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment("pdm", tmp_path_factory.mktemp("pdm"))


@pytest.fixture
def pdm(folder: Path, recorder: Recorder) -> Tool:
    """The program, and a server."""
    return Tool("pdm", folder, recorder)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_note_tells_if_pdm_itself_gets_in(
    row: Row, pdm: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(pdm.server, login=True)
    check(row._replace(environ={**ALONE, **row.environ}), pdm, monkeypatch, capsys)


def test_note_tells_that_pdm_expands_a_variable_in_a_path(
    pdm: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(pdm.server)
    text = PROJECT + "[[tool.pdm.source]]\nname = 'acme'\nurl = 'SERVER/${TEAM}/simple'\n"
    pdm.plant({"pyproject.toml": text}, {**ALONE, "TEAM": "a"}, monkeypatch)
    main(["check", "--json"])
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["tool_note"].startswith("pdm itself expands ${TEAM} in the whole URL")
    is_locked, seen, said = pdm.lock()
    assert is_locked, said
    assert pages(seen) == ["/a/simple"]


def test_note_tells_that_pdm_trusts_a_server(
    folder: Path,
    tls_recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PDM_IGNORE_STORED_INDEX", "1")
    pdm = Tool("pdm", folder, tls_recorder)
    check_trust(pdm, "verify_ssl = false", {}, monkeypatch, capsys)


def test_run_with_netrc_lets_pdm_in(pdm: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(pdm.server, login=True)
    text = PROJECT + "[[tool.pdm.source]]\nname = 'acme'\nurl = 'SERVER/a/simple'\n"
    pdm.plant({"pyproject.toml": text, **AUTH_FILE}, ALONE, monkeypatch)
    is_locked, seen, said = pdm.lock(sys.executable, "-m", "authshim", "run", "--netrc", "--")
    assert is_locked, said
    assert seen[0].authorization == LOGIN


FLAT = "[[tool.pdm.source]]\nname = 'flat'\nurl = 'SERVER/c/page.html'\ntype = 'find_links'\n"
FIRST = "[[tool.pdm.source]]\nname = 'first'\nurl = 'SERVER/a/simple'\n"
NAMELESS = "[[tool.pdm.source]]\nname = 'second'\n"
PYPI = "[[tool.pdm.source]]\nname = 'pypi'\nurl = 'SERVER/e/simple'\n"
SECOND = "[pypi.second]\nurl = 'SERVER/b/simple'\n"
THIRD = "[pypi.third]\nurl = 'SERVER/d/simple'\n"

ORDERS = {
    "all places": (
        FLAT + FIRST + NAMELESS,
        {"PDM_PYPI_URL": "SERVER/f/simple"},
        ["/f/simple", "/c/page.html", "/a/simple", "/b/simple", "/d/simple"],
    ),
    "a source pypi, and one for what it includes": (
        f"{FIRST}exclude_packages = ['*']\n{PYPI}",
        {},
        ["/e/simple", "/d/simple", "/b/simple"],
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_pdm_asks_its_sources_in_the_declared_order(
    case: str, pdm: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, environ, expected = ORDERS[case]
    serve(pdm.server)
    files = {"pyproject.toml": PROJECT + sources, "pdm.toml": THIRD}
    files["home/.config/pdm/config.toml"] = SECOND
    if case == "all places":
        files["pdm.toml"], files["home/.config/pdm/config.toml"] = SECOND, THIRD
    pdm.plant(files, environ, monkeypatch)
    is_locked, seen, said = pdm.lock()
    assert is_locked, said
    assert pages(seen) == expected == declared(pdm.server)


def test_pdm_asks_the_source_that_includes_a_package(
    pdm: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(pdm.server)
    text = f"{FIRST}{FLAT}include_packages = ['de*']\nexclude_packages = ['*']\n"
    pdm.plant({"pyproject.toml": PROJECT + text}, ALONE, monkeypatch)
    is_locked, seen, said = pdm.lock()
    assert is_locked, said
    assert pages(seen) == ["/c/page.html"] == declared(pdm.server, own=True)

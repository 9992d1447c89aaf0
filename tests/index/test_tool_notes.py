"""Sentences about poetry, pdm, uv and pip; the tests of interop hold them against the programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from authshim.credentials import BasicHTTP
from authshim.index.tool_notes import tool_note
from authshim.lookup.trace import Found, ProviderName
from authshim.project.manifest import Manifest
from authshim.providers.base import AUTH_FILE, NETRC, OS_KEYCHAIN
from authshim.urls import GIVEN, HOST, PREFIX, SERVICE, Key

if TYPE_CHECKING:
    from pathlib import Path

HOST_KEY = Key("h.example", HOST)
URL = "https://h.example/simple/"
POETRY_USER = {"POETRY_HTTP_BASIC_ACME_USERNAME": "ada"}


class Row(NamedTuple):
    """A source, the login that authshim found for it, and the sentence."""

    tool: str
    provider: str
    key: Key | None
    note: str
    url: str = URL
    environ: dict[str, str] = {}
    answer: str = "let in"
    links: bool = False
    keys: str = ""
    kind: str = ""


INJECT = "pipx inject poetry authshim"
TAKE_OUT = "looks for no password if the URL has a username; take it out of the URL"
WITH_USER, WITH_LOGIN = URL.replace("//", "//ada@"), URL.replace("//", "//ada:pw@")
OTHER = (
    "does not ask keyring for https://h.example, but for poetry-repository-acme, "
    "https://h.example/simple, h.example"
)

ROWS = [
    Row("poetry", "", None, ""),
    Row("poetry", "netrc ~/.netrc", HOST_KEY, "", kind=NETRC),
    Row(
        "poetry",
        "OS keychain",
        HOST_KEY,
        f"does not read OS keychain; {INJECT}, or authshim run --netrc -- poetry",
        kind=OS_KEYCHAIN,
    ),
    Row(
        "poetry",
        "auth file x.json",
        HOST_KEY,
        f"does not read auth file x.json; {INJECT}",
        environ=POETRY_USER,
        kind=AUTH_FILE,
    ),
    Row("poetry", "auth file of one's own", HOST_KEY, "", environ=POETRY_USER),
    Row("poetry", "netrc of one's own", HOST_KEY, "", environ=POETRY_USER),
    Row("poetry", "netrc n", HOST_KEY, TAKE_OUT, url=WITH_USER, kind=NETRC),
    Row("poetry", "", None, "", url=WITH_USER),
    Row("poetry", "", None, TAKE_OUT, url=WITH_USER, answer="no credential"),
    Row("poetry", "manifest", Key("h.example", GIVEN), "", url=WITH_USER),
    Row(
        "poetry",
        "netrc n",
        HOST_KEY,
        "reads no netrc: POETRY_HTTP_BASIC_ACME_USERNAME names a user",
        environ=POETRY_USER,
        kind=NETRC,
    ),
    Row("poetry", "keyring command", Key("h.example", SERVICE), ""),
    Row("poetry", "keyring command", Key("https://h.example", SERVICE), OTHER),
    Row(
        "poetry",
        "manifest",
        Key("h.example", GIVEN),
        "sends the login in the URL to no file of this index, whose links are whole URLs; "
        "set POETRY_HTTP_BASIC_ACME_USERNAME and _PASSWORD instead",
        url=WITH_LOGIN,
        links=True,
    ),
    Row("poetry", "manifest", Key("h.example", GIVEN), "", url=WITH_LOGIN),
    Row("pdm", "manifest", Key("h.example", GIVEN), "", url=WITH_LOGIN, links=True),
    Row("pdm", "netrc n", HOST_KEY, "", url=WITH_USER, kind=NETRC),
    Row(
        "pdm",
        "pip.conf:2",
        Key(URL, PREFIX),
        "does not read pip.conf:2; pipx inject pdm authshim, or authshim run --netrc -- pdm",
    ),
    Row(
        "pdm",
        "",
        None,
        "expands ${TEAM} in the whole URL; authshim in user:password@ only",
        url="https://h.example/${TEAM}/simple",
    ),
    Row(
        "pdm",
        "",
        None,
        "expands ${...} in the URL only, and to nothing if the variable is not set",
        url="https://ada:${PW}@h.example/simple",
    ),
    Row("pdm", "", None, "", url="https://<location>.h.example/simple"),
    Row(
        "pdm",
        "",
        None,
        "does not verify the certificate of this index, by an option of its own",
        answer="unreachable",
        keys="verify_ssl = false",
    ),
    Row("pdm", "", None, "", keys="verify_ssl = false"),
    Row(
        "pdm",
        "",
        None,
        "trusts ca.pem here, by an option of its own",
        answer="unreachable",
        keys="ca_certs = 'ca.pem'",
    ),
    Row(
        "poetry",
        "",
        None,
        "trusts ca.pem here, by an option of its own",
        answer="unreachable",
        environ={"POETRY_CERTIFICATES_ACME_CERT": "ca.pem"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.tool}, {row.provider}, {row.note}")
def test_note_tells_where_the_tool_differs(row: Row, tmp_path: Path) -> None:
    text = f"[[tool.{row.tool}.source]]\nname = 'acme'\nurl = '{row.url}'\n{row.keys}\n"
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    environ = {"HOME": str(tmp_path), "PDM_IGNORE_STORED_INDEX": "1", **row.environ}
    manifest = Manifest.load(tmp_path, environ=environ)
    found = None
    if row.key is not None:
        found = Found(BasicHTTP("ada", "s3cret"), ProviderName(row.provider, row.kind), row.key)
    (index,) = manifest.indexes()
    note = tool_note(manifest, index, found, answer=row.answer, links_name_hosts=row.links)
    assert note == (row.note and f"{row.tool} itself {row.note}")


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
@pytest.mark.parametrize(("mode", "is_noted"), [(0o644, True), (0o600, False)])
def test_netrc_open_to_others_is_noted_for_pdm(home: Path, mode: int, is_noted: bool) -> None:
    netrc = home / ".netrc"
    netrc.write_text("machine h.example login ada password s3cret\n", encoding="utf-8")
    netrc.chmod(mode)
    source = f"[[tool.pdm.source]]\nname = 'acme'\nurl = '{URL}'\n"
    (home / "pyproject.toml").write_text(source, encoding="utf-8")
    manifest = Manifest.load(home, environ={"HOME": str(home), "PDM_IGNORE_STORED_INDEX": "1"})
    (index,) = manifest.indexes()
    found = Found(BasicHTTP("ada", "s3cret"), ProviderName("F", NETRC, str(netrc)), HOST_KEY)
    note = tool_note(manifest, index, found)
    assert (f"chmod 600 {netrc}" in note) == is_noted

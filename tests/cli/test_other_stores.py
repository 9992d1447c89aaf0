"""``auth status`` and ``auth logout`` for logins that other tools keep."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret

from authshim.cli import main

if TYPE_CHECKING:
    from pathlib import Path

UV = "~/.local/share/uv/credentials/credentials.toml"


def say(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Run a command, and return its lines with single blanks."""
    main(list(words))
    captured = capsys.readouterr()
    assert_no_secret(captured.out, captured.err)
    return [" ".join(line.split()) for line in (captured.out + captured.err).splitlines()]


@pytest.fixture
def uv(home: Path) -> Path:
    """uv's store with one login."""
    path = home / UV[2:]
    path.parent.mkdir(parents=True)
    path.write_text(
        '[[credential]]\nservice = "https://h.example/acme"\n'
        'username = "ada"\npassword = "s3cret"\n'
    )
    return path


@pytest.mark.parametrize("words", [(), ("h.example/acme",)])
def test_status_tells_the_line_of_a_login(
    words: tuple[str, ...], uv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = f"https://h.example/acme BasicHTTP ada uv store {UV} line 1"
    assert say(capsys, "auth", "status", *words)[0] == row


def test_status_tells_that_a_host_shadows_a_url(
    uv: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".netrc").write_text("machine h.example login zoe password s3cret\n")
    main(["auth", "status", "--json"])
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [entry["shadowed_by_key"] for entry in entries] == [None, "h.example"]
    assert entries[1]["place"] == "line 1"


def test_status_tells_that_a_store_is_broken(uv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uv.write_text("s3cret")
    for words in ((), ("h.example",)):
        lines = say(capsys, "auth", "status", *words)
        assert any(f"cannot read uv store {UV}: line 1" in line for line in lines)


@pytest.mark.parametrize("words", ["h.example", "h.example/acme", "--all"])
def test_logout_names_the_command_of_uv(
    words: str, uv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = uv.read_bytes()
    lines = say(capsys, "auth", "logout", words)
    step = "uv auth logout https://h.example/acme --username ada"
    assert lines[-1] == f"the login for https://h.example/acme stays in uv store {UV}: {step}"
    assert uv.read_bytes() == before


def test_logout_of_another_host_names_no_login(
    uv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "auth", "logout", "g.example") == ["nothing is stored for g.example"]


def test_status_of_a_host_notes_the_logins_of_its_paths(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://ada:s3cret@h.example/acme/simple")
    store = home / ".rattler/credentials.json"
    store.parent.mkdir()
    store.write_text('{"h.example/two": {"BearerToken": "s3cret"}}')
    lines = say(capsys, "auth", "status", "h.example")
    assert lines[0] == "no credential for h.example"
    assert lines[1:3] == [
        "there is one for h.example/two",
        "there is one for https://h.example/acme",
    ]
    assert not any("there is" in line for line in say(capsys, "auth", "status", "g.example"))


def test_second_token_file_of_a_url_is_shadowed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "https%3A%2F%2Fapi.anaconda.org.token"
    folders = (".config/binstar", ".continuum/anaconda-client/tokens")
    for folder in folders:
        (home / folder).mkdir(parents=True)
        (home / folder / name).write_text("s3cret")
    row = "https://conda.anaconda.org CondaToken conda token files ~"
    first, second = (f"{row}/{folder}/{name}" for folder in folders)
    lines = say(capsys, "auth", "status")
    assert lines[:2] == [first, f"{second}, shadowed by conda token files"]
    assert say(capsys, "auth", "logout", "anaconda.org")[1:] == [
        f"the login for https://conda.anaconda.org stays in conda token files: anaconda logout, "
        f"conda token remove, or remove ~/{folder}/{name}"
        for folder in folders
    ]


def test_login_in_a_job_warns_once_and_obeys_the_auth_file(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))
    lines = say(capsys, "auth", "login", "h.example", "--token", "-")
    kept = "auth file ~/.rattler/credentials.json"
    assert lines == [
        f"stored the BearerToken for *.h.example in {kept}",
        f"authshim: {kept} is not encrypted",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))
    own = ("--auth-file", str(home / "runner/auth.json"))
    lines = say(capsys, "auth", "login", "g.example", "--token", "-", *own)
    assert lines == ["stored the BearerToken for *.g.example in auth file ~/runner/auth.json"]


def test_logout_names_what_removes_the_other_logins(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = home / ".mamba/auth/authentication.json"
    store.parent.mkdir(parents=True)
    store.write_text('{"h.example/p": {"type": "BearerToken", "token": "s3cret"}}')
    monkeypatch.setenv("PIP_INDEX_URL", "https://ada:s3cret@h.example/a/simple")
    _, mamba, pip = say(capsys, "auth", "logout", "h.example")
    assert mamba.startswith("the login for https://h.example/p stays in micromamba store ~")
    assert mamba.endswith(": micromamba auth logout h.example/p")
    place = "take it out of PIP_INDEX_URL"
    assert pip == f"the login for https://h.example/a stays in pip and uv configuration: {place}"

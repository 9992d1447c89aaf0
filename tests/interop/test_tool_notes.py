"""Each sentence of ``check`` about uv and pip is held against the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import needs
import pytest
from interop.serving import content_of, page_of, uv
from resolve_situations import wheel
from servers import Answer, Recorder

from authshim.cli import main

if TYPE_CHECKING:
    from servers import Seen

LOGIN = "Basic YWRhOnMzY3JldA=="
CHALLENGE = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="acme"'})

KEYRING = """#!/bin/sh
case "$*" in
*json*) echo '{"username": "ada", "password": "s3cret"}' ;;
*"--mode creds"*) echo ada; echo s3cret ;;
*) echo s3cret ;;
esac
"""


class Row(NamedTuple):
    """A login in one place, and the sentence about the tool that should use it."""

    tool: str
    store: str
    note: str
    """Its beginning. An empty one: the tool itself sends the login."""
    username: str = ""
    environ: tuple[tuple[str, str], ...] = ()
    policy: str = "auto"


ON = (("UV_KEYRING_PROVIDER", "subprocess"),)

ROWS = [
    Row("uv", "auth file", "uv itself does not read auth file "),
    Row("uv", "netrc", ""),
    Row("uv", "uv store", ""),
    Row("uv", "pip.conf", "uv itself does not read "),
    Row("uv", "keyring", "uv itself asks no keyring: the index has no username", environ=ON),
    Row("uv", "keyring", "uv itself asks no keyring: keyring-provider is not", "ada@"),
    Row("uv", "keyring", "", "ada@", environ=ON),
    Row("uv", "keyring", "", environ=ON, policy="always"),
    Row("pip", "auth file", "pip itself does not read auth file "),
    Row("pip", "uv store", "pip itself does not read uv store "),
    Row("pip", "netrc", ""),
    Row(
        "pip",
        "keyring",
        "pip itself asks no keyring: keyring-provider is disabled",
        "ada@",
        (("PIP_KEYRING_PROVIDER", "disabled"),),
    ),
    Row("pip", "keyring", "", "ada@", (("PIP_KEYRING_PROVIDER", "subprocess"),)),
]


@pytest.fixture
def index(recorder: Recorder) -> Recorder:
    """An index that lets ada in."""
    page = page_of([wheel("1.0")], f"{recorder.url}/files")

    def answer(seen: Seen) -> Answer:
        if seen.authorization != LOGIN:
            return CHALLENGE
        if seen.path.startswith("/files/"):
            return Answer(200, content_of(seen.path.rpartition("/")[2]))
        return page

    recorder.default = answer  # type: ignore[assignment]
    return recorder


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def plant(row: Row, home: Path, index: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the login of a row, and write its project."""
    url = f"{index.url.replace('//', f'//{row.username}')}/simple"
    if row.tool == "uv":
        text = f"[[tool.uv.index]]\nurl = '{url}'\ndefault = true\nauthenticate = '{row.policy}'\n"
        head = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['demo']\n"
        head += f"requires-python = '=={sys.version_info[0]}.{sys.version_info[1]}.*'\n"
        write(Path("pyproject.toml"), head + text)
    else:
        write(Path("requirements.txt"), f"-i {url}\ndemo\n")
    if row.store == "auth file":
        entry = {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "s3cret"}}}
        write(home / ".rattler/credentials.json", json.dumps(entry))
    elif row.store == "netrc":
        write(home / ".netrc", "machine 127.0.0.1 login ada password s3cret\n")
    elif row.store == "pip.conf":
        monkeypatch.delenv("PIP_CONFIG_FILE")
        login = index.url.replace("//", "//ada:s3cret@")
        write(home / ".config/pip/pip.conf", f"[global]\nindex-url = {login}\n")
    elif row.store == "uv store":
        text = f"[[credential]]\nservice = '{index.url}'\nusername = 'ada'\npassword = 's3cret'\n"
        write(home / ".local/share/uv/credentials/credentials.toml", text)
    else:
        write(home / "bin/keyring", KEYRING, 0o755)
    for name, value in (("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"), *row.environ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    # pip imports keyring, whose backends authshim is one of where both are installed beside it.
    monkeypatch.setenv("AUTHSHIM_KEYRING_BACKEND", "off")


def run_tool(tool: str, *before: str) -> str:
    """Let the tool itself ask for the package, and return what it said.

    :param before: words before its command line.
    """
    command = [uv(), "--no-cache", "lock", "--python", sys.executable]
    if tool == "pip":
        needs.module("pip")
        command = [sys.executable, "-m", "pip", "--no-input", "download", "--no-cache-dir"]
        command += ["--retries", "0", "-d", "target", "-r", "requirements.txt"]
    done = subprocess.run(
        [*before, *command], capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.tool}, {row.store}, {row.note}")
def test_note_tells_if_the_tool_itself_sends_the_login(
    row: Row,
    index: Recorder,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant(row, home, index, monkeypatch)
    assert main(["check", "--tool", row.tool, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["answer"] == "let in"
    assert result["tool_note"].startswith(row.note)
    assert bool(result["tool_note"]) is bool(row.note)
    before = len(index.seen)
    said = run_tool(row.tool)
    sent = {seen.authorization for seen in index.seen[before:]}
    assert (LOGIN in sent) is not bool(row.note), said


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_run_lets_the_tool_in_whose_note_names_it(
    tool: str, index: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(Row(tool, "auth file", ""), home, index, monkeypatch)
    if tool == "uv":  # a user is known by the name of an index only
        text = Path("pyproject.toml").read_text(encoding="utf-8")
        write(Path("pyproject.toml"), text.replace("default =", "name = 'acme'\ndefault ="))
    said = run_tool(tool, sys.executable, "-m", "authshim", "run", "--")
    assert LOGIN in {seen.authorization for seen in index.seen}, said

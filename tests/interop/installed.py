"""The real poetry and pdm, each in an environment of its own, and a project for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import needs
from clients.install import BESIDE, install
from interop.serving import content_of, page_of
from resolve_situations import wheel
from servers import CHALLENGE, Answer, Recorder

from authshim.cli import main
from authshim.project.manifest import Manifest

if TYPE_CHECKING:
    import pytest
    from servers import Seen

LOGIN = "Basic YWRhOnMzY3JldA=="
NETRC = {"home/.netrc": "machine 127.0.0.1 login ada password s3cret\n"}
AUTH_FILE = {
    "home/.rattler/credentials.json": json.dumps(
        {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "s3cret"}}}
    )
}
UV_STORE = {
    "home/.local/share/uv/credentials/credentials.toml": (
        "[[credential]]\nservice = 'SERVER'\nusername = 'ada'\npassword = 's3cret'\n"
    )
}

PROJECT = """
[project]
name = "x"
version = "1"
requires-python = "=={}.{}.*"
dependencies = ["demo"]
""".format(*sys.version_info)

BACKEND = '''\
"""A keyring with one entry, whose service stands in a file."""

import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential


class Keyring(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        known = Path(os.environ["KEPT_FOR"]).read_text()
        return "s3cret" if (service, username) == (known, "ada") else None

    def get_credential(self, service, username):
        password = self.get_password(service, username or "ada")
        return password and SimpleCredential("ada", password)

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
'''


class Row(NamedTuple):
    """The files and variables of a project, and the sentence about the tool.

    SERVER stands for the URL of the server, and HOST for its host and port.
    """

    says: str
    note: str
    """Its beginning. If it is empty, the tool itself gets in."""
    files: dict[str, str] = {}
    url: str = "SERVER/a/simple"
    keys: str = ""
    """More lines of the table of the source."""
    environ: dict[str, str] = {}
    kept_for: str = ""
    """The service of the entry in the keyring, if there is one."""
    answer: str = "let in"
    name: str = "acme"
    open_netrc: bool = False


class Tool:
    """An installed program, in the folder of a test, and an index server."""

    def __init__(self, name: str, folder: Path, server: Recorder) -> None:
        self.name = name
        self.server = server
        self._program = folder / "bin" / name

    def plant(
        self, files: dict[str, str], environ: dict[str, str], patch: pytest.MonkeyPatch
    ) -> None:
        """Write files below the current folder, which is the home of the user as well."""
        home = Path.cwd() / "home"
        patch.setenv("HOME", str(home))
        for name, text in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.filled(text), encoding="utf-8")
            path.chmod(0o600)
        # Both ask a network or an interpreter for more than the lock file needs otherwise.
        patch.setenv("PDM_CHECK_UPDATE", "0")
        patch.setenv("PDM_USE_VENV", "0")
        patch.setenv("PDM_PYTHON", sys.executable)
        patch.setenv("POETRY_VIRTUALENVS_CREATE", "false")
        # keyring finds authshim's back end where both are installed in one environment.
        patch.setenv("AUTHSHIM_KEYRING_BACKEND", "off")
        for name, text in environ.items():
            patch.setenv(name, self.filled(text))

    def keep(self, service: str, patch: pytest.MonkeyPatch) -> None:
        """Keep the login of ada in a keyring for a service."""
        folder = Path.cwd() / "backend"
        folder.mkdir()
        (folder / "kept.py").write_text(BACKEND, encoding="utf-8")
        (folder / "service").write_text(self.filled(service), encoding="utf-8")
        program = folder / "keyring"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m keyring "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        patch.setenv("KEPT_FOR", str(folder / "service"))
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv("PYTHON_KEYRING_BACKEND", "kept.Keyring")
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def lock(self, *before: str) -> tuple[bool, list[Seen], str]:
        """Let the program lock the project: True if it did, its requests, and its output.

        :param before: words before its command line.
        """
        self.server.clear()
        done = subprocess.run(
            [*before, str(self._program), "lock"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode == 0, self.server.seen, done.stdout

    def filled(self, text: str) -> str:
        """Return a text with the server in place of SERVER and HOST."""
        return text.replace("SERVER", self.server.url).replace("HOST", self.server.url[7:])


def environment(name: str, folder: Path) -> Path:
    """Return a folder with an environment that has a program."""
    needs.module("uv")
    if not install(folder, BESIDE[name]):
        needs.missing(f"{name} cannot be installed")
    return folder


def serve(recorder: Recorder, *, login: bool = False, whole_links: bool = True) -> None:
    """Let a server be several indexes, each by a folder of one letter.

    :param login: only ada is let in.
    :param whole_links: the links to files are whole URLs, and not paths.
    """

    def answer(seen: Seen) -> Answer:
        folder, _, rest = seen.path.strip("/").partition("/")
        if login and seen.authorization != LOGIN:
            return CHALLENGE
        if rest.startswith("files/"):
            return Answer(200, content_of(rest.partition("/")[2]))
        version = f"{ord(folder[0]) - ord('a') + 1}.0"
        if rest == "page.html":
            link = f'<a href="files/demo-{version}-py3-none-any.whl">demo</a>'
            return Answer(200, link.encode(), {"Content-Type": "text/html"})
        if rest != "simple/demo" or folder.isupper():
            return Answer(404)
        return page_of([wheel(version)], f"{recorder.url * whole_links}/{folder}/files")

    recorder.default = answer  # type: ignore[assignment]


def pages(seen: list[Seen]) -> list[str]:
    """Return the paths of the indexes that were asked, each once."""
    asked = [each.path.partition("/demo")[0].rstrip("/") for each in seen]
    return [path for path in dict.fromkeys(asked) if "/files" not in path]


def declared(server: Recorder, *, own: bool = False) -> list[str]:
    """Return the paths of the indexes that authshim takes for those of the project."""
    manifest = Manifest.load(os.curdir)
    indexes = manifest.own_indexes() if own else manifest.indexes()
    return [index.url.replace(server.url, "").rstrip("/") for index in indexes]


def check(
    row: Row, tool: Tool, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hold the sentence of ``check`` against the program."""
    table = f"[[tool.{tool.name}.source]]\nname = '{row.name}'\nurl = '{row.url}'\n{row.keys}\n"
    tool.plant({"pyproject.toml": PROJECT + table, **row.files}, row.environ, patch)
    if row.open_netrc:
        Path("home/.netrc").chmod(0o644)
    if row.kept_for:
        tool.keep(row.kept_for, patch)
    main(["check", "--json"])
    results = json.loads(capsys.readouterr().out)["results"]
    result = results[-1]
    assert result["answer"] == row.answer, result
    assert bool(result["tool_note"]) is bool(row.note)
    assert result["tool_note"].startswith(tool.filled(row.note))
    is_locked, seen, said = tool.lock()
    assert seen, said
    assert is_locked is not bool(row.note), said
    if not row.note:
        assert {each.authorization for each in seen} >= {LOGIN}


def check_trust(
    tool: Tool,
    keys: str,
    files: dict[str, str],
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Hold the sentence about a server whose certificate nobody verifies against the program."""
    serve(tool.server)
    table = f"[[tool.{tool.name}.source]]\nname = 'acme'\nurl = 'SERVER/a/simple'\n{keys}\n"
    tool.plant({"pyproject.toml": PROJECT + table, **files}, {}, patch)
    main(["check", "--json"])
    result = json.loads(capsys.readouterr().out)["results"][-1]
    assert result["answer"] == "unreachable"
    note = f"{tool.name} itself does not verify the certificate of this index"
    assert result["tool_note"].startswith(note)
    is_locked, _, said = tool.lock()
    assert is_locked, said

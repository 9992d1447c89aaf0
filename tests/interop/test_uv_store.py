"""uv judges how its own ``credentials.toml`` is read: ``uv auth helper`` finds the same login."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import needs
import pytest
from interop.serving import uv

import authshim

if TYPE_CHECKING:
    from pathlib import Path


def entry(service: str, username: str | None = "ada", **fields: str) -> str:
    given = {"service": service, "username": username, **fields}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in given.items() if value]
    return "".join(["[[credential]]\n", *lines])


LOGINS = (
    entry("https://h.example/acme", password="p1")
    + entry("https://h.example/", "root", password="p2")
    + entry("https://h.example/acme/deep/", "eve", password="p3")
    + entry("https://h.example/two", password="p4")
    + entry("https://h.example/two", "bob", password="p5")
    + entry("http://plain.example/", password="p6")
    + entry("https://bare.example/", "tok")
    + entry("https://bearer.example/x", None, scheme="bearer", token="t1")
)
URLS = [
    "https://h.example/",
    "https://h.example/acme",
    "https://h.example/acme/x?q",
    "https://h.example/acmex/x",
    "https://h.example/ACME/x",
    "https://H.example:443/acme/x",
    "https://h.example:8443/acme/x",
    "http://h.example/acme/x",
    "https://sub.h.example/acme/x",
    "https://h.example/acme/../x",
    "https://h.example/acme%2Fx",
    "https://h.example/acme/deep/x",
    "https://h.example/two/x",
    "https://bob@h.example/two/x",
    "https://ada@h.example/acme/x",
    "https://root@h.example/acme/x",
    "https://eve@h.example/acme/x",
    "http://plain.example/x",
    "https://bare.example/x",
    "https://bearer.example/x/y",
    "https://ada@bearer.example/x/y",
]
GOOD = entry("https://h.example/", password="p")
FILES = {
    "without a scheme": GOOD + entry("x.example", password="p"),
    "basic without a username": GOOD + entry("https://x.example/", None, password="p"),
    "basic with a token": GOOD + entry("https://x.example/", token="p"),
    "bearer with a username": GOOD + entry("https://x.example/", scheme="bearer", token="p"),
    "bearer without a token": GOOD + entry("https://x.example/", None, scheme="bearer"),
    "bearer with a password": GOOD + entry("https://x/", None, scheme="bearer", password="p"),
    "another scheme": GOOD + entry("https://x.example/", scheme="digest", password="p"),
    "a number": GOOD + "[[credential]]\nservice = 'https://x.example/'\nusername = 3\n",
    "a table": "[credential]\nservice = 'https://h.example/'\nusername = 'a'\n",
    "an unknown key": "x = 1\n" + entry("https://h.example/", password="p", color="red"),
    "another protocol": GOOD + entry("ftp://x.example/", password="p"),
    "the same user twice": GOOD + entry("https://h.example/", password="p2"),
    "userinfo": entry("https://eve:x@h.example/?q#f", password="p"),
    "a byte order mark": "\ufeff" + GOOD,
    "TOML 1.1": "credential = [{service = 'https://h.example/',\n username = 'a',}]\n",
    "an empty file": "",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of uv's store."""
    needs.module("uv")
    monkeypatch.setenv("UV_CREDENTIALS_DIR", str(tmp_path))
    return tmp_path


def run_uv(*arguments: str, question: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [uv(), *arguments],
        env={**os.environ, "UV_PREVIEW_FEATURES": "auth-helper"},
        input=question,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def header_of_uv(url: str) -> str | None:
    """Return the header that uv would send, or None if it sends none or refuses its file."""
    question = json.dumps({"uri": url})
    ended = run_uv("auth", "helper", "--protocol=bazel", "get", question=question)
    if ended.returncode:
        assert "Multiple credentials" in ended.stderr or "TOML" in ended.stderr
        return None
    return json.loads(ended.stdout)["headers"].get("Authorization", [None])[0]


def header_of_authshim(url: str) -> str | None:
    found = authshim.Chain.from_environment(keyring_provider="disabled").find(url)
    return found and found.credential.header


@pytest.mark.parametrize("url", URLS)
def test_url_gets_the_login_that_uv_finds(url: str, folder: Path) -> None:
    (folder / "credentials.toml").write_text(LOGINS, encoding="utf-8")
    assert header_of_authshim(url) == header_of_uv(url)


@pytest.mark.parametrize("name", FILES)
def test_file_is_read_or_refused_as_uv_does(name: str, folder: Path) -> None:
    (folder / "credentials.toml").write_text(FILES[name], encoding="utf-8")
    for url in ("https://h.example/acme", "https://x.example/"):
        assert header_of_authshim(url) == header_of_uv(url)


@pytest.mark.parametrize("options", [("--username", "ada", "--password", "p"), ("--token", "t")])
def test_login_by_uv_is_found(options: tuple[str, ...], folder: Path) -> None:
    assert run_uv("auth", "login", "https://h.example/acme/simple/", *options).returncode == 0
    header = header_of_authshim("https://h.example/acme/simple/demo/")
    assert header is not None
    assert header == header_of_uv("https://h.example/acme/simple/demo/")


def test_logout_of_uv_is_the_command_that_authshim_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = ("--username", "ada", "--password", "s3cret")
    run_uv("auth", "login", "https://h.example/acme", *login)
    authshim_main(["auth", "logout", "h.example"])
    command = capsys.readouterr().out.strip().rpartition(": uv ")[2]
    assert run_uv(*command.split()).returncode == 0
    assert header_of_authshim("https://h.example/acme/") is None


def authshim_main(words: list[str]) -> int:
    from authshim.cli import main

    return main(words)

"""The credential helper of git, asked as git asks it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Callable

import pytest
from git_server import Repository
from leaks import assert_no_secret

from authshim.integrations import git
from authshim.integrations.git_config import set_up, storing

if TYPE_CHECKING:
    from servers import Recorder

Ask = Callable[..., "dict[str, str]"]

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def login(home: Path) -> None:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir()
    ada = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}
    entries = {
        "h.example": ada,
        "127.0.0.1": ada,
        "t.example": {"BearerToken": "tk"},
        "c.example": {"CondaToken": "tk"},
        "p.example/group": ada,
    }
    path.write_text(json.dumps(entries))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """Ask the helper as git does, and return its answer."""

    def ask(*lines: str, action: str = "get") -> dict[str, str]:
        question = "".join(f"{line}\n" for line in (*lines, ""))
        return ask_bytes(question.encode(), action)

    def ask_bytes(question: bytes, action: str) -> dict[str, str]:
        written = io.BytesIO()
        streams = {"stdin": io.BytesIO(question), "stdout": written}
        for name, stream in streams.items():
            monkeypatch.setattr(git.sys, name, SimpleNamespace(buffer=stream))
        assert git.main([action]) == 0
        lines = written.getvalue().decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    return ask


def test_get_returns_the_username_and_the_password(ask: Ask) -> None:
    answer = ask("protocol=https", "host=h.example", "username=ada")
    assert answer == {"username": "ada", "password": "s3cret"}


def test_get_returns_the_login_of_a_repository(ask: Ask) -> None:
    assert ask("protocol=https", "host=p.example", "path=group/repo.git")["username"] == "ada"
    assert ask("protocol=https", "host=p.example", "path=other/repo.git") == {}


@pytest.mark.parametrize(
    "path", ["group%2f..%2fother/repo.git", "../group/repo.git", "x?/../group"]
)
def test_get_returns_nothing_of_a_path_if_the_path_is_ambiguous(ask: Ask, path: str) -> None:
    assert ask("protocol=https", "host=p.example", f"path={path}") == {}


def test_get_returns_nothing_for_another_user(ask: Ask) -> None:
    assert ask("protocol=https", "host=h.example", "username=bob") == {}


def test_get_returns_a_token_as_a_password(ask: Ask) -> None:
    answer = ask("protocol=https", "host=t.example")
    assert answer == {"username": "__token__", "password": "tk"}


def test_get_returns_a_bearer_if_git_takes_any_scheme(ask: Ask) -> None:
    answer = ask("capability[]=authtype", "capability[]=state", "protocol=https", "host=t.example")
    assert answer == {
        "capability[]": "authtype",
        "authtype": "Bearer",
        "credential": "tk",
        "ephemeral": "1",
    }


def test_get_returns_a_password_if_git_takes_any_scheme(ask: Ask) -> None:
    answer = ask("capability[]=authtype", "protocol=https", "host=h.example")
    assert answer == {"username": "ada", "password": "s3cret"}


def test_get_returns_nothing_for_a_conda_token(ask: Ask) -> None:
    assert ask("protocol=https", "host=c.example") == {}


def test_get_answers_http_on_loopback_only(ask: Ask) -> None:
    assert ask("protocol=http", "host=127.0.0.1:8080")["password"] == "s3cret"
    assert ask("protocol=http", "host=h.example") == {}


@pytest.mark.parametrize(
    "lines",
    [
        ["protocol=https"],
        ["host=h.example"],
        ["protocol=ssh", "host=h.example"],
        ["protocol=https", "host=h.example/@evil.example"],
        ["protocol=https", "host=evil.example@h.example"],
        ["protocol=https", "host=h.example#.evil.example"],
        ["protocol=https", "host=h.example?.evil.example"],
        ["protocol=https", "host=h.example\\.evil.example"],
        ["protocol=https", "host=h.example%2f.evil.example"],
        ["protocol=https", "host=h.example", "username=ada\0"],
        ["protocol=https", "host=h.example\r"],
        ["protocol=https", "host=h.example", "path=\0"],
        ["protocol=https", "host=t.example", "username=ada\0", "capability[]=authtype"],
        ["protocol=https", "host=h.example", "path=" + "a" * git.MAX_QUESTION_BYTES],
    ],
)
def test_get_returns_nothing_for_an_unclear_question(ask: Ask, lines: list[str]) -> None:
    assert ask(*lines) == {}


def test_read_returns_none_if_the_question_is_not_utf_8() -> None:
    assert git.read(b"protocol=https\nhost=h.example\nusername=\xff\n\n") is None


@pytest.mark.parametrize("action", ["store", "erase", "capability", "other"])
def test_other_actions_print_and_change_nothing(ask: Ask, home: Path, action: str) -> None:
    path = home / ".rattler" / "credentials.json"
    before = path.read_bytes()
    lines = ["protocol=https", "host=h.example", "username=ada", "password=other"]
    assert ask(*lines, action=action) == {}
    assert path.read_bytes() == before


def test_get_warns_of_a_broken_setting_and_returns_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", "soon")
    assert ask("protocol=https", "host=h.example") == {}
    assert caplog.messages[0].startswith("AUTHSHIM_KEYRING_TIMEOUT")


# the other helpers


def configured(*settings: tuple[str, str]) -> str:
    return "".join(f"credential.{context}helper\n{value}\0" for context, value in settings)


OURS = ("https://h.example.", "authshim")
EMPTY = ("https://h.example.", "")


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ([OURS], []),
        ([("", "store"), OURS], ["store"]),
        ([OURS, ("", "store")], ["store"]),
        ([("", "store"), EMPTY, OURS], []),
        ([EMPTY, OURS, ("", "store --file x")], ["store"]),
        ([OURS, ("", "/usr/lib/git-core/git-credential-libsecret")], ["libsecret"]),
        ([OURS, ("", "cache"), ("", "!f() { true; }; f")], []),
        ([OURS, ("https://other.example.", "store")], []),
        ([OURS, ("http://h.example.", "store")], []),
        ([OURS, ("https://*.example.", "store")], ["store"]),
        ([OURS, ("h.example.", "store")], ["store"]),
        ([OURS, ("https://ada@h.example.", "store")], ["store"]),
    ],
)
def test_storing_helpers_are_those_of_the_host_after_an_empty_one(
    settings: list[tuple[str, str]], found: list[str]
) -> None:
    assert storing(configured(*settings), "https", "h.example") == found


def test_storing_returns_nothing_if_git_cannot_be_asked() -> None:
    assert storing("", "https", "h.example") == []


# the real git


@pytest.fixture
def repository(recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository for ada, and a PATH with the helper."""
    program = tmp_path / "bin" / "git-credential-authshim"
    program.parent.mkdir()
    text = "import sys\nfrom authshim.integrations.git import main\nsys.exit(main())\n"
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    repository = Repository(tmp_path / "repository", {"README": "read me\n"})
    recorder.on("/repo.git/*", repository.protected("/repo.git", "ada", "s3cret"))
    return repository


def clone(recorder: Recorder, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["git", *options, "clone", "--quiet", f"{recorder.url}/repo.git", "cloned"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def options(recorder: Recorder) -> list[str]:
    key = f"credential.{recorder.url}.helper"
    return ["-c", f"{key}=", "-c", f"{key}=authshim"]


@needs_git
def test_git_clones_with_the_login(repository: Repository, recorder: Recorder) -> None:
    done = clone(recorder, *options(recorder))
    assert (done.stderr, done.returncode) == ("", 0)
    assert Path("cloned", "README").read_text() == "read me\n"
    assert_no_secret(
        *(path.read_text(errors="replace") for path in Path("cloned").rglob("*") if path.is_file())
    )


@needs_git
def test_git_clones_nothing_without_the_helper(repository: Repository, recorder: Recorder) -> None:
    assert clone(recorder).returncode != 0


@needs_git
def test_git_stores_nothing_behind_an_empty_helper(
    repository: Repository, recorder: Recorder, home: Path
) -> None:
    assert clone(recorder, "-c", "credential.helper=store", *options(recorder)).returncode == 0
    assert not (home / ".git-credentials").exists()


@needs_git
def test_helper_warns_if_a_storing_helper_gets_the_password(
    repository: Repository, recorder: Recorder, home: Path
) -> None:
    done = clone(recorder, *options(recorder), "-c", "credential.helper=store")
    assert "to its credential helper store, which stores it" in done.stderr
    assert_no_secret(done.stderr)
    assert (home / ".git-credentials").exists()


@needs_git
def test_commands_of_the_warning_stop_the_storing(
    repository: Repository, recorder: Recorder, home: Path
) -> None:
    host = recorder.url.partition("://")[2]
    before = [*set_up("http", host), "git config --global credential.helper store"]
    for command in [*before, *set_up("http", host, again=True)]:
        subprocess.run(command, shell=True, check=True)
    done = clone(recorder)
    assert (done.stderr, done.returncode) == ("", 0)
    assert not (home / ".git-credentials").exists()

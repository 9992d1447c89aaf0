"""The look-alike of ``keyring``: which questions it answers, and what it leaves to the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from authshim import cli
from authshim.integrations import ASKING, SCRIPT, keyring_command
from authshim.integrations import look_alike as writer

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://h.example/simple/"
REAL = """\
#!/bin/sh
echo "real: $* (asking: ${AUTHSHIM_ASKING-no})"
exit 3
"""

posix = pytest.mark.skipif(os.name == "nt", reason="a program of POSIX")


@pytest.fixture(autouse=True)
def login(home: Path) -> None:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir()
    entries = {
        "h.example": {"BasicHTTP": {"username": "ada", "password": "s3crét"}},
        "t.example": {"BearerToken": "tk"},
    }
    path.write_text(json.dumps(entries))


@pytest.fixture
def look_alike(tmp_path: Path) -> Path:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    return type(tmp_path)(writer.write(str(folder)))


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A keyring that tells what it was asked."""
    path = tmp_path / "real" / "keyring"
    path.parent.mkdir()
    path.write_text(REAL)
    path.chmod(0o700)
    return path


def ask(
    look_alike: Path, *words: str, behind: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    folders = [look_alike.parent, *([behind.parent] if behind else [])]
    path = os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])
    command = [str(look_alike), *words]
    environ = {**os.environ, **environ, "PATH": path}
    return subprocess.run(
        command, env=environ, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


# the forms of pip and uv


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["get", URL, "ada"], "s3crét\n"),
        (
            ["--mode=creds", "--output=json", "get", URL],
            '{"username": "ada", "password": "s3cr\\u00e9t"}\n',
        ),
        (
            ["--mode", "creds", "--output", "json", "get", URL, "ada"],
            '{"username": "ada", "password": "s3cr\\u00e9t"}\n',
        ),
        (["get", URL, "--mode", "creds"], "ada\ns3crét\n"),
        (["get", "--mode", "creds", URL, "ada"], "ada\ns3crét\n"),
        (["--output", "json", "get", URL, "ada"], '{"password": "s3cr\\u00e9t"}\n'),
        (["--mode", "creds", "get", "https://t.example/"], "__token__\ntk\n"),
    ],
)
def test_every_form_of_get_is_answered_as_keyring_does(
    words: list[str], answer: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert keyring_command.main(words) == 0
    assert capfdbinary.readouterr() == (answer.encode(), b"")


@posix
def test_look_alike_is_a_program_that_answers(look_alike: Path) -> None:
    done = ask(look_alike, "get", URL, "ada")
    assert (done.stdout, done.stderr, done.returncode) == ("s3crét\n", "", 0)


@pytest.mark.parametrize(
    "words",
    [["get", URL, "bob"], ["get", "h.example", "ada"], ["get", "https://no.example", "ada"]],
)
def test_a_miss_ends_with_1_and_says_nothing(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert keyring_command.main(words) == 1
    assert capfd.readouterr() == ("", "")


@posix
def test_a_variable_of_python_does_not_disturb_it(look_alike: Path, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    (tmp_path / "authshim.py").write_text("raise SystemExit(9)")
    done = ask(
        look_alike,
        "get",
        URL,
        "ada",
        PYTHONPATH=str(tmp_path),
        PYTHONHOME="/nowhere",
        PYTHONIOENCODING="ascii",
    )
    assert done.stdout == "s3crét\n"


@posix
def test_the_current_folder_is_not_imported_from(
    look_alike: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("authshim", "logging", "json"):
        type(look_alike)(f"{name}.py").write_text("raise SystemExit(9)")
    assert ask(look_alike, "get", URL, "ada").stdout == "s3crét\n"


def test_the_current_folder_is_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(os.getcwd())
    writer.write(str(tmp_path))
    program = (tmp_path / SCRIPT).read_text()
    assert os.getcwd() not in program


@posix
def test_a_wrong_setting_is_said_and_the_real_keyring_asked(look_alike: Path, real: Path) -> None:
    done = ask(look_alike, "get", URL, "ada", behind=real, AUTHSHIM_KEYRING_TIMEOUT="soon")
    assert done.stderr.startswith("authshim: AUTHSHIM_KEYRING_TIMEOUT")
    assert done.stdout.startswith("real: get")


@posix
def test_it_imports_neither_requests_nor_urllib3_nor_keyring(look_alike: Path) -> None:
    shell = (
        f"exec {sys.executable} -X importtime -I -S '{look_alike.parent}/{SCRIPT}' get {URL} ada"
    )
    script = shell.replace("it's", "it'\\''s")
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.stdout == "s3crét\n"
    assert not imported & {"requests", "urllib3", "keyring", "argparse", "subprocess"}


# the real keyring behind it


class BecameError(Exception):
    """Raised instead of becoming another program."""


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], str]]:
    """The programs that this process would have become: path, words and the variable."""
    programs: list[tuple[str, list[str], str]] = []

    def become(path: str, words: list[str], environ: dict[str, str]) -> None:
        programs.append((path, words, environ[ASKING]))
        raise BecameError

    monkeypatch.setattr(os, "execve", become)
    return programs


@posix
@pytest.mark.parametrize(
    "words",
    [
        ["get", "https://vendor.example/simple/", "ada"],
        ["get", "h.example", "ada"],
        ["set", URL, "ada"],
        ["del", URL, "ada"],
        ["get", URL],
        ["--mode", "other", "get", URL],
        ["-b", "keyring.backends.null.Keyring", "get", URL, "ada"],
        ["--list-backends"],
        ["--help"],
        [],
    ],
)
def test_every_other_question_goes_to_the_real_keyring(
    real: Path,
    words: list[str],
    became: list[tuple[str, list[str], str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(real.parent))
    with pytest.raises(BecameError):
        keyring_command.main(words)
    assert became == [(str(real), [str(real), *words], "1")]


@posix
def test_real_keyring_answers_in_the_place_of_the_look_alike(look_alike: Path, real: Path) -> None:
    done = ask(look_alike, "set", URL, "ada", behind=real)
    assert (done.stdout, done.returncode) == (f"real: set {URL} ada (asking: 1)\n", 3)


@posix
def test_a_question_of_the_chain_goes_to_the_real_keyring(
    real: Path, became: list[tuple[str, list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(real.parent))
    monkeypatch.setenv(ASKING, "1")
    with pytest.raises(BecameError):
        keyring_command.main(["get", URL, "ada"])
    assert became[0][1] == [str(real), "get", URL, "ada"]


@posix
def test_another_look_alike_is_passed_over(look_alike: Path, real: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    writer.write(str(outer))
    path = os.pathsep.join(["relative", str(outer), str(look_alike.parent), str(real.parent)])
    assert keyring_command.find_real({"PATH": path}) == str(real)


@posix
def test_writing_without_a_real_keyring_names_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert keyring_command.main(["set", URL, "ada"]) == 1
    assert "pipx install keyring" in capfd.readouterr().err


# Windows, as far as its files can be looked at elsewhere


def test_windows_gets_a_batch_file_if_there_is_no_launcher(tmp_path: Path) -> None:
    program = writer.write(str(tmp_path), windows=True)
    assert program == str(tmp_path / "keyring.cmd")
    script = tmp_path / SCRIPT
    assert (tmp_path / "keyring.cmd").read_text() == f'@"{sys.executable}" -I -S "{script}" %*\n'


def test_windows_gets_a_copy_of_the_launcher(tmp_path: Path) -> None:
    launcher = tmp_path / "authshim.exe"
    launcher.write_bytes(b"MZ\0launcher")
    folder = tmp_path / "folder"
    folder.mkdir()
    program = writer.write(str(folder), windows=True, launcher=str(launcher))
    assert program == str(folder / "keyring.exe")
    assert (folder / "keyring.exe").read_bytes() == b"MZ\0launcher"


def test_the_copied_launcher_answers_as_keyring(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "argv", ["C:/folder/keyring.exe", "get", URL, "ada"])
    assert cli.main() == 0
    assert capsysbinary.readouterr().out == "s3crét\n".encode()

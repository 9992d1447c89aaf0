"""Lines of text reach the terminal, and all of them, whatever names a project or server has."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import Answer

from authshim.cli import main, terminal

if TYPE_CHECKING:
    from servers import Recorder

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b31m\u202e\n"
"""A title, a colour in two ways, text from right to left, and a line of one's own."""

PROJECT = """
[workspace]
channels = ["{url}/channel\\u009b31m"]
platforms = ["linux-64{evil}"]

[pypi-options]
index-url = "{url}/simple\\u202e"

[pypi-dependencies]
demo = "===1\\u009b31m"

[target."linux{evil}".pypi-options]
index-url = "{url}/"

[feature.ml.pypi-dependencies]
other = "*"

[environments]
"ml{evil}" = ["ml"]
"""

AUTH_FILE = {
    f"{EVIL}.example": {"BearerToken": "s3cret"},
    "a.example": {"BasicHTTP": {"username": "ada\x9b31m\u202e", "password": "s3cret"}},
    "b.example": {EVIL: 1},
    f"https://{EVIL}": {"BearerToken": "s3cret"},
}

posix = pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX")


@pytest.fixture
def hostile(recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A project, and an auth file that it names, of somebody who wants to have the terminal."""
    evil = json.dumps(EVIL)[1:-1]
    (tmp_path / "pixi.toml").write_text(
        PROJECT.format(url=recorder.url, evil=evil), encoding="utf-8"
    )
    (tmp_path / ".pixi").mkdir()
    (tmp_path / f"auth{EVIL}.json").write_text(json.dumps(AUTH_FILE), encoding="utf-8")
    option = f"authentication-override-file = {json.dumps(str(tmp_path / f'auth{EVIL}.json'))}\n"
    (tmp_path / ".pixi" / "config.toml").write_text(option, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return recorder


@posix
@pytest.mark.parametrize(
    "words",
    [
        ["check", "-vv"],
        ["resolve"],
        ["explain", "http://a.example/"],
        ["explain", f"http://a.example/{EVIL}"],
        ["check", "-e", EVIL],
        ["check", "--manifest-path", EVIL],
        ["auth", "status", "--auth-file", f"auth{EVIL}.json"],
        ["auth", "status", "a.example", "--auth-file", f"auth{EVIL}.json"],
        ["auth", "logout", "a.example", "--auth-file", f"auth{EVIL}.json"],
        ["auth", "login", "c.example", "--token", "s3cret", "--auth-file", f"auth{EVIL}.json"],
        ["get", "{url}/demo.whl", "-o", f"demo{EVIL}"],
        ["get", f"{{url}}/{EVIL}"],
    ],
    ids=lambda words: " ".join(words).encode("unicode_escape").decode(),
)
def test_output_has_no_control_characters(
    words: list[str], hostile: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    main([word.replace("{url}", hostile.url) for word in words])
    shown = capsys.readouterr()
    assert [line for line in (shown.out + shown.err).split("\n") if not line.isprintable()] == []
    assert shown.out + shown.err


def test_warning_is_printed_once_and_with_a_tilde(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".netrc").write_text("machine\n", encoding="utf-8")
    file = home / ".rattler" / "credentials.json"
    file.parent.mkdir()
    file.write_text('{"*": {"BearerToken": "s3cret"}}', encoding="utf-8")
    file.chmod(0o600)
    assert main(["auth", "login", "a.example", "--token", "s3cret"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert (
        told.count(
            "authshim: ~/.rattler/credentials.json: * matches nothing; name a host behind it"
        )
        == 1
    )
    assert "authshim: ~/.netrc: line 1: expected a host name" in told


def in_shell(line: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell, in which ``$@`` is a command of authshim."""
    command = [sys.executable, "-m", "authshim", *words]
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *command], capture_output=True, text=True, check=False
    )


@posix
@pytest.mark.parametrize(
    "words", [["explain", "http://["], ["nonsense"], ["auth", "login"]], ids=" ".join
)
def test_a_standard_error_that_is_closed_changes_no_code_and_no_output(words: list[str]) -> None:
    told = in_shell('"$@" 2>&-', *words)
    assert (told.returncode, told.stdout) == (2, "")


@posix
def test_check_prints_its_results_if_standard_error_is_closed(hostile: Recorder) -> None:
    told = in_shell('"$@" 2>&-', "check")
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["index", "channel"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words", [["explain", "http://["], ["nonsense"], ["auth", "login", "h"]], ids=" ".join
)
def test_a_standard_error_that_is_full_changes_no_code(words: list[str]) -> None:
    assert in_shell('"$@" 2>/dev/full', *words).returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words", [["--version"], ["auth", "status"], ["completion", "bash"]], ids=" ".join
)
def test_full_standard_output_is_reported(words: list[str]) -> None:
    told = in_shell('"$@" >/dev/full', *words)
    assert (told.returncode, told.stderr) == (
        1,
        "authshim: error: standard output: no space left on device\n",
    )


@posix
def test_completion_reports_no_error_if_its_reader_is_gone() -> None:
    told = in_shell('"$@" | true', "completion", "bash")
    assert told.stderr == ""


@posix
def test_a_closed_standard_output_takes_no_file(recorder: Recorder) -> None:
    told = in_shell('"$@" >&-', "get", f"{recorder.url}/demo.whl", "-o", "-")
    assert told.returncode == 2
    assert "standard output is closed or a terminal; name a file" in told.stderr


@posix
def test_get_reports_a_missing_temporary_folder(recorder: Recorder) -> None:
    code = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/dev/null/none']\n"
    code += "import sys; from authshim.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "get", f"{recorder.url}/demo.whl", "-o", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("authshim: error: no usable temporary directory")


URL = f"https://index.example/{'team-' * 16}/simple"

LONG = f"""
[workspace]
channels = ["gcs://bucket/{"c" * 80}"]
platforms = []

[pypi-options]
index-url = "https://{{host}}.example/{"team-" * 12}/simple"

[pypi-dependencies]
demo = "*"
"""


@pytest.mark.parametrize(
    ("line", "fitted"),
    [
        ("short", "short"),
        (f"a{' ' * 90}b", "a  b"),
        (f"  {'word ' * 18}end", f"  {'word ' * 14}word\n      word word word end"),
        (f"-> look at {URL} again", f"-> look at\n    {URL}\n    again"),
        ("x" * 90, "x" * 90),
        (f"{'-' * 70} well-known-name", f"{'-' * 70}\n    well-known-name"),
    ],
)
def test_line_is_broken_between_words_at_80_columns(line: str, fitted: str) -> None:
    assert terminal.fit(line, 80) == fitted
    assert terminal.fit(line, None) == line


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["resolve"],
        ["explain", URL],
        ["auth", "status"],
        ["check", "--manifest-path", "/" + "n" * 90],
    ],
    ids=" ".join,
)
def test_command_breaks_no_word_on_a_terminal(
    words: list[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("pixi.toml").write_text(LONG.format(host="nowhere"), encoding="utf-8")
    file = home / ".rattler" / "credentials.json"
    file.parent.mkdir()
    file.write_text(json.dumps({f"{URL[8:]}/x": {"BearerToken": "s3cret"}}), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "80")

    def words_shown(*, on_terminal: bool) -> list[str]:
        monkeypatch.setattr("authshim.cli.terminal.columns", lambda _: 80 if on_terminal else None)
        main(words)
        lines = "".join(capsys.readouterr()).splitlines()
        if on_terminal:
            assert [each for each in lines if len(each) > 80 and " " in each.strip()] == []
        return [re.sub(r"^[0-9.]+$", "0", word) for each in lines for word in each.split()]

    assert words_shown(on_terminal=True) == words_shown(on_terminal=False)


def test_json_does_not_depend_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown() -> str:
        assert main(["auth", "status", "--json"]) == 0
        return capsys.readouterr().out

    before = shown()
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert shown() == before


def test_columns_are_those_of_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert terminal.columns(sys.stdout) is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert terminal.columns(sys.stdout) == 100
    monkeypatch.setenv("COLUMNS", "0")
    assert terminal.columns(sys.stdout) == terminal.MINIMUM_COLUMNS
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((0, 0)))
    assert terminal.columns(sys.stdout) == terminal.DEFAULT_COLUMNS


def test_resolve_prints_no_warning_of_another_library(recorder: Recorder, tmp_path: Path) -> None:
    recorder.on("/simple/*", Answer(200, b""))
    (tmp_path / "pixi.toml").write_text(
        "[workspace]\nchannels = []\nplatforms = []\n"
        f"[pypi-options]\nindex-url = '{recorder.url}/simple'\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "authshim",
        "resolve",
        "demo",
        "--manifest-path",
        str(tmp_path),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (1, "")


@pytest.mark.parametrize(
    ("last", "printed"),
    [
        ("short", ["a     b        c", f"long  longer   {'short'}"]),
        ("x" * 70, ["a  b  c", f"long  longer  {'x' * 70}".replace("  x", "\n    x")]),
    ],
    ids=["fits", "too long"],
)
def test_rows_of_a_table_lose_their_padding_together(
    last: str,
    printed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(terminal, "columns", lambda _: 80)
    terminal.say_rows(["a     b        c", f"long  longer   {last}"])
    assert capsys.readouterr().out == "".join(f"{line}\n" for line in printed)


def test_question_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "columns", lambda _: 80)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert terminal.ask("is it so? " * 12)
    assert max(map(len, capsys.readouterr().err.splitlines())) <= 81

"""The sentences about a mistyped command line: each helps, and shows no secret."""

from __future__ import annotations

import pytest

from authshim.cli import main


def refusal(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of standard error of a command line that is refused."""
    try:
        code: object = main(line.split())
    except SystemExit as ended:
        code = ended.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    lines: list[str] = err.splitlines()
    return lines


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("chekc", "error: no command 'chekc'; did you mean check?"),
        ("login h.example", "error: no command 'login'; did you mean auth login?"),
        ("auth lgoin", "error: no command 'lgoin'; did you mean login?"),
        (
            "check --mainfest-path x",
            "error: check has no option --mainfest-path; did you mean --manifest-path?",
        ),
        ("check --mainfest-path=x", "--mainfest-path; did you mean --manifest-path?"),
        ("auth login h --tokn s3cret", "has no option --tokn; did you mean --token?"),
        ("completion bsh", "SHELL cannot be bsh; did you mean bash?"),
    ],
)
def test_mistyped_word_gets_a_suggestion(
    line: str, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(line, capsys)[-1].endswith(end)


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("check here", "check does not take the argument here"),
        ("doctor --zzz", "doctor has no option --zzz"),
        ("explain https://a.example/ https://b.example/", "argument https://b.example/"),
        ("xyzzy", "no command 'xyzzy' (choose from auth, check, explain, get, resolve, run, "),
    ],
)
def test_mistyped_word_is_echoed_if_nothing_is_near(
    line: str, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end in refusal(line, capsys)[-1]


@pytest.mark.parametrize(
    "line",
    [
        "--token s3cret check",
        "auth --token s3cret login h.example",
        "auth login h.example --tokn s3cret",
        "auth login h.example --tokens3cret",
        "auth login h.example --pasword=s3cret",
        "auth login h.example --password --s3cret",
        "auth login h.example --token my s3cret",
        "auth login h.example s3cret",
        "check -ps3cret",
        "check --secret s3cret",
        "check --secret=s3cret",
        "check glpat-s3cret",
        "explain https://a.example/ https://ada:s3cret@b.example/",
        "completion ada:s3cret",
    ],
)
def test_mistyped_line_shows_no_secret(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "s3cret" not in " ".join(refusal(line, capsys))


def test_usage_is_that_of_the_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal("auth status --jsn", capsys)[0].startswith("usage: authshim auth status ")
    assert refusal("auth", capsys)[0].startswith("usage: authshim auth ")


def test_help_breaks_no_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("authshim.cli.parser._width", lambda: 40)
    with pytest.raises(SystemExit):
        main(["completion", "-h"])
    words = capsys.readouterr().out.split()
    assert "~/.local/share/bash-completion/completions/authshim;" in words

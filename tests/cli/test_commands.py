"""The command line as it is typed, and what it prints."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from servers import CHALLENGE, Answer, Recorder

from authshim.cli import main
from authshim.concurrency import TimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = """
[workspace]
channels = ["{url}/channel"]
platforms = []

[pypi-options]
index-url = "{url}/simple"

[feature.ml.pypi-options]
extra-index-urls = ["{url}/ml/simple"]

[environments]
ml = ["ml"]
"""


@pytest.fixture
def project(recorder: Recorder) -> Recorder:
    """A project in the current folder, whose places are all on one server."""
    Path("pixi.toml").write_text(PROJECT.format(url=recorder.url), encoding="utf-8")
    return recorder


@pytest.fixture
def netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n", encoding="utf-8")


def test_check_prints_a_line_for_each_place(
    project: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["index", f"{project.url}/simple", "open"],
        ["index", f"{project.url}/ml/simple", "open"],
        ["channel", f"{project.url}/channel", "open"],
    ]
    assert lines[0].split()[3] == "(HTML;"
    assert lines[2].split()[-2:] == ["s;", "pixi.toml:3)"]


def test_check_takes_one_environment(project: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-e", "default"]) == 0
    assert "/ml/" not in capsys.readouterr().out


def test_check_names_the_credential_and_its_provider(
    project: Recorder, netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", "-e", "default"])
    line = capsys.readouterr().out.splitlines()[0]
    assert "let in (BasicHTTP(username='ada', password=****) from netrc ~/.netrc; HTML; " in line


@pytest.mark.usefixtures("unknowing_keyring")
def test_check_ends_with_1_and_a_next_step_if_one_is_not_fine(
    project: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    project.on("/simple/*", CHALLENGE)
    assert main(["check", "-e", "default"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert "no credential (HTTP 401; no provider has one; " in out[0]
    assert out[1].strip().startswith("-> authshim auth login 127.0.0.1")


def test_check_names_the_file_of_a_rejected_login(
    project: Recorder, netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    project.on("/simple/*", CHALLENGE)
    main(["check", "-e", "default"])
    assert capsys.readouterr().out.splitlines()[1].endswith("in netrc ~/.netrc")


def test_check_json_has_a_version_and_no_secret(
    project: Recorder, netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--json", "-e", "default"]) == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    assert (document["version"], document["fine"]) == (1, True)
    assert 0 < document["results"][0].pop("seconds") < 30
    assert document["manifest"] == str(Path("pixi.toml").resolve())
    assert document["results"][0] == {
        "kind": "index",
        "url": f"{project.url}/simple",
        "answer": "let in",
        "fine": True,
        "status": 200,
        "credential": "BasicHTTP",
        "username": "ada",
        "provider": f"netrc {Path.home() / '.netrc'}",
        "key": "127.0.0.1",
        "api": "HTML",
        "mirror": None,
        "detail": "",
        "next_step": "",
        "tool_note": "",
        "declared_in": f"{Path('pixi.toml').resolve()}:7",
    }
    assert "s3cret" not in out


def test_the_manifest_is_searched_for_in_the_folders_above(
    project: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    below = Path("src/package")
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main(["check"]) == 0


def test_a_pyproject_without_pixi_does_not_hide_the_manifest_above(
    project: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("sub").mkdir()
    Path("sub/pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    monkeypatch.chdir("sub")
    assert main(["check", "-e", "ml"]) == 0


def test_check_names_the_files_that_it_looks_for_if_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert "error: there is no project of pixi, uv, poetry, pdm or pip here or above" in err
    assert "--manifest-path" in err


@pytest.mark.parametrize("text", ["", "[dependencies]\n", "[package]\nname = 'x'\n"])
def test_check_names_a_pixi_toml_without_a_workspace(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pixi.toml").write_text(text, encoding="utf-8")
    assert main(["check"]) == 1
    path = Path("pixi.toml").resolve()
    assert f"error: {path}: it has no [workspace], and no folder above" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[workspace", "[workspace]\nchannels = 3\n"])
def test_a_manifest_that_is_wrong_stops_with_1_and_names_the_file(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pixi.toml").write_text(text, encoding="utf-8")
    assert main(["check"]) == 1
    assert f"error: {Path('pixi.toml').resolve()}: " in capsys.readouterr().err


def test_check_lists_the_environments_if_one_is_unknown(
    project: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "-e", "dev"]) == 1
    assert "there is no environment 'dev'; it has default, ml" in capsys.readouterr().err


def test_an_auth_file_that_was_named_is_the_only_provider(
    project: Recorder, netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    project.default = CHALLENGE
    Path("auth.json").write_text("{}", encoding="utf-8")
    assert main(["check", "-e", "default", "--auth-file", "auth.json"]) == 1
    assert "only auth.json was read: --auth-file is set" in capsys.readouterr().out


def test_explain_prints_each_provider_and_ends_with_0_if_one_answers(
    recorder: Recorder, netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", f"{recorder.url}/x"]) == 0
    out = capsys.readouterr().out
    assert "netrc ~/.netrc" in out
    assert "BasicHTTP(username='ada', password=****)" in out
    assert "s3cret" not in out
    assert recorder.seen == []


def test_explain_ends_with_1_if_there_is_no_credential(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "https://index.example/simple/"]) == 1
    assert "no credential" in capsys.readouterr().out


@pytest.mark.usefixtures("unknowing_keyring")
def test_explain_takes_a_username_that_the_url_does_not_name(
    netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--username", "bob", "https://127.0.0.1/"]) == 1
    assert "another user than 'bob'" in capsys.readouterr().out


def test_explain_takes_the_servers_that_named_the_url(
    netrc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    page, other = "https://index.example/simple/", "https://other.example/"
    assert main(["explain", "http://127.0.0.1/x", "--named-by", page, "--named-by", other]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "not sent: other.example named it over http",
        "  -> declare http://127.0.0.1 in the project, or ask whoever named it to use https",
    ]
    assert main(["explain", "https://127.0.0.1/x", "--named-by", page]) == 0


def test_explain_refuses_a_named_by_that_is_no_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["explain", "https://index.example/", "--named-by", "https://ada:s3cret@ho st/"]) == 2
    )
    err = capsys.readouterr().err
    assert "cannot use the URL" in err
    assert "s3cret" not in err


@pytest.mark.parametrize(
    "url", ["index.example", "https://", "ftp://index.example/", "https://ada:s3cret@ho st/"]
)
def test_explain_refuses_a_word_that_is_no_url(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", url]) == 2
    err = capsys.readouterr().err
    assert "cannot use the URL" in err
    assert "s3cret" not in err


def test_the_keyring_command_can_be_switched_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["explain", "--pypi-keyring-provider", "disabled", "https://ada@index.example/simple/"]
        )
        == 1
    )
    out = " ".join(capsys.readouterr().out.split())
    assert "keyring command switched off: --pypi-keyring-provider disabled" in out


def test_an_option_that_pixi_does_not_know_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", "--pypi-keyring-provider", "always", "https://index.example/"])
    assert ended.value.code == 2
    assert "--pypi-keyring-provider cannot be always (choose from" in capsys.readouterr().err


def test_a_variable_that_is_wrong_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", "soon")
    assert main(["explain", "https://index.example/"]) == 2
    assert (
        "AUTHSHIM_KEYRING_TIMEOUT: expected a number of seconds above 0" in capsys.readouterr().err
    )


def test_no_command_is_a_usage_error_that_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert (
        "name a command: auth, check, completion, demo, doctor, explain, get, resolve or run"
        in capsys.readouterr().err
    )


def pages_of_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[str, str]]:
    """Yield the page of a command, and those of the commands that it names."""
    with pytest.raises(SystemExit):
        main([*words, "-h"])
    page = capsys.readouterr().out
    yield " ".join(words), page
    for name in re.findall(r"^    (\w+) ", page.partition("\n  COMMAND\n")[2], re.MULTILINE):
        yield from pages_of_help([*words, name], capsys)


def test_every_page_of_help_describes_its_command_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = {words: page.split("\n\n")[1] for words, page in pages_of_help([], capsys)}
    assert {"", "get", "resolve", "auth token"} <= {*said}
    assert [
        words for words, text in said.items() if not re.fullmatch(r"[A-Z].+\.", text, re.DOTALL)
    ] == []


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"authshim {version('authshim')}\n"


@pytest.mark.parametrize(("flags", "says_so"), [([], True), (["-q"], False)])
def test_broken_file_is_reported_on_stderr_unless_quiet(
    flags: list[str], says_so: bool, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler" / "credentials.json").write_text('{"h": "s3cret"', encoding="utf-8")
    main(["explain", *flags, "https://index.example/"])
    err = capsys.readouterr().err
    assert ("credentials.json" in err) is says_so
    assert "s3cret" not in err


def test_a_v_before_the_command_counts_as_well(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-vv", "explain", "https://index.example/"])
    assert "DEBUG" not in capsys.readouterr().out
    assert logging.getLogger("authshim").level == logging.DEBUG


def test_check_reports_options_that_pixi_ignores(
    project: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("pixi.toml").open("a", encoding="utf-8") as file:
        file.write('\n[target.linux-64.pypi-options]\nindex-url = "https://h.example/simple"\n')
    main(["check"])
    assert "its place is [pypi-options]" in capsys.readouterr().err


def test_check_prints_no_traceback_if_its_reader_is_gone(project: Recorder) -> None:
    script = f"{sys.executable} -m authshim check | true"
    ended = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("line", [["check"], ["resolve", "demo"]], ids=" ".join)
def test_ctrl_c_does_not_wait_for_a_server_that_keeps_its_answer(
    line: list[str], project: Recorder
) -> None:
    reached, is_over = threading.Event(), threading.Event()

    def keep(seen: object) -> Answer:
        reached.set()
        is_over.wait(120)
        return Answer(404)

    project.on("/*", keep)
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from authshim.transport import failures; "
        "failures.TIMEOUT, failures.MAX_TOTAL_SECONDS = (600, 600), 600\n"
        "from authshim.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, *line], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert reached.wait(60)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[1] == ""
        finally:
            process.kill()
            is_over.set()
    assert process.returncode == 130


@pytest.fixture
def silent_channel(project: Recorder) -> Iterator[threading.Event]:
    """A project whose channel keeps its answer until the end of the test."""
    reached, is_over = threading.Event(), threading.Event()

    def keep(seen: object) -> Answer:
        reached.set()
        is_over.wait(120)
        return Answer(404)

    project.on("/channel/*", keep)
    yield reached
    is_over.set()


@pytest.fixture
def timeout_after_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout of 60 s passes as soon as one place has answered."""
    moments = iter([0.0, 0.0])  # as it begins, and as it waits for the first answer
    clock = SimpleNamespace(monotonic=lambda: next(moments, 60.0))
    monkeypatch.setattr("authshim.concurrency.time", clock)


@pytest.mark.usefixtures("silent_channel", "timeout_after_one_answer")
def test_check_ends_after_its_timeout_with_the_answers_so_far(
    project: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "-e", "default", "--timeout", "60"]) == 1
    index, channel, step = capsys.readouterr().out.splitlines()
    assert index.startswith(f"index    {project.url}/simple   open (HTML; ")
    assert (
        channel
        == f"channel  {project.url}/channel  unreachable (no answer within 60 s; pixi.toml:3)"
    )
    assert step == "         -> try again later, or check the network or VPN"


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "1e300"])
def test_check_refuses_a_timeout_that_is_no_time(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", f"--timeout={seconds}"])
    assert ended.value.code == 2
    assert "--timeout: expected a number of seconds above 0" in capsys.readouterr().err


def test_check_names_the_host_after_a_long_wait(
    project: Recorder,
    silent_channel: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("authshim.cli.check.LONG_WAIT_SECONDS", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", "-e", "default", "--timeout", "0.5"])
    assert f"waiting for {project.url[7:]}" in capsys.readouterr().err


@pytest.mark.usefixtures("silent_channel", "timeout_after_one_answer")
def test_check_prints_the_answers_so_far_after_ctrl_c(
    project: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from authshim.index.check import Check

    def interrupt_once_the_index_has_answered(self: Check, seconds: float | None = None) -> None:
        with suppress(TimedOut):
            run(self, 60)
        raise KeyboardInterrupt

    run = Check.run
    monkeypatch.setattr(Check, "run", interrupt_once_the_index_has_answered)
    assert main(["check", "-e", "default"]) == 130
    lines = capsys.readouterr().out.splitlines()
    assert " open (HTML; " in lines[0]
    assert lines[1].endswith(" unreachable (interrupted; pixi.toml:3)")


def test_check_prints_json_if_it_is_interrupted(
    project: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("authshim.index.check.Check.run", interrupt)
    assert main(["check", "--json"]) == 130
    results = json.loads(capsys.readouterr().out)["results"]
    assert {(each["detail"], each["next_step"]) for each in results} == {
        ("interrupted", "run it again")
    }


def test_check_is_fine_if_the_page_is_missing_but_not_the_index(project: Recorder) -> None:
    project.on("/simple/*", Answer(404))
    project.on("/simple", Answer(200))
    assert main(["check", "-e", "default"]) == 0


@pytest.mark.parametrize(
    ("redirection", "says"), [(">&-", ""), (">/dev/full", "no space left on device")]
)
def test_explain_prints_no_traceback_if_output_cannot_be_written(
    redirection: str, says: str
) -> None:
    script = f"{sys.executable} -m authshim explain https://h.example/ {redirection}"
    ended = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in ended.stderr
    assert says in ended.stderr
    assert ended.returncode == 1


def test_commands_print_no_traceback_if_the_folder_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import os

    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert [
        main(["explain", "https://h.example/"]),
        main(["check"]),
        main(["check", "--manifest-path", "x"]),
    ] == [1] * 3
    assert "the current folder is not there" in capsys.readouterr().err


@pytest.mark.usefixtures("unknowing_keyring")
def test_output_is_escaped_if_the_encoding_lacks_a_letter(tmp_path: Path) -> None:
    import os

    command = [
        sys.executable,
        "-m",
        "authshim",
        "explain",
        "--username",
        "bücher",
        "https://h.example/",
    ]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "b\\xfccher" in ended.stdout


@pytest.mark.parametrize(
    "url",
    [
        "ada:s3cret@h.example/x",
        "https:/ada:s3cret@h/",
        "//ada:s3cret@h/",
        "https://h.example:44s3cret/",
    ],
)
def test_explain_shows_no_password_of_a_word_that_is_no_url(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", url]) == 2
    assert "s3cret" not in capsys.readouterr().err


def test_explain_ignores_a_broken_manifest_that_was_not_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("pixi.toml").write_text("[workspace", encoding="utf-8")
    assert main(["explain", "https://h.example/"]) == 1
    told = capsys.readouterr()
    assert "going on without it" in told.err
    assert "no credential" in told.out


def test_a_package_s_own_manifest_does_not_hide_its_workspace(
    project: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("package").mkdir()
    Path("package/pixi.toml").write_text("[package]\nname = 'x'\n", encoding="utf-8")
    monkeypatch.chdir("package")
    assert main(["check", "-e", "default"]) == 0


def test_check_shows_its_progress_on_a_terminal(
    project: Recorder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["check"]) == 0
    shown = capsys.readouterr()
    assert "asking the indexes and channels" in shown.err
    assert "asking the indexes and channels" not in shown.out


def test_full_disk_is_reported_if_there_is_no_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("authshim.cli.completion.run", full)
    monkeypatch.setattr("sys.stdout", None)
    assert main(["completion", "bash"]) == 1
    assert capsys.readouterr().err == "authshim: error: no space left on device\n"


@pytest.fixture
def mirrors(recorder: Recorder) -> Recorder:
    """A project whose index and channel have a mirror."""
    Path("pixi.toml").write_text(
        PROJECT.format(url="http://away.example") + '[pypi-dependencies]\ndemo = "*"\n',
        encoding="utf-8",
    )
    Path(".pixi").mkdir()
    table = f'[mirrors]\n"http://away.example" = ["{recorder.url}/m"]\n'
    Path(".pixi/config.toml").write_text(table, encoding="utf-8")
    return recorder


@pytest.mark.parametrize(
    "words", [["check"], ["resolve"], ["explain", "http://away.example/channel"]]
)
def test_command_names_the_mirror_and_its_file(
    words: list[str], mirrors: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = b'<a href="demo-1.0-py3-none-any.whl">demo</a>'
    mirrors.default = Answer(200, wheel, {"Content-Type": "text/html"})
    main(words)
    shown = "".join(capsys.readouterr().out.split())
    assert f"pixiasksthemirror{mirrors.url}/m/" in shown
    assert ".pixi/config.toml" in shown


def test_explain_names_a_mirror_of_one_platform(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / ".pixi/config.toml"
    config.parent.mkdir()
    config.write_text('[mirrors]\n"https://h.example/ch/noarch" = []\n', encoding="utf-8")
    main(["explain", "https://h.example/ch"])
    line = f"pixi asks a mirror for https://h.example/ch/noarch (see {Path('~/.pixi/config.toml')})"
    assert line in capsys.readouterr().out.splitlines()


def test_check_prints_the_mirror_as_json(
    mirrors: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert results[-1]["mirror"] == f"{mirrors.url}/m/channel"

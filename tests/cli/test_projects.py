"""``check``, ``explain`` and ``run`` in the projects of uv, pip, poetry and pdm, and outside."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from servers import Answer, Recorder

import authshim
from authshim.cli import main

if TYPE_CHECKING:
    from servers import Seen

    Lines = Callable[..., list[str]]

LOGIN = "Basic YWRhOnMzY3JldA=="
CHALLENGE = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="acme"'})


def answer(seen: Seen) -> Answer:
    """Let ada in with ``s3cret``, and nobody else."""
    if seen.authorization == LOGIN:
        return Answer(200, b"<a href='demo/'>demo</a>", {"Content-Type": "text/html"})
    return CHALLENGE


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a program that knows nothing, and says so sooner than keyring does."""
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", "false")


@pytest.fixture
def private(recorder: Recorder) -> Recorder:
    """A server that lets ada in."""
    recorder.default = answer
    return recorder


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """``lines("check")`` are the lines that a command prints; none has the secret."""

    def run(*words: str) -> list[str]:
        main(list(words))
        out, err = capsys.readouterr()
        assert "s3cret" not in out + err
        return out.splitlines()

    return run


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def uv_project(private: Recorder, more: str = "") -> str:
    """Write a uv project with one index that replaces PyPI, and return its URL."""
    url = f"{private.url}/acme/simple"
    index = f"[[tool.uv.index]]\nname = 'acme'\nurl = '{url}'\ndefault = true\n{more}"
    write("pyproject.toml", f"[project]\nname = 'x'\ndependencies = ['demo']\n{index}")
    return url


def test_check_names_the_uv_project_and_the_line_of_the_index(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    url = uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "s3cret")
    heading, line = lines("check")
    assert heading == f"uv's project: {Path('pyproject.toml').resolve()}"
    login = "BasicHTTP(username='ada', password=****) from UV_INDEX_ACME_PASSWORD"
    assert line.startswith(f"index  {url.replace('//', '//ada@')}  let in ({login}; HTML; ")
    assert line.endswith("; pyproject.toml:6)")


def test_check_names_the_tools_that_were_not_taken(private: Recorder, lines: Lines) -> None:
    uv_project(private, "[tool.pdm]\n[tool.pixi.workspace]\nchannels = ['conda-forge']\n")
    heading = lines("check")[0]
    assert heading.endswith("(not taken: pixi, pdm; --tool NAME chooses)")


def test_check_takes_the_named_tool(private: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    uv_project(private, f"[[tool.pdm.source]]\nname = 'pypi'\nurl = '{private.url}/pdm'\n")
    main(["check", "--tool", "pdm", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["tool"], document["other_tools"]) == ("pdm", ["uv"])
    assert [each["url"] for each in document["results"]] == [f"{private.url}/pdm"]


def test_check_finds_a_bare_pyproject_of_the_named_tool(private: Recorder, lines: Lines) -> None:
    write("pyproject.toml", "[project]\nname = 'x'\n")
    write("requirements.txt", f"-i {private.url}/simple\n")
    assert lines("check", "--tool", "pip")[0].startswith("pip's project: ")


def test_check_outside_a_project_takes_the_configuration_of_pip(
    private: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE")
    url = private.url.replace("//", "//ada:s3cret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/env/simple")
    write(str(home / ".config/pip/pip.conf"), f"[global]\nextra-index-url = {url}/file/simple\n")
    found = lines("check")
    assert found[0] == "outside a project: pip's configuration"
    sent = "let in (BasicHTTP(username='ada', password=****) from "
    assert f"{sent}PIP_INDEX_URL; " in found[1]
    assert f"{sent}~/.config/pip/pip.conf:2; " in found[2]
    assert [line.count("~/.config/pip/pip.conf") for line in found[1:]] == [0, 1]


LOGIN_PLACES = {
    "pip.conf": (".config/pip/pip.conf", "[global]\nindex-url = URL\n", "~/.config/pip/pip.conf:2"),
    "uv.toml": (".config/uv/uv.toml", "index-url = 'URL'\n", "~/.config/uv/uv.toml:1"),
    "PIP_INDEX_URL": ("PIP_INDEX_URL", "URL", "PIP_INDEX_URL"),
    "UV_DEFAULT_INDEX": ("UV_DEFAULT_INDEX", "acme=URL", "UV_DEFAULT_INDEX"),
}
"""The file or variable of the user that declares an index, its content, and its place."""


@pytest.mark.parametrize("in_pixi_project", [False, True])
@pytest.mark.parametrize("name", LOGIN_PLACES)
def test_login_of_the_user_is_named_by_its_place(
    name: str,
    in_pixi_project: bool,
    private: Recorder,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
) -> None:
    target, text, place = LOGIN_PLACES[name]
    monkeypatch.delenv("PIP_CONFIG_FILE")
    text = text.replace("URL", f"{private.url.replace('//', '//ada:s3cret@')}/acme/simple")
    if "/" in target:
        write(str(home / target), text)
    else:
        monkeypatch.setenv(target, text)
    if in_pixi_project:
        index = f"[pypi-options]\nindex-url = '{private.url}/acme/simple'\n"
        write("pixi.toml", f"[workspace]\nchannels = []\nplatforms = []\n{index}")
    sent = f"BasicHTTP(username='ada', password=****) from {place}"
    assert lines("explain", f"{private.url}/acme/simple/")[-1] == f"would be sent: {sent}"
    assert any(f"let in ({sent}; " in line for line in lines("check"))
    document = json.loads("\n".join(lines("check", "--json")))
    providers = {result["provider"] for result in document["results"] if result["provider"]}
    assert providers == {place.replace("~", str(home))}
    assert any(place in line for line in lines("auth", "status"))


def test_token_file_of_conda_is_named_by_its_path(home: Path, lines: Lines) -> None:
    path = ".config/binstar/https%3A%2F%2Fapi.anaconda.org.token"
    write(str(home / path), "s3cret")
    last = lines("explain", "https://conda.anaconda.org/acme/noarch/repodata.json")[-1]
    assert last == f"would be sent: CondaToken(token=****) from conda token file ~/{path}"


def test_check_outside_a_project_takes_both_configurations(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{private.url}/pip")
    monkeypatch.setenv("UV_INDEX", f"acme={private.url}/uv")
    found = lines("check")
    assert found[0] == "outside a project: pip's and uv's configuration"
    assert [line.split()[0] for line in found if line.startswith("index")] == ["index", "index"]
    assert lines("check", "--tool", "uv")[0] == "outside a project: uv's configuration"


BARE = {"pyproject.toml": "[project]\nname = 'x'\n"}
NO_PROJECT = "authshim: error: there is no project of "


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ({}, ["--tool", "poetry"], f"{NO_PROJECT}poetry here or above; name a project"),
        (BARE, ["--tool", "pixi"], f"{NO_PROJECT}pixi here or above; name a project"),
        ({}, ["--tool", "uv"], "here or above, and the configuration of uv declares no index"),
        (BARE, [], "pyproject.toml: no tool has a table or a lock file here; choose one by --tool"),
        ({}, ["--manifest-path", "x.toml"], "x.toml: there is no such file or folder"),
        ({"pip.conf": "s3cret"}, [], "pip.conf: line 1: it is not a configuration file of pip"),
    ],
)
def test_check_without_a_project_names_the_reason(
    files: dict[str, str],
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "pip.conf")
    for name, text in files.items():
        write(name, text)
    assert main(["check", *words]) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert said in err
    assert "s3cret" not in err


def test_explain_names_the_variable_of_a_login(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    url = uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "s3cret")
    found = lines("explain", f"{url}/demo/")
    assert found[0].startswith("uv's project: ")
    place = f"{Path('pyproject.toml').resolve()}:6"
    assert f"covered by the index {url} ({place})" in "\n".join(found)
    assert found[-1].endswith(" from UV_INDEX_ACME_PASSWORD")


def test_check_of_an_unset_pdm_variable_names_the_password(private: Recorder, lines: Lines) -> None:
    url = private.url.replace("//", "//ada:${SECRET}@")
    write("pyproject.toml", f"[[tool.pdm.source]]\nname = 'pypi'\nurl = '{url}/simple'\n")
    found = lines("check", "--tool", "pdm")
    assert "not probed (the password is not filled in; pyproject.toml:3)" in found[1]


def test_check_of_a_refused_variable_says_to_correct_it(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "wrong")
    assert lines("check")[2].strip() == "-> correct the login in UV_INDEX_ACME_PASSWORD"
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "s3cret")
    assert "  let in (" in lines("check")[1]


# uv's policy for an index


@pytest.fixture
def stored(home: Path) -> None:
    """A login for every server on this machine."""
    entry = {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "s3cret"}}}
    write(str(home / ".rattler/credentials.json"), json.dumps(entry))


@pytest.mark.usefixtures("stored")
def test_check_sends_nothing_to_an_index_of_the_policy_never(
    private: Recorder, lines: Lines
) -> None:
    uv_project(private, "authenticate = 'never'\n")
    _, line, step = lines("check")
    never = f'authenticate = "never" in {Path("pyproject.toml").resolve()}:6'
    assert f"no credential (HTTP 401; {never}; " in line
    assert step.strip() == f"-> take out {never}"
    assert {seen.authorization for seen in private.seen} == {None}
    uv_project(private)
    assert "  let in (" in lines("check")[1]


def test_check_sends_no_userinfo_to_an_index_of_the_policy_never(
    private: Recorder, lines: Lines
) -> None:
    uv_project(private, "authenticate = 'never'\n")
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    write("pyproject.toml", text.replace("http://", "http://ada:s3cret@"))
    assert "no credential (HTTP 401; " in lines("check")[1]
    assert {seen.authorization for seen in private.seen} == {None}


@pytest.mark.usefixtures("stored")
def test_explain_says_that_the_policy_never_sends_nothing(private: Recorder, lines: Lines) -> None:
    url = uv_project(private, "authenticate = 'never'\n")
    found = lines("explain", url)
    assert 'no credential: authenticate = "never" in ' in "\n".join(found)


@pytest.mark.parametrize(("policy", "asked"), [("always", [LOGIN]), ("auto", [None, LOGIN])])
def test_policy_decides_if_a_keyring_is_asked_before_the_index(
    policy: str,
    asked: list[str | None],
    private: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
) -> None:
    answer = '{"username": "ada", "password": "s3cret"}'
    write("keyring", f"#!/bin/sh\necho '{answer}'\n")
    Path("keyring").chmod(0o755)
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", str(Path("keyring").resolve()))
    uv_project(private, f"authenticate = '{policy}'\n")
    assert "  let in (" in lines("check")[1]
    assert [seen.authorization for seen in private.seen][: len(asked)] == asked


# run


@pytest.mark.usefixtures("stored")
def test_run_names_the_user_of_an_index_to_uv(
    private: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    uv_project(private)
    assert main(["run", "--", "sh", "-c", "echo $UV_INDEX_ACME_USERNAME; env"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("ada\n")
    assert "s3cret" not in out


@pytest.mark.usefixtures("stored")
def test_run_leaves_the_user_of_a_variable_alone(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "eve")
    assert main(["run", "--", "sh", "-c", "echo $UV_INDEX_ACME_USERNAME"]) == 0
    assert capfd.readouterr().out == "eve\n"


# resolve


def serve(recorder: Recorder, folder: str, *versions: str) -> None:
    """Serve the page of ``demo`` in an index."""
    links = "".join(
        f'<a href="/files/demo-{version}-py3-none-any.whl">demo-{version}-py3-none-any.whl</a>'
        for version in versions
    )
    page = Answer(200, links.encode(), {"Content-Type": "text/html"})
    recorder.on(f"/{folder}/demo/", page)


def test_resolve_takes_the_first_index_of_a_uv_project(recorder: Recorder, lines: Lines) -> None:
    serve(recorder, "a", "1.0")
    serve(recorder, "b", "2.0")
    write(
        "pyproject.toml",
        "[project]\nname = 'x'\ndependencies = ['demo']\n"
        f"[[tool.uv.index]]\nurl = '{recorder.url}/b'\ndefault = true\n"
        f"[[tool.uv.index]]\nurl = '{recorder.url}/a'\n",
    )
    assert lines("resolve")[2].split() == ["demo", "1.0", f"{recorder.url}/a"]


def test_resolve_takes_the_pinned_index_of_a_uv_project(recorder: Recorder, lines: Lines) -> None:
    serve(recorder, "a", "1.0")
    serve(recorder, "b", "2.0")
    write(
        "pyproject.toml",
        "[project]\nname = 'x'\ndependencies = ['demo']\n"
        f"[[tool.uv.index]]\nurl = '{recorder.url}/a'\ndefault = true\n"
        f"[[tool.uv.index]]\nname = 'b'\nurl = '{recorder.url}/b'\nexplicit = true\n"
        "[tool.uv.sources]\ndemo = { index = 'b' }\n",
    )
    assert lines("resolve")[2].split() == ["demo", "2.0", f"{recorder.url}/b"]


@pytest.mark.parametrize(("codes", "code"), [("[]", 1), ("[401]", 0)])
def test_resolve_passes_over_the_statuses_that_uv_ignores(
    codes: str, code: int, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.on("/a/demo/", CHALLENGE)
    serve(recorder, "b", "2.0")
    write(
        "pyproject.toml",
        "[project]\nname = 'x'\ndependencies = ['demo']\n"
        f"[[tool.uv.index]]\nurl = '{recorder.url}/a'\nignore-error-codes = {codes}\n"
        f"[[tool.uv.index]]\nurl = '{recorder.url}/b'\ndefault = true\n",
    )
    assert main(["resolve"]) == code
    assert ("; uv stops there" in capsys.readouterr().out) is (code == 1)


def test_resolve_takes_the_best_version_of_all_in_a_pip_project(
    recorder: Recorder, lines: Lines
) -> None:
    serve(recorder, "a", "1.0")
    serve(recorder, "b", "2.0")
    recorder.on("/c/demo/", CHALLENGE)
    write(
        "requirements.txt",
        f"-i {recorder.url}/a\n--extra-index-url {recorder.url}/b\n"
        f"--extra-index-url {recorder.url}/c\ndemo\n",
    )
    found = lines("resolve")
    assert found[2].split()[:3] == ["demo", "2.0", "(doubtful)"]
    assert "; pip passes over it" in "\n".join(found)


@pytest.mark.parametrize("tool", ["poetry", "pdm"])
def test_resolve_knows_no_rules_of_other_tools(
    tool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("pyproject.toml", "[project]\nname = 'x'\n")
    assert main(["resolve", "--tool", tool]) == 1
    said = f"resolve knows the rules of pixi, uv, pip, not those of {tool}"
    assert said in capsys.readouterr().err


# Keyring entries, and the library


@pytest.mark.parametrize(
    ("tool", "table", "service"),
    [
        ("poetry", "[[tool.poetry.source]]", "poetry-repository-acme"),
        ("pdm", "[[tool.pdm.source]]", "pdm-pypi-acme"),
    ],
)
def test_keyring_is_asked_for_the_entry_of_the_tool(
    tool: str,
    table: str,
    service: str,
    private: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
) -> None:
    answer = '{"username": "ada", "password": "s3cret"}'
    script = f"#!/bin/sh\ncase \"$*\" in *{service}*) echo '{answer}';; *) exit 1;; esac\n"
    write("keyring", script)
    Path("keyring").chmod(0o755)
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", str(Path("keyring").resolve()))
    monkeypatch.setenv("PDM_PYPI_URL", f"{private.url}/pypi")
    write("pyproject.toml", f"{table}\nname = 'acme'\nurl = '{private.url}/acme/simple'\n")
    found = [line for line in lines("check", "--tool", tool) if "/acme/simple" in line]
    assert "let in (BasicHTTP(username='ada', password=****) from keyring command" in found[0]


def test_session_is_installed_for_a_uv_project(
    private: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "s3cret")
    session = authshim.install(requests.Session(), manifest="pyproject.toml")
    assert session.get(f"{url}/demo/").status_code == 200
    copy = pickle.loads(pickle.dumps(session))
    assert copy.get(f"{url}/demo/").status_code == 200
    assert b"s3cret" not in pickle.dumps(session)


# Notes about the tool itself; the tests of interop hold them against the programs


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("command", ["check", "explain"])
def test_note_tells_that_uv_does_not_read_a_store(
    command: str, private: Recorder, lines: Lines
) -> None:
    url = uv_project(private)
    found = lines(command, *[f"{url}/demo/"] * (command == "explain"))
    note = "note: uv itself does not read auth file ~/.rattler/credentials.json; authshim run -- uv"
    assert note in "\n".join(found)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("command", ["check", "explain"])
def test_note_tells_that_poetry_looks_for_no_password(
    command: str, private: Recorder, lines: Lines
) -> None:
    url = f"{private.url}/acme/simple"
    source = url.replace("//", "//ada@")
    write("pyproject.toml", f"[[tool.poetry.source]]\nname = 'acme'\nurl = '{source}'\n")
    found = "\n".join(lines(command, *[f"{url}/demo/"] * (command == "explain")))
    assert "note: poetry itself looks for no password if the URL has a username" in found


@pytest.mark.usefixtures("stored")
def test_note_asks_for_the_name_of_an_index(private: Recorder, lines: Lines) -> None:
    uv_project(private)
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    write("pyproject.toml", text.replace("name = 'acme'\n", ""))
    assert "; if the index has a name, authshim run -- uv" in "\n".join(lines("check"))


def test_explain_of_an_index_ends_with_the_step_of_check(
    private: Recorder, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    url = uv_project(private)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    (step,) = [line for line in lines("check") if "-> " in line]
    assert "set UV_INDEX_ACME_PASSWORD" in step
    assert lines("explain", f"{url}/demo/")[-1].strip() == step.strip()

"""``authshim doctor``: programs are scripts that a fake runs; tests/clients has the real ones."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from leaks import assert_no_secret

from authshim.cli import main
from authshim.cli.clients import Client, clients
from authshim.cli.programs import InstalledPrograms, interpreter_of
from authshim.integrations import look_alike
from authshim.providers.child_process import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

BESIDE = {"keyring": "25.7.0", "authshim": "0.1.0"}


class Programs:
    """A PATH of scripts, and the answers that they give."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"PATH": str(folder)}
        self.answers: dict[tuple[str, ...], str] = {}

    def add(
        self, name: str, packages: dict[str, str] | None = None, folder: Path | None = None
    ) -> Path:
        """Put a program on PATH; its Python has these packages, or it has none."""
        path = (folder or self.folder) / name
        path.parent.mkdir(exist_ok=True)
        python = f"/python-of-{name}/bin/python"
        path.write_text("#!/bin/sh\n" if packages is None else f"#!{python}\n")
        path.chmod(0o700)
        if packages is not None:
            found = {
                "scripts": str(path.parent),
                name: "1.0",
                "keyring": None,
                "authshim": None,
                **packages,
            }
            self.answers[python, name] = json.dumps(found)
        return path

    def say(self, name: str, *words: str, answer: str) -> None:
        self.answers[(str(self.folder / name), *words)] = answer

    def run(self, words: Sequence[str], **options: Any) -> Result:
        key = (words[0], words[-1]) if "-c" in words else tuple(words)
        answer = self.answers.get(key)
        return Result(1) if answer is None else Result(0, answer.encode())

    def client(self, name: str) -> Client:
        found = InstalledPrograms(self.environ, run=self.run)
        return next(client for client in clients(found) if client.name == name)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Programs(folder)


def verdict(client: Client) -> tuple[bool, str, str]:
    return tuple(client.verdict)


def test_a_client_that_is_not_on_path_is_named(programs: Programs) -> None:
    assert [client.name for client in clients(InstalledPrograms(programs.environ))] == [
        "pip",
        "uv",
        "poetry",
        "twine",
        "conda",
        "git",
    ]
    assert verdict(programs.client("pip")) == (False, "not on PATH", "")


# pip


def test_pip_asks_if_authshim_is_beside_it(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    client = programs.client("pip")
    assert (client.version, client.verdict.asks) == ("1.0", True)


def test_pip_does_not_ask_if_it_is_disabled(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    programs.say("pip", "config", "list", answer="global.keyring-provider='disabled'\n")
    assert verdict(programs.client("pip")) == (
        False,
        "its keyring-provider is disabled",
        "authshim run -- pip ...",
    )


def test_pip_auto_does_not_ask_under_no_input(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    programs.say("pip", "config", "list", answer=":env:.no-input='1'\n")
    assert verdict(programs.client("pip"))[:2] == (
        False,
        "its keyring-provider auto is off under no-input",
    )


def test_a_variable_of_pip_beats_its_files(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    settings = ":env:.keyring-provider='import'\nglobal.keyring-provider='disabled'\n"
    programs.say("pip", "config", "list", answer=settings)
    assert programs.client("pip").verdict.asks


def test_pip_import_needs_authshim_beside_it(programs: Programs) -> None:
    programs.add("pip", {"keyring": "25.7.0"})
    assert verdict(programs.client("pip")) == (
        False,
        "the environment of pip has no authshim",
        "authshim run -- pip ...",
    )


def test_pip_subprocess_passes_over_the_keyring_beside_it(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    programs.add("keyring", BESIDE)
    programs.say("pip", "config", "list", answer=":env:.keyring-provider='subprocess'\n")
    assert verdict(programs.client("pip"))[:2] == (False, "there is no other keyring on PATH")


def test_pip_subprocess_asks_a_keyring_of_another_folder(
    programs: Programs, tmp_path: Path
) -> None:
    programs.add("pip", BESIDE)
    programs.say("pip", "config", "list", answer=":env:.keyring-provider='subprocess'\n")
    programs.add("keyring", BESIDE, folder=tmp_path / "other")
    programs.environ["PATH"] += f"{os.pathsep}{tmp_path / 'other'}"
    assert programs.client("pip").verdict.asks


def test_pip_does_not_ask_if_the_backend_is_off(programs: Programs) -> None:
    programs.add("pip", BESIDE)
    programs.environ["AUTHSHIM_KEYRING_BACKEND"] = "off"
    assert verdict(programs.client("pip")) == (
        False,
        "the keyring backend is off: AUTHSHIM_KEYRING_BACKEND is off",
        "unset AUTHSHIM_KEYRING_BACKEND",
    )


# uv


@pytest.fixture
def uv(programs: Programs) -> Programs:
    programs.add("uv")
    programs.say("uv", "--version", answer="uv 0.13.9 (abc 2026-11-20)\n")
    return programs


def test_uv_does_not_ask_by_itself(uv: Programs) -> None:
    uv.add("keyring", BESIDE)
    client = uv.client("uv")
    assert client.version == "0.13.9"
    assert verdict(client) == (
        False,
        "its keyring-provider is not subprocess",
        "export UV_KEYRING_PROVIDER=subprocess",
    )


def test_uv_without_a_keyring_is_told_to_be_run(uv: Programs) -> None:
    assert uv.client("uv").verdict.next_step == "authshim run -- uv ..."


def test_uv_asks_if_a_variable_says_so(uv: Programs) -> None:
    uv.add("keyring", BESIDE)
    uv.environ["UV_KEYRING_PROVIDER"] = "subprocess"
    assert verdict(uv.client("uv")) == (True, "for index URLs with a username@", "")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv.toml", 'keyring-provider = "subprocess"'),
        ("pyproject.toml", '[tool.uv]\nkeyring-provider = "subprocess"'),
        ("../uv.toml", 'keyring-provider = "subprocess"'),
    ],
)
def test_uv_asks_if_a_file_of_the_project_says_so(file: str, text: str, uv: Programs) -> None:
    folder = Path("project")
    folder.mkdir()
    os.chdir(folder)
    Path(file).write_text(text)
    uv.add("keyring", BESIDE)
    assert uv.client("uv").verdict.asks


@pytest.mark.parametrize(
    "text", ["tool = 1", "[tool]\nuv = []", "[tool.uv]\nkeyring-provider = 1", "broken"]
)
def test_uv_does_not_ask_by_a_file_that_says_something_else(text: str, uv: Programs) -> None:
    Path("pyproject.toml").write_text(text)
    uv.add("keyring", BESIDE)
    assert not uv.client("uv").verdict.asks


def test_uv_asks_if_the_users_file_says_so(home: Path, uv: Programs) -> None:
    (home / ".config" / "uv").mkdir(parents=True)
    (home / ".config" / "uv" / "uv.toml").write_text('keyring-provider = "subprocess"')
    uv.add("keyring", BESIDE)
    assert uv.client("uv").verdict.asks


def test_uv_with_a_keyring_without_authshim_does_not_ask(uv: Programs) -> None:
    keyring = uv.add("keyring", {"keyring": "25.7.0"})
    uv.environ["UV_KEYRING_PROVIDER"] = "subprocess"
    assert verdict(uv.client("uv")) == (
        False,
        f"{keyring} has no authshim beside it",
        "authshim run -- uv ...",
    )


def test_uv_under_authshim_run_asks_the_look_alike(uv: Programs, tmp_path: Path) -> None:
    folder = tmp_path / "look-alike"
    folder.mkdir()
    look_alike.write(str(folder))
    uv.environ["PATH"] = f"{folder}{os.pathsep}{uv.environ['PATH']}"
    uv.environ["UV_KEYRING_PROVIDER"] = "subprocess"
    assert uv.client("uv").verdict.asks


# poetry, twine, conda, git


def test_poetry_asks_if_authshim_is_beside_it(programs: Programs) -> None:
    programs.add("poetry", BESIDE)
    assert programs.client("poetry").verdict.asks


def test_poetry_does_not_ask_if_its_keyring_is_off(programs: Programs) -> None:
    programs.add("poetry", BESIDE)
    programs.say("poetry", "config", "keyring.enabled", answer="false\n")
    assert programs.client("poetry").verdict.next_step == "poetry config keyring.enabled true"


def test_twine_is_told_how_authshim_comes_beside_it(programs: Programs) -> None:
    programs.add("twine", {"keyring": "25.7.0"})
    assert (
        programs.client("twine").verdict.next_step
        == "/python-of-twine/bin/python -m pip install authshim"
    )


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("pipx/venvs/twine/bin", "pipx inject twine authshim"),
        ("uv/tools/twine/bin", "uv tool install --with authshim twine"),
    ],
)
def test_twine_of_a_tool_folder_is_told_that_tools_command(
    folder: str, command: str, programs: Programs, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    program = programs.add("twine", {"keyring": "25.7.0"}, folder=tmp_path / folder)
    (programs.folder / "twine").symlink_to(program)
    assert programs.client("twine").verdict.next_step == command


def test_twine_with_a_password_of_its_own_does_not_ask(programs: Programs) -> None:
    programs.add("twine", BESIDE)
    programs.environ["TWINE_PASSWORD"] = "s3cret"
    client = programs.client("twine")
    assert not client.verdict.asks
    assert_no_secret(json.dumps(client.as_json()))


@pytest.fixture
def conda(programs: Programs) -> Programs:
    programs.add("conda", {"authshim": "0.1.0"})
    programs.say("conda", "--version", answer="conda 26.9.0\n")
    return programs


def test_conda_asks_if_authshim_is_beside_it(conda: Programs) -> None:
    client = conda.client("conda")
    assert (client.version, client.verdict.asks) == ("26.9.0", True)


def test_conda_is_told_how_authshim_comes_beside_it(programs: Programs) -> None:
    programs.add("conda", {})
    assert verdict(programs.client("conda")) == (
        False,
        "the environment of conda has no authshim",
        "/python-of-conda/bin/python -m pip install authshim",
    )


def test_conda_does_not_ask_if_its_plugins_are_off(conda: Programs) -> None:
    conda.environ["CONDA_NO_PLUGINS"] = "true"
    assert conda.client("conda").verdict.next_step == "unset CONDA_NO_PLUGINS"


def test_conda_asks_by_the_netrc_of_run(programs: Programs, tmp_path: Path) -> None:
    programs.add("conda")
    look_alike.write(str(tmp_path))
    programs.environ["NETRC"] = str(tmp_path / "netrc")
    assert programs.client("conda").verdict.reason == "by the netrc of authshim run"


HELPERS = ("config", "--get-regexp", r"^credential\..*helper$")


@pytest.fixture
def git(programs: Programs) -> Programs:
    """A git whose configuration names the helper."""
    programs.add("git")
    programs.say("git", "--version", answer="git version 2.39.5\n")
    programs.say("git", *HELPERS, answer="credential.https://h.example.helper authshim\n")
    return programs


def test_git_does_not_ask_if_no_helper_names_authshim(git: Programs) -> None:
    git.say("git", *HELPERS, answer="credential.helper store\n")
    client = git.client("git")
    assert (client.version, client.verdict.asks) == ("2.39.5", False)


def test_git_asks_if_a_helper_names_authshim(git: Programs) -> None:
    git.add("git-credential-authshim")
    assert git.client("git").verdict.asks


def test_git_asks_if_a_helper_is_named_by_its_path(git: Programs) -> None:
    git.say("git", *HELPERS, answer="credential.helper /opt/bin/git-credential-authshim\n")
    assert git.client("git").verdict.asks


def test_git_does_not_ask_if_its_helper_is_not_on_path(git: Programs) -> None:
    asks, reason, next_step = verdict(git.client("git"))
    assert (asks, reason) == (False, "git-credential-authshim is not on PATH")
    assert next_step == f'export PATH="$PATH:{os.path.dirname(sys.executable)}"'


def test_git_is_told_the_two_commands_of_its_helper(programs: Programs) -> None:
    programs.add("git")
    assert programs.client("git").verdict.next_step.splitlines() == [
        "git config --global credential.https://HOST.helper ''",
        "git config --global --add credential.https://HOST.helper authshim",
    ]


def test_doctor_prints_each_command_on_a_line_of_its_own(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.add("git")
    monkeypatch.setenv("PATH", str(programs.folder))
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  -> git config --global credential.https://HOST.helper ''" in lines
    assert "  -> git config --global --add credential.https://HOST.helper authshim" in lines


# the parts


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("#!/usr/bin/python3\nimport sys\n", "/usr/bin/python3"),
        (
            "#!/bin/sh\n'''exec' \"/a long path/bin/python\" \"$0\" \"$@\"\n' '''\n",
            "/a long path/bin/python",
        ),
        ("#!/bin/sh\n'''exec' /a/bin/python3.11 \"$0\" \"$@\"\n' '''\n", "/a/bin/python3.11"),
        ("#!/bin/sh\necho\n", None),
        ("\x7fELF", None),
        ("", None),
    ],
)
def test_the_python_of_a_script_is_read_from_its_head(
    text: str, python: str | None, tmp_path: Path
) -> None:
    (tmp_path / "script").write_text(text)
    assert interpreter_of(str(tmp_path / "script")) == python


def test_a_program_that_fails_or_hangs_says_nothing() -> None:
    def hang(words: Sequence[str], **options: Any) -> Result:
        return Result(0, b"1", stopped="it did not answer within 30 s")

    assert InstalledPrograms({}, run=hang).output(["program"]) == ""
    assert InstalledPrograms({"PATH": os.defpath}).output(["/nowhere/program"]) == ""
    assert (
        InstalledPrograms({"PATH": os.defpath}).output(
            [sys.executable, "-c", "print(1); raise SystemExit(1)"]
        )
        == ""
    )


# the command


def test_doctor_prints_each_client_and_what_is_in_force(
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    home: Path,
) -> None:
    monkeypatch.setenv("PATH", str(programs.folder))
    monkeypatch.setenv("RATTLER_AUTH_FILE", "own.json")
    (home / ".netrc").write_text("machine h.example login ada password s3cret\n")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "pip                not here (not on PATH)" in out
    assert "auth file        own.json" in out
    assert "netrc            ~/.netrc" in out
    assert (
        "keyring backend  off (PYTHON_KEYRING_BACKEND names keyring.backends.null.Keyring)" in out
    )
    assert "PYTHON_KEYRING_BACKEND, RATTLER_AUTH_FILE" in out
    assert_no_secret(out)


def test_doctor_json_has_its_documented_keys(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(programs.folder))
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["version", "clients", "in_force"]
    assert set(document["clients"][0]) == {"name", "path", "version", "asks", "reason", "next_step"}
    assert set(document["in_force"]) == {
        "auth_file",
        "auth_file_named_by",
        "auth_file_only",
        "store",
        "netrc",
        "keychain",
        "keyring_command",
        "keyring_backend",
        "variables",
    }


def test_doctor_shows_no_value_of_a_variable(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(programs.folder))
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", "/bin/keyring --token s3cret")
    monkeypatch.setenv("PREFIX_DEV_API_URL", "https://s3cret@h.example/")
    assert main(["doctor"]) == 0
    assert_no_secret(capsys.readouterr().out)

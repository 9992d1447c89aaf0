from __future__ import annotations

import json
import ntpath
import os
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Callable

import pytest
from chain_fakes import Keeper, bearer, sent
from leaks import assert_no_secret
from provider_contract import ProviderContract

import authshim
from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.child_process import Result
from authshim.providers.keyring_command import KeyringCommand
from authshim.providers.keyring_program import which
from authshim.urls import SERVICE, Key

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://h.example/simple"
ANSWER = json.dumps({"username": "ada", "password": "s3cret"})
USAGE = b"usage: keyring [-h] ...\nkeyring: error: argument operation: invalid choice: 'creds'\n"

posix = pytest.mark.skipif(os.name == "nt", reason="the fake commands are scripts with #!")


class FakeRun:
    """Notes each command, and answers with one outcome after another; the last one stays."""

    def __init__(self, *outcomes: Result) -> None:
        self.outcomes = list(outcomes)
        self.arguments: list[list[str]] = []
        self.options: list[dict[str, object]] = []

    def __call__(self, command: list[str], **options: object) -> Result:
        self.arguments.append(command[1:])
        self.options.append(options)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def asking(*outcomes: Result, **options: object) -> tuple[KeyringCommand, FakeRun]:
    run = FakeRun(*outcomes)
    return KeyringCommand(
        [sys.executable], run=run, **{"terminal": lambda: False, "environ": {}, **options}
    ), run


def find(*outcomes: Result, username: str | None = "bob") -> BasicHTTP | None:
    return asking(*outcomes)[0].find(URL, username)


def error_of(
    command: KeyringCommand, key: str = URL, username: str | None = "bob"
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        command.find(key, username)
    assert_no_secret(caught.value)
    assert caught.value.reason.isprintable()
    return caught.value


def reason(*outcomes: Result, username: str | None = "bob") -> str:
    return error_of(asking(*outcomes)[0], username=username).reason


def said(text: str, status: int = 0, stderr: str = "") -> Result:
    return Result(status, text.encode(), stderr.encode())


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    def write(body: str, name: str = "keyring") -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return write


@posix
class TestContract(ProviderContract):
    planted = {
        Key(URL, SERVICE): BasicHTTP("ada", "s3cret-1"),
        Key("h.example:8080", SERVICE): BasicHTTP("bob", "s3cret-2"),
    }
    missing = Key("https://nothing.example/simple", SERVICE)

    @pytest.fixture
    def provider(self, script: Callable[..., str]) -> KeyringCommand:
        cases = [
            f"{key}) echo '{json.dumps({'username': kept.username, 'password': kept.password})}';;"
            for key, kept in self.planted.items()
        ]
        return KeyringCommand([script(f'case "$6" in {"".join(cases)} *) exit 1;; esac')])


# What is asked


def test_command_is_asked_for_json() -> None:
    command, run = asking(said(ANSWER))
    assert command.find(URL) == BasicHTTP("ada", "s3cret")
    assert command.find(Key(URL, SERVICE), "ada") == BasicHTTP("ada", "s3cret")
    asked = ["--mode", "creds", "--output", "json", "get", URL]
    assert run.arguments == [asked, [*asked, "ada"]]


def test_words_of_the_command_stay_before_ours() -> None:
    run = FakeRun(said(ANSWER))
    KeyringCommand([sys.executable, "-m", "keyring"], run=run).find(URL)
    assert run.arguments[0][:3] == ["-m", "keyring", "--mode"]


def test_older_keyring_is_asked_for_the_password_from_then_on() -> None:
    command, run = asking(Result(2, b"", USAGE), said("s3cret\n"))
    assert command.find(URL, "bob") == BasicHTTP("bob", "s3cret")
    assert command.find(URL, "bob") == BasicHTTP("bob", "s3cret")
    assert run.arguments[1:] == [["get", URL, "bob"]] * 2


def test_older_keyring_is_recognised_if_stderr_went_to_the_terminal() -> None:
    command, _ = asking(Result(2), said("s3cret\n"), terminal=lambda: True)
    assert command.find(URL, "bob") == BasicHTTP("bob", "s3cret")


def test_older_keyring_is_not_asked_without_a_username() -> None:
    command, run = asking(Result(2, b"", USAGE))
    assert command.find(URL) is None
    assert len(run.arguments) == 1


def test_status_2_without_usage_is_a_failure() -> None:
    assert reason(said("", 2, "disk on fire")) == "it failed with status 2: disk on fire"


def test_usage_error_of_the_old_form_too_is_a_failure() -> None:
    assert reason(Result(2, b"", USAGE)).startswith("it failed with status 2: keyring: error:")


# keyring 25.2.0 has the option --mode creds, and a typo behind it.
TRACEBACK = said(
    "", 1, "Traceback ...\nAttributeError: 'CommandLineTool' object has no attribute '_get_creds'"
)


def test_keyring_is_asked_for_the_password_after_a_traceback() -> None:
    command, run = asking(TRACEBACK, said("s3cret\n"))
    assert command.find(URL, "bob") == BasicHTTP("bob", "s3cret")
    assert command.find("h.example", "bob") == BasicHTTP("bob", "s3cret")
    assert run.arguments[1:] == [["get", URL, "bob"], ["get", "h.example", "bob"]]
    assert command.problems == []


def test_keyring_is_asked_for_the_password_after_a_passed_traceback() -> None:
    command, run = asking(Result(1), TRACEBACK, said("s3cret\n"), terminal=lambda: True)
    assert command.find(URL, "bob") == BasicHTTP("bob", "s3cret")
    assert [options["pass_stderr"] for options in run.options] == [True, False, True]


def test_keyring_miss_at_a_terminal_is_read_only_once() -> None:
    command, run = asking(Result(1), terminal=lambda: True)
    assert [command.find(URL, "bob"), command.find("h.example", "bob")] == [None, None]
    assert [options["pass_stderr"] for options in run.options] == [True, False, True]
    assert all(arguments[:2] == ["--mode", "creds"] for arguments in run.arguments)


def test_keyring_without_a_username_is_still_asked_after_a_failure() -> None:
    command, run = asking(said("", 1, "no account"), said("", 1, "no account"), said(ANSWER))
    assert command.find(URL, "bob") is None
    assert command.find(URL) == BasicHTTP("ada", "s3cret")
    assert run.arguments[2] == ["--mode", "creds", "--output", "json", "get", URL]


def test_keyring_is_not_run_again_after_its_deadline() -> None:
    command, run = asking(Result(-15, b"", b"", "it did not answer within 30 s"))
    assert error_of(command).reason == "it did not answer within 30 s"
    assert len(run.arguments) == 1


@pytest.mark.parametrize("username", ["glpat-s3cret", "1RKjr9abcDEF0123456789xyz"])
def test_username_that_looks_like_a_token_is_no_argument(username: str) -> None:
    command, run = asking(said(ANSWER))
    with pytest.raises(ProviderMissing) as caught:
        command.find(URL, username)
    assert caught.value.reason == "others see its arguments, and the username looks like a token"
    assert run.arguments == []


def test_token_as_username_costs_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    command, run = asking(said(ANSWER))
    assert authshim.Chain([command]).find("https://glpat-s3cret@h.example/simple/demo/") is None
    assert run.arguments == []
    assert caplog.records == []


@pytest.mark.parametrize(
    ("key", "username"),
    [
        ("https://ada:s3cret@h.example/simple", None),
        ("https://s3cret@h.example/simple", None),
        ("https://h.example/\ns3cret", None),
        (URL, "-s3cret"),
        (URL, "--keyring-backend=s3cret"),
        (URL, "s3cret\0"),
        (URL, "s3cret\r\n"),
        (URL, "s3cret\x9b2J"),
        ("https://h.example/\x85s3cret", None),
        (URL, "s3cret\u202e"),
    ],
)
def test_key_that_cannot_be_an_argument_is_refused(key: str, username: str | None) -> None:
    command, run = asking(said(ANSWER))
    with pytest.raises(ProviderError) as caught:
        command.find(key, username)
    assert "s3cret" not in str(caught.value) + repr(caught.value)
    assert run.arguments == []


def test_key_that_would_be_an_option_is_missing() -> None:
    command, run = asking(said(ANSWER))
    assert command.find("--help") is None
    assert run.arguments == []


@pytest.mark.parametrize(
    "key", ["https://h.example/t/s3cret/simple", f"{URL}?token=s3cret", f"{URL}#s3cret"]
)
def test_secret_in_the_path_or_query_of_an_index_is_no_argument(
    key: str, no_secret: Callable[..., None]
) -> None:
    command, run = asking(said(ANSWER))
    chain = authshim.Chain([command], indexes=[authshim.Index(key.replace("//", "//ada@"))])
    found = chain.find("https://h.example/t/s3cret/simple/demo/")
    assert found is not None
    assert [asked[-2:] for asked in run.arguments] == [["h.example", "ada"]]
    assert len(command.problems) == 1
    no_secret(command.problems)


@pytest.mark.parametrize("username", ["-x", "--help", "--", "-1", "--keyring-path=x"])
def test_username_that_looks_like_an_option_runs_nothing(
    username: str,
) -> None:
    command, run = asking(said(ANSWER))
    url = f"https://{username}@h.example/simple/demo/"
    assert authshim.Chain([command]).find(url) is None
    assert sent(authshim.Chain([command, Keeper({"h.example": bearer()})]).find(url)) == bearer()
    assert run.arguments == []


# Deadline and environment


@pytest.mark.parametrize(
    ("terminal", "timeout", "deadline"),
    [(False, None, 30), (True, None, 300), (False, 7.0, 7), (True, 7.0, 7)],
)
def test_person_at_the_terminal_has_more_time(
    terminal: bool, timeout: float | None, deadline: float
) -> None:
    command, run = asking(said(ANSWER), terminal=lambda: terminal, timeout=timeout)
    command.find(URL)
    assert (run.options[0]["deadline"], run.options[0]["pass_stderr"]) == (deadline, terminal)


@pytest.mark.parametrize(
    ("environ", "terminal", "value"),
    [
        ({}, False, "true"),
        ({}, True, None),
        ({"ARTIFACTS_KEYRING_NONINTERACTIVE_MODE": "false"}, False, "false"),
    ],
)
def test_azure_back_end_is_noninteractive_if_there_is_no_terminal(
    environ: dict[str, str], terminal: bool, value: str | None
) -> None:
    command, run = asking(said(ANSWER), terminal=lambda: terminal, environ=environ)
    command.find(URL)
    assert run.options[0]["environ"].get("ARTIFACTS_KEYRING_NONINTERACTIVE_MODE") == value


def test_child_gets_our_environment_and_three_variables_more() -> None:
    command, run = asking(said(ANSWER), environ=None)
    command.find(URL)
    added = {
        "ARTIFACTS_KEYRING_NONINTERACTIVE_MODE": "true",
        "PYTHONIOENCODING": "utf-8",
        "AUTHSHIM_ASKING": "1",
    }
    assert run.options[0]["environ"] == {**added, **os.environ}


def test_child_is_told_that_the_chain_asks_in_both_modes() -> None:
    command, run = asking(Result(2, b"", USAGE), said("s3cret\n"), environ={"AUTHSHIM_ASKING": ""})
    command.find(URL, "bob")
    assert [options["environ"]["AUTHSHIM_ASKING"] for options in run.options] == ["1", "1"]


AT_A_TERMINAL = """\
import authshim
from authshim.providers.child_process import run
def noting(command, **options):
    print(options["deadline"], options["pass_stderr"])
    return run(command, **options)
chain = authshim.Chain.from_environment()
chain.providers[-1]._run_child = noting
print(chain.find("https://ada@h.example/simple/"))
"""


@posix
@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("timeout", [None, "7"])
def test_real_terminal_has_more_time_and_shows_the_device_code(
    is_terminal: bool,
    timeout: str | None,
    script: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring = script(f"echo code $ARTIFACTS_KEYRING_NONINTERACTIVE_MODE 1234 >&2; echo '{ANSWER}'")
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", keyring)
    if timeout:
        monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", timeout)
    master, slave = os.openpty() if is_terminal else os.pipe()
    try:
        command = [sys.executable, "-c", AT_A_TERMINAL]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=slave, text=True, timeout=60, check=False
        )
        os.write(slave, b"end\n")
        shown = b""
        while b"end" not in shown:
            shown += os.read(master, 1000)
    finally:
        os.close(master)
        os.close(slave)
    said, found = ended.stdout.splitlines()
    assert said == f"{float(timeout or (300 if is_terminal else 30))} {is_terminal}"
    assert found.startswith("Found(BasicHTTP(username='ada'")
    assert shown.split() == ([b"code", b"1234", b"end"] if is_terminal else [b"end"])


def test_pickle_has_no_environment() -> None:
    command = KeyringCommand(environ={"TOKEN": "s3cret"}, timeout=3)
    assert_no_secret(pickle.dumps(command))
    assert pickle.loads(pickle.dumps(command)).timeout == 3


# Answers


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        json.dumps({"username": "ada", "password": "s3cret"}, indent=1),
        f"Notice: signing in\n{ANSWER}\r\n\n",
        json.dumps({"username": None, "password": "s3cret"}).replace("null", '"ada"'),
    ],
)
def test_answer_is_all_that_is_printed_or_the_last_line(text: str) -> None:
    assert find(said(text)) == BasicHTTP("ada", "s3cret")


def test_answer_with_the_placeholder_of_poetry_has_no_username() -> None:
    text = ANSWER.replace("ada", "__poetry_source_empty_username__")
    assert find(said(text)) == BasicHTTP("", "s3cret")


@pytest.mark.parametrize(
    "text", ['{"username": null, "password": "s3cret"}', '{"password": "s3cret"}']
)
def test_answer_without_username_is_for_the_one_that_was_asked(text: str) -> None:
    assert find(said(text)) == BasicHTTP("bob", "s3cret")
    assert reason(said(text), username=None) == "it gave a password without a username"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3cret",
        "null",
        '["s3cret"]',
        '{"username": "s3cret"}',
        '{"username": "ada", "password": null}',
        '{"username": "ada", "password": 53}',
        f"{ANSWER}\nbye",
        "[" * 100_000,
        "\0",
    ],
)
def test_answer_without_a_credential_is_an_error_without_content(text: str) -> None:
    assert reason(said(text)) == "it printed something that is no credential"


@pytest.mark.parametrize(
    "text",
    [
        '{"username": "ada", "password": "s3cret\\r\\nX: y"}',
        '{"username": ["s3cret"], "password": "s3cret"}',
    ],
)
def test_credential_that_cannot_be_sent_is_an_error_without_content(text: str) -> None:
    assert reason(said(text)).startswith("its answer cannot be sent: the ")


def test_bytes_that_are_not_utf_8_are_an_error() -> None:
    assert reason(Result(2, b"", USAGE), Result(0, b"s3cret\xff\n")) == "its answer is not in UTF-8"


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("s3cret", "s3cret"),
        (" s3cret \n", " s3cret "),
        ("Notice: signing in\ns3cret\n", "s3cret"),
        ("\n", ""),
    ],
)
def test_last_line_of_an_older_keyring_is_the_password(text: str, password: str) -> None:
    assert find(Result(2, b"", USAGE), said(text)) == BasicHTTP("bob", password)


@pytest.mark.parametrize("text", ["", "s3cret\n\n"])
def test_older_keyring_that_prints_no_password_is_an_error(text: str) -> None:
    assert reason(Result(2, b"", USAGE), said(text)) == "it printed something that is no credential"


def test_password_with_a_tab_is_an_error() -> None:
    assert reason(Result(2, b"", USAGE), said("s3\tcret\n")).startswith("its answer cannot be sent")


# Misses and failures


@pytest.mark.parametrize("outcome", [Result(1), Result(1, b"\n", b" \n")])
def test_silent_status_1_is_a_miss(outcome: Result) -> None:
    assert find(outcome) is None
    assert find(Result(2, b"", USAGE), outcome) is None


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            said("", 1, "Traceback ...\n  s3cret\nNoKeyringError: none\n\n"),
            "it failed with status 1: NoKeyringError: none",
        ),
        (
            said("", 1, "no https://ada:s3cret@h.example/x?s3cret"),
            "it failed with status 1: no https://h.example/x?****",
        ),
        (
            said("", 1, "no 'https://s3cret@h.example/'"),
            "it failed with status 1: no 'https://h.example/'",
        ),
        (said("", 1, "Bad: token = s3cret"), "it failed with status 1: Bad: token = ****"),
        (
            said("", 1, "glpat-12345678901234567890 has expired"),
            "it failed with status 1: **** has expired",
        ),
        (said("", 1, "\x1b[31mred\x1b[0m"), "it failed with status 1: ?[31mred?[0m"),
        (
            said("", 1, "x" * 1950 + " https://ada:s3cret" + "y" * 99 + "@h/"),
            "it failed with status 1: " + "x" * 200,
        ),
        (said("", 1, "é" * 70_000), "it failed with status 1"),
    ],
)
def test_status_1_with_stderr_is_a_miss_and_a_problem(outcome: Result, expected: str) -> None:
    # Back ends of clouds report each URL that is not theirs; the host may be known nevertheless.
    provider, _ = asking(outcome, outcome)
    assert [provider.find(URL, "ada"), provider.find(URL, "ada")] == [None, None]
    assert provider.problems == [f"keyring command: {expected}"]
    assert_no_secret(provider.problems)
    provider.refresh()
    assert provider.problems == []


def test_newest_problems_of_thousands_are_kept() -> None:
    provider, run = asking(said("", 1, "no"))
    for number in range(1000):
        run.outcomes = [said("", 1, f"no {number}")]
        provider.find(f"https://h.example/{number}/simple", "ada")
    assert len(provider.problems) == 20
    assert provider.problems[-1].endswith(": no 999")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (said("s3cret", 1), "it failed with status 1"),
        (said("s3cret\n", 1, "the token s3cret\nhas s3cret"), "it failed with status 1: has ****"),
        (said(ANSWER, 4, "token s3cret expired"), "it failed with status 4: token **** expired"),
        # Neither is JSON, but it holds the password.
        (
            said(f"Notice\n{json.dumps(json.loads(ANSWER), indent=1)}", 1, "no s3cret"),
            "it failed with status 1: no ****",
        ),
        (
            said('{"password": "s3\\"cret\\\\", ', 1, 'no s3"cret\\'),
            "it failed with status 1: no ****",
        ),
        (said("s3cret://a:b@c\n", 1, "no s3cret://a:b@c"), "it failed with status 1: no ****"),
        (said("x", 1, "a\u202eb\x1b"), "it failed with status 1: a\\u202eb?"),
        (said("", -9), "it was ended by signal 9"),
        (said("", 0xC0000005), "it failed with status 3221225477"),
        (
            Result(-15, b"s3cret", b"", "it did not answer within 30 s"),
            "it did not answer within 30 s",
        ),
    ],
)
def test_failure_is_a_sentence_with_the_last_line(outcome: Result, expected: str) -> None:
    assert reason(outcome) == expected


# Which program


def test_command_relative_to_the_current_folder_is_refused() -> None:
    for first in ("./keyring", "bin/keyring", "../keyring"):
        assert error_of(KeyringCommand([first])).reason.endswith(
            "is relative to the current folder: give its whole path"
        )


def test_unknown_command_is_missing() -> None:
    for first in ("no-such-keyring", os.path.abspath("no-such-keyring"), ""):
        assert isinstance(error_of(KeyringCommand([first])), ProviderMissing)


def test_missing_keyring_is_reported_with_the_next_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    error = error_of(KeyringCommand(search_path=""))
    assert isinstance(error, ProviderMissing)
    assert str(error).endswith("pipx install keyring")


@pytest.mark.parametrize("executable", ["", None])
def test_python_without_a_path_has_no_keyring_beside_it(
    monkeypatch: pytest.MonkeyPatch, executable: str | None
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    assert isinstance(error_of(KeyringCommand(search_path="")), ProviderMissing)


@posix
@pytest.mark.parametrize("path", ["", ".", ":", "::.", "bin", "./", "bin:."])
def test_current_folder_has_no_keyring(
    script: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    (tmp_path / "bin").mkdir()
    script(f"echo '{ANSWER}'")
    script(f"echo '{ANSWER}'", "bin/keyring")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert isinstance(error_of(KeyringCommand(search_path=path)), ProviderMissing)


@posix
@pytest.mark.parametrize("named", ["./keyring", "bin/keyring", "keyring", "", "~/keyring"])
@pytest.mark.parametrize("path", ["", ".", ":/nowhere:", "bin"])
def test_variables_never_run_a_program_of_the_current_folder(
    named: str,
    path: str,
    script: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("keyring", "bin/keyring"):
        script(f"touch {tmp_path}/ran; echo '{ANSWER}'", name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    environ = {"AUTHSHIM_KEYRING_COMMAND": named, "PATH": path, "HOME": "/nowhere"}
    assert (
        authshim.Chain.from_environment(environ=environ).find("https://ada@h.example/simple/")
        is None
    )
    assert not (tmp_path / "ran").exists()


def test_windows_looks_in_whole_paths_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Windows' own reading of paths, and a search that says where it was sent."""
    looked: list[str] = []
    monkeypatch.setattr(
        "authshim.providers.keyring_program.os", SimpleNamespace(path=ntpath, pathsep=";")
    )
    monkeypatch.setattr("shutil.which", looked.append)
    assert (
        which("keyring", ["C:\\Tools", "", ".", "bin", "C:bin", "D:/x", '"C:\\y"'], windows=True)
        is None
    )
    assert looked == ["C:\\Tools\\keyring.exe", "D:/x\\keyring.exe"]
    for first in ("C:keyring.exe", "bin\\keyring.exe", ".\\keyring.exe", "bin/keyring"):
        assert "is relative to the current folder" in error_of(KeyringCommand([first])).reason


@posix
def test_path_comes_before_the_folder_of_this_python(
    script: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "beside").mkdir()
    script(f"echo '{ANSWER}'")
    script('echo \'{"username": "beside", "password": "s3cret"}\'', "beside/keyring")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    assert KeyringCommand(search_path=str(tmp_path)).find(URL) == BasicHTTP("ada", "s3cret")
    assert KeyringCommand(search_path="").find(URL) == BasicHTTP("beside", "s3cret")


@posix
def test_file_that_is_not_executable_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "keyring").write_text("")
    assert isinstance(error_of(KeyringCommand([str(tmp_path / "keyring")])), ProviderMissing)


@posix
def test_file_that_the_system_cannot_run_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "keyring").write_text("#!/nowhere/python\n")
    (tmp_path / "keyring").chmod(0o755)
    assert error_of(KeyringCommand([str(tmp_path / "keyring")])).reason.startswith(
        "it cannot be started: "
    )


@posix
def test_windows_has_no_batch_files_here(tmp_path: Path) -> None:
    for name in ("keyring.cmd", "keyring.bat", "keyring.exe"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    assert which("keyring", [str(tmp_path)], windows=True) == str(tmp_path / "keyring.exe")
    assert which("keyring.cmd", [str(tmp_path)], windows=True) is None


# A real child


@posix
def test_password_is_in_no_argument_and_stdin_is_empty(script: Callable[..., str]) -> None:
    command = KeyringCommand(
        [script(f"cat; echo \"$@\" >&2; echo '{ANSWER}'")], terminal=lambda: False
    )
    assert command.find(URL) == BasicHTTP("ada", "s3cret")


@posix
def test_command_that_hangs_is_ended(script: Callable[..., str]) -> None:
    command = KeyringCommand([script("echo s3cret; sleep 60")], timeout=0.2, terminal=lambda: False)
    assert error_of(command).reason == "it did not answer within 0.2 s"

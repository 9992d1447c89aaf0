"""Whoever follows the next step of a command gets another answer from the next ``check``."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from aws import without_botocore
from buckets import declare, error, keep_keys
from servers import CHALLENGE, Answer, Recorder

from authshim.cli import main

if TYPE_CHECKING:
    from servers import Seen

Capture = pytest.CaptureFixture[str]
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def _quick_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring command that has nothing and starts quickly."""
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", "false")


def project(*indexes: str, channels: str = "") -> None:
    """Write a project with indexes."""
    urls = ", ".join(f'"{index}"' for index in indexes)
    Path("pixi.toml").write_text(
        f"[workspace]\nchannels = [{channels}]\nplatforms = []\n"
        f'[pypi-options]\nindex-url = "{indexes[0]}"\nextra-index-urls = [{urls}]\n',
        encoding="utf-8",
    )


def verdicts(capsys: Capture, *options: str) -> list[tuple[str, str, str]]:
    """Return the URL, the answer and the next step of each line of ``check``."""
    capsys.readouterr()
    main(["check", "--json", *options])
    results = json.loads(capsys.readouterr().out)["results"]
    return [(each["url"], each["answer"], each["next_step"]) for each in results]


def follow(step: str, capsys: Capture) -> None:
    """Type the command of a step, with a secret."""
    command = re.search(r"authshim (auth login .*?)(?: {3}\(|$)", step)
    assert command, step
    words = [word if word != "USER" else "ada" for word in shlex.split(command.group(1))]
    secret = ["--password", SECRET] if "--username" in words else ["--token", SECRET]
    capsys.readouterr()
    assert main([*words, *secret]) == 0
    assert SECRET not in "".join(capsys.readouterr())


def wants_a_login(recorder: Recorder) -> None:
    recorder.default = lambda seen: Answer() if seen.authorization else CHALLENGE  # type: ignore[assignment]


def changes(capsys: Capture, *options: str) -> tuple[str, str]:
    """Follow the step of the first line, and return the answers before and after."""
    (_, before, step), *_ = verdicts(capsys, *options)
    follow(step, capsys)
    (_, after, _), *_ = verdicts(capsys, *options)
    return before, after


@pytest.fixture
def locked(recorder: Recorder) -> Recorder:
    """A server that lets in whoever sends a credential."""
    wants_a_login(recorder)
    return recorder


CHANGED = ("no credential", "let in")


def test_next_step_logs_in(locked: Recorder, capsys: Capture) -> None:
    project(f"{locked.url}/simple")
    assert changes(capsys) == CHANGED


def test_next_step_names_the_auth_file_of_the_option(locked: Recorder, capsys: Capture) -> None:
    project(f"{locked.url}/simple")
    assert changes(capsys, "--auth-file", "ours.json") == CHANGED
    assert "127.0.0.1" in Path("ours.json").read_text(encoding="utf-8")


def test_next_step_names_the_auth_file_of_the_variable(
    locked: Recorder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(f"{locked.url}/simple")
    monkeypatch.setenv("RATTLER_AUTH_FILE", "ours.json")
    assert changes(capsys) == CHANGED


def test_next_step_names_the_auth_file_of_the_project(locked: Recorder, capsys: Capture) -> None:
    project(f"{locked.url}/simple")
    Path(".pixi").mkdir()
    file = Path("their own.json").absolute()
    line = f'authentication-override-file = "{file}"\n'
    Path(".pixi/config.toml").write_text(line, encoding="utf-8")
    assert changes(capsys) == CHANGED
    assert file.exists()


def test_next_step_names_the_port_if_two_ports_are_declared(
    locked: Recorder, make_recorder: Callable[..., Recorder], capsys: Capture
) -> None:
    other = make_recorder()
    wants_a_login(other)
    project(f"{locked.url}/simple", f"{other.url}/simple")
    for _ in range(2):
        url, _, step = next(each for each in verdicts(capsys) if each[1] == "no credential")
        assert f"auth login {url.split('/')[2]} " in step
        assert "pixi reads no key with a port" in step
        follow(step, capsys)
    assert {answer for _, answer, _ in verdicts(capsys)} == {"let in"}


def test_next_step_names_the_path_if_two_indexes_share_an_origin(
    locked: Recorder, capsys: Capture
) -> None:
    project(f"{locked.url}/a/simple", f"{locked.url}/b/simple")
    steps = [step for _, _, step in verdicts(capsys)]
    assert [step.split()[3] for step in steps] == ["127.0.0.1/a", "127.0.0.1/b"]
    assert "if one login serves all of 127.0.0.1, log in at 127.0.0.1)" in steps[0]
    for step in steps:
        follow(step, capsys)
    assert {answer for _, answer, _ in verdicts(capsys)} == {"let in"}


def test_next_step_mends_the_line_of_a_broken_file(
    locked: Recorder, home: Path, capsys: Capture
) -> None:
    netrc = home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\nlogin ada\npasswrd {SECRET}\n", encoding="utf-8")
    project(f"{locked.url}/simple")
    ((_, before, step),) = verdicts(capsys)
    line = int(re.fullmatch(rf"mend {netrc} line (\d+) first", step)[1])  # type: ignore[index]
    lines = netrc.read_text(encoding="utf-8").splitlines()
    assert "passwrd" in lines[line - 1]
    netrc.write_text("\n".join(lines).replace("passwrd", "password"), encoding="utf-8")
    ((_, after, _),) = verdicts(capsys)
    assert (before, after) == CHANGED


def test_next_step_names_the_user_and_the_switch_of_the_keyring(
    locked: Recorder, home: Path, capsys: Capture
) -> None:
    (home / ".pixi").mkdir()
    config = home / ".pixi/config.toml"
    config.write_text('[pypi-config]\nkeyring-provider = "disabled"\n', encoding="utf-8")
    project(f"{locked.url.replace('://', '://ada@')}/simple")
    ((_, _, step),) = verdicts(capsys)
    assert "--username ada" in step
    assert f'the keyring command is off: keyring-provider = "disabled" in {config}:2' in step
    assert changes(capsys) == CHANGED


def test_next_step_after_a_rejection_replaces_the_login(
    recorder: Recorder, home: Path, capsys: Capture
) -> None:
    store = home / ".rattler"
    store.mkdir()
    old = {"127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "old"}}}
    (store / "credentials.json").write_text(json.dumps(old), encoding="utf-8")
    project(f"{recorder.url}/simple")
    recorder.default = lambda seen: (  # type: ignore[assignment]
        Answer() if seen.authorization and SECRET in _decoded(seen) else CHALLENGE
    )
    assert changes(capsys) == ("rejected", "let in")


def _decoded(seen: Seen) -> str:
    from base64 import b64decode

    return b64decode(str(seen.authorization).partition(" ")[2]).decode()


def test_next_step_fills_in_a_placeholder(locked: Recorder, capsys: Capture) -> None:
    project(f"{locked.url}/<name>/simple")
    ((_, before, step),) = verdicts(capsys)
    assert (before, step) == ("not probed", "fill in <name> in the index's URL")
    project(f"{locked.url}/acme/simple")
    ((_, after, _),) = verdicts(capsys)
    assert after == "no credential"


def test_next_step_of_explain_and_get_logs_in(locked: Recorder, capsys: Capture) -> None:
    project(f"{locked.url}/simple")
    for command in ("explain", "get"):
        main([command, f"{locked.url}/files/x"])
        printed = " ".join("".join(capsys.readouterr()).split())
        assert "authshim auth login 127.0.0.1 --username USER" in printed
    assert changes(capsys) == CHANGED


# Buckets


@pytest.fixture
def bucket(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A bucket that lets in whoever signs for the region "eu", and a project that declares it."""
    without_botocore(monkeypatch)
    declare(recorder.url)

    def answer(seen: Seen) -> Answer:
        if "/eu/s3/" in str(seen.authorization):
            return Answer()
        return error(400, "AuthorizationHeaderMalformed", x_amz_bucket_region="eu")

    recorder.default = answer  # type: ignore[assignment]
    return recorder


@pytest.mark.usefixtures("bucket")
def test_next_step_logs_in_at_a_bucket(capsys: Capture) -> None:
    ((_, before, step),) = verdicts(capsys)
    command = re.search(r"authshim (auth login s3://.*?) {3}", step)
    assert command, step
    assert main([*shlex.split(command.group(1)), "--s3-secret-access-key", SECRET]) == 0
    ((_, after, _),) = verdicts(capsys)
    assert (before, after) == ("not probed", "let in")


def test_next_step_declares_a_bucket(bucket: Recorder, home: Path, capsys: Capture) -> None:
    keep_keys(home)
    table = Path("pixi.toml").read_text().partition("[workspace.s3-options.bucket]")
    Path("pixi.toml").write_text(table[0])
    ((_, before, step),) = verdicts(capsys)
    assert step.startswith(f"add {table[1]} with endpoint-url, region and force-path-style")
    declare(bucket.url)
    ((_, after, _),) = verdicts(capsys)
    assert (before, after) == ("not probed", "let in")


def test_next_step_corrects_the_region(bucket: Recorder, home: Path, capsys: Capture) -> None:
    keep_keys(home)
    declare(bucket.url, region="us")
    ((_, before, step),) = verdicts(capsys)
    assert step.startswith("correct the region in [workspace.s3-options.bucket] in ")
    declare(bucket.url, region="eu")
    ((_, after, _),) = verdicts(capsys)
    assert (before, after) == ("unreachable", "let in")

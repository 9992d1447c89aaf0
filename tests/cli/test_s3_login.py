"""``authshim auth`` at a bucket: what is typed, what is stored, and what is printed."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from proof.sources import Keychain

from authshim.cli import main

if TYPE_CHECKING:
    from pathlib import Path

KEY, SECRET, SESSION = "--s3-access-key-id", "--s3-secret-access-key", "--s3-session-token"


@pytest.fixture
def kept(home: Path) -> Path:
    return home / ".rattler" / "credentials.json"


def entry(secret: str = "s3cret", session: str | None = None) -> dict[str, object]:
    keys = {"access_key_id": "id", "secret_access_key": secret, "session_token": session}
    return {"S3Credentials": keys}


def log_in(*words: str, host: str = "s3://bucket") -> int:
    return main(["auth", "login", host, KEY, "id", *words])


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> object:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize(
    ("words", "given", "session"),
    [
        ([SECRET, "-"], "s3cret\n", None),
        ([SECRET, "s3cret"], "", None),
        ([SECRET, "-", SESSION, "-"], "s3cret\ns3cret-t\n", "s3cret-t"),
        ([SESSION, "-", SECRET, "-"], "s3cret-t\r\ns3cret\r\n", "s3cret-t"),
        ([SECRET, "s3cret", SESSION, "-"], "s3cret-t\n", "s3cret-t"),
    ],
)
def test_login_stores_keys_under_the_bucket_as_pixi_does(
    words: list[str],
    given: str,
    session: str | None,
    kept: Path,
    pipe: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe(given)
    assert log_in(*words) == 0
    assert json.loads(kept.read_bytes()) == {"bucket": entry(session=session)}
    out, err = capsys.readouterr()
    assert out == "stored the S3Credentials for bucket in auth file ~/.rattler/credentials.json\n"
    assert_no_secret(out, err)


def test_login_with_a_path_stores_keys_under_the_url(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert log_in(SECRET, "s3cret", host="s3://my.bucket/chan/") == 0
    assert set(json.loads(kept.read_bytes())) == {"s3://my.bucket/chan"}
    assert "pixi takes keys of the whole bucket my.bucket before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "key"), [("s3://bucket", "bucket"), ("s3://bucket/chan", "s3://bucket/chan")]
)
def test_login_goes_to_the_keychain(
    host: str, key: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keychain = Keychain()
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr("authshim.providers.os_keychain.open_keychain", lambda platform: keychain)
    assert log_in(SECRET, "s3cret", host=host) == 0
    assert keychain.usernames("rattler") == [key]
    assert not kept.exists()


def test_login_asks_for_secrets_on_a_terminal(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return f"s3cret-{len(asked)}"

    monkeypatch.setattr("getpass.getpass", getpass)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert log_in(SESSION) == 0
    assert asked == ["Secret access key of id: ", "Session token of id: "]
    assert json.loads(kept.read_bytes()) == {"bucket": entry("s3cret-1", "s3cret-2")}


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        ([], "", f"{SECRET}: there is no terminal to ask at; - reads it from standard input"),
        ([SECRET, "-"], "", f"{SECRET}: standard input is empty"),
        ([SECRET, "-", SESSION, "-"], "s3cret\n", "standard input has 1 lines"),
        ([SECRET, "-", SESSION, "-"], "s3cret\na\nb\n", "standard input has 3 lines"),
        ([SECRET, "s3 cret"], "", f"{SECRET}: it has a blank"),
        ([SECRET, "s3cret", "--token", "s3cret"], "", "--token: s3:// takes S3 keys and nothing"),
        ([SECRET, "s3cret", "--oauth"], "", "--oauth: s3:// takes S3 keys and nothing else"),
        ([SECRET, "s3cret", KEY, ""], "", f"{KEY}: it is empty"),
    ],
)
def test_login_is_refused_without_showing_a_secret(
    words: list[str],
    given: str,
    said: str,
    kept: Path,
    pipe: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe(given)
    assert log_in(*words) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert_no_secret(out, err)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["s3://bucket"], f"HOST: add {KEY} ID"),
        (["s3://bucket", SECRET, "s3cret"], f"{SECRET}: add {KEY} ID"),
        (["h.example", KEY, "id", SECRET, "s3cret"], f"{KEY}: goes together with s3://BUCKET"),
        (["h.example", SECRET, "s3cret"], f"{SECRET}: goes together with s3://BUCKET"),
        (["s3://"], "it has no bucket"),
    ],
)
def test_login_names_the_option_that_is_missing(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", *words]) in (1, 2)
    err = capsys.readouterr().err
    assert said in err
    assert_no_secret(err)


def test_login_says_which_keys_come_before_those_that_it_stored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_in(SECRET, "s3cret", host="s3://bucket/chan")
    log_in(SECRET, "s3cret")
    assert "another comes first" not in capsys.readouterr().err
    log_in(SECRET, "s3cret-2", host="s3://bucket/chan")
    assert main(["auth", "status", "s3://bucket/chan/noarch"]) == 0
    out = capsys.readouterr().out
    assert "bucket            S3Credentials    auth file" in out
    assert "shadowed by s3://bucket/chan in auth file" in out
    assert_no_secret(out)


def test_logout_removes_the_keys_of_a_bucket(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_in(SECRET, "s3cret")
    log_in(SECRET, "s3cret", host="s3://bucket/chan")
    log_in(SECRET, "s3cret", host="s3://other")
    assert main(["auth", "logout", "s3://bucket/chan"]) == 0
    assert main(["auth", "logout", "s3://bucket/"]) == 0
    assert set(json.loads(kept.read_bytes())) == {"other"}


def test_token_says_that_keys_are_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    log_in(SECRET, "s3cret")
    assert main(["auth", "token", "s3://bucket/chan"]) == 1
    assert "has S3 keys, and auth token prints tokens only" in capsys.readouterr().err
    assert main(["auth", "token", "s3://other"]) == 1
    assert "try: authshim auth login s3://other --s3-access-key-id ID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "namer", "said"),
    [
        ("s3://bucket/x", "https://h.example/", "not signed: h.example named it"),
        ("https://h.example/x", "s3://bucket/y", "not asked: bucket named the URL"),
    ],
)
def test_explain_tells_what_a_redirect_gets(
    url: str, namer: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_in(SECRET, "s3cret")
    assert main(["explain", url, "--named-by", namer]) == 1
    assert said in capsys.readouterr().out


def test_explain_names_the_next_step_for_a_bucket(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "s3://bucket/chan/x"]) == 1
    out = capsys.readouterr().out
    assert "-> add [workspace.s3-options.bucket] with endpoint-url, region" in out

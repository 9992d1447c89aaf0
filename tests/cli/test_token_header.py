"""``authshim auth token --header``: the header line that curl reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from servers import CHALLENGE, Answer

from authshim import BasicHTTP
from authshim.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder, Seen

ADA = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}
BASIC = BasicHTTP("ada", "s3cret").header
OAUTH = {"OAuth": {"access_token": "s3cret", "token_endpoint": "x", "client_id": ""}}
S3_KEYS = {"S3Credentials": {"access_key_id": "s3cret", "secret_access_key": "s3cret"}}

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def kept(home: Path) -> Path:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir()
    return path


def keep(kept: Path, entry: object, key: str = "h.example") -> None:
    kept.write_text(json.dumps({key: entry}))


@pytest.mark.parametrize("override", [True, False])
@pytest.mark.parametrize(
    ("entry", "header"),
    [(ADA, BASIC), ({"BearerToken": "s3cret"}, "Bearer s3cret"), (OAUTH, "Bearer s3cret")],
)
def test_header_prints_the_line_of_a_login(
    entry: object,
    header: str,
    override: bool,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(kept, entry)
    if override:
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    for host in ("h.example", "https://h.example/acme/"):
        assert main(["auth", "token", "--header", host]) == 0
        assert capsys.readouterr() == (f"Authorization: {header}\n", "")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"CondaToken": "s3cret"}, "a conda token, which is sent in the URL"),
        (S3_KEYS, "S3 keys, which sign a request"),
    ],
)
def test_header_names_get_if_a_login_is_no_header(
    entry: object, reason: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, entry)
    assert main(["auth", "token", "--header", "https://h.example/acme/"]) == 1
    out, err = capsys.readouterr()
    get = "to get a file: authshim get https://h.example/acme/"
    assert (out, err) == ("", f"authshim: error: h.example has {reason}; {get}\n")
    assert_no_secret(out, err)


@pytest.mark.usefixtures("unknowing_keyring")
@pytest.mark.parametrize("override", [True, False])
def test_header_is_not_printed_for_another_user_of_the_url(
    override: bool, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, ADA)
    if override:
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    assert main(["auth", "token", "--header", "https://bob@h.example/"]) == 1
    assert capsys.readouterr().out == ""
    assert main(["auth", "token", "--header", "https://ada@h.example/"]) == 0
    assert capsys.readouterr().out == f"Authorization: {BASIC}\n"


@pytest.mark.parametrize("host", ["http://h.example/", "https://h.example:8443/"])
def test_header_is_for_the_scheme_and_port_that_were_typed(
    host: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, ADA, "h.example:80")
    expected = 0 if host.startswith("http:") else 1
    assert main(["auth", "token", "--header", host]) == expected


@needs_curl
def test_curl_gets_in_with_the_header_and_no_secret_argument(
    kept: Path, recorder: Recorder
) -> None:
    def answer(seen: Seen) -> Answer:
        return Answer() if seen.authorization == BASIC else CHALLENGE

    recorder.on("/simple/", answer)
    keep(kept, ADA, "127.0.0.1")
    url = f"{recorder.url}/simple/"
    token = f"{sys.executable} -m authshim auth token --header {url}"
    script = f"curl --silent --fail -H @<({token}) {url}"
    done = subprocess.run(
        ["bash", "-x", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("ok", 0)
    assert_no_secret(done.stderr)  # the commands with their arguments

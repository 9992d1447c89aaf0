"""What confirms and revokes tokens, on a real server on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from leaks import assert_no_secret
from servers import Answer, redirect

from authshim.credentials import BearerToken, OAuth
from authshim.endpoints import revoke, viewer
from authshim.errors import LoginError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

TOKEN = BearerToken("s3cret")
ADA = Answer(200, b'{"data": {"viewer": {"login": "ada"}}}', {"Content-Type": "application/json"})


def test_the_viewer_is_asked_for_with_the_token_and_nothing_else(recorder: Recorder, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login other password wrong\n")
    recorder.on("/api/graphql", ADA)
    assert viewer(TOKEN, recorder.url + "/") == "ada"
    (seen,) = recorder.seen
    assert (seen.method, seen.authorization) == ("POST", "Bearer s3cret")
    assert json.loads(seen.body) == {"query": "query { viewer { login } }"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(200, b'{"data": {"viewer": null}}'), "does not accept the token"),
        (Answer(401), "does not accept the token"),
        (Answer(200, b"s3cret"), "does not accept the token"),
        (Answer(500, b"s3cret"), "it answered HTTP 500"),
        (redirect("https://evil.example/"), "it answered HTTP 302"),
    ],
)
def test_a_token_that_is_not_confirmed_is_an_error(answer: Answer, sentence: str, recorder: Recorder) -> None:
    recorder.default = answer
    with pytest.raises(LoginError, match=sentence) as caught:
        viewer(TOKEN, recorder.url)
    assert_no_secret(caught.value)
    assert len(recorder.seen) == 1


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LoginError, match=r"it cannot be reached \(ConnectionError\)") as caught:
        viewer(TOKEN, "http://127.0.0.1:9")
    assert_no_secret(caught.value)


@pytest.mark.parametrize("url", ["http://prefix.example", "prefix.dev", "ftp://127.0.0.1"])
def test_a_token_is_not_sent_in_the_clear(url: str) -> None:
    with pytest.raises(SettingsError, match="PREFIX_DEV_API_URL: "):
        viewer(TOKEN, url)


def oauth(endpoint: str | None, refresh: str | None = "s3cret-r") -> OAuth:
    return OAuth("s3cret-a", refresh, None, "https://h.example/t", endpoint, "client")


def test_both_tokens_are_revoked_the_refresh_token_first(recorder: Recorder) -> None:
    assert revoke(oauth(recorder.url + "/revoke")) == ""
    forms = [{name: value[0] for name, value in parse_qs(seen.body.decode()).items()} for seen in recorder.seen]
    assert forms == [
        {"token": "s3cret-r", "token_type_hint": "refresh_token", "client_id": "client"},
        {"token": "s3cret-a", "token_type_hint": "access_token", "client_id": "client"},
    ]
    assert [seen.authorization for seen in recorder.seen] == [None, None]


def test_a_revocation_carries_nothing_of_netrc(recorder: Recorder, home: Path) -> None:
    (home / ".netrc").write_text("default login other password s3cret\n")
    assert revoke(oauth(recorder.url + "/revoke")) == ""
    assert [seen.authorization for seen in recorder.seen] == [None, None]


def test_a_failed_revocation_is_a_sentence(recorder: Recorder) -> None:
    recorder.default = Answer(503, b"s3cret")
    said = revoke(oauth(recorder.url + "/revoke"))
    assert said == f"the tokens could not be revoked at {recorder.url}/revoke: it answered HTTP 503"
    assert len(recorder.seen) == 1


def test_without_an_endpoint_nothing_is_revoked() -> None:
    assert revoke(oauth(None)) == ""


def test_nothing_is_revoked_in_the_clear() -> None:
    assert "it is not an https URL" in revoke(oauth("http://h.example/revoke"))


def test_a_server_that_does_not_answer_in_time_is_an_error(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    done = Event()
    recorder.default = lambda _: done.wait(20) and None  # type: ignore[assignment]
    monkeypatch.setattr("authshim.endpoints._SECONDS", 0.2)
    try:
        with pytest.raises(LoginError, match=r"it did not answer in 0\.2 s") as caught:
            viewer(TOKEN, recorder.url)
    finally:
        done.set()
    assert_no_secret(caught.value)

"""The server that tells whose a token of prefix.dev is, played on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from servers import Answer, redirect

from authshim.credentials import BearerToken
from authshim.errors import LoginError, SettingsError
from authshim.login.prefix_dev import viewer

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

TOKEN = BearerToken("s3cret")
ADA = Answer(200, b'{"data": {"viewer": {"login": "ada"}}}', {"Content-Type": "application/json"})


def test_viewer_sends_the_token_and_nothing_of_netrc(recorder: Recorder, home: Path) -> None:
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
        (Answer(500, b"s3cret"), "answered HTTP 500"),
        (redirect("https://evil.example/"), "answered HTTP 302"),
    ],
)
def test_viewer_raises_if_the_token_is_not_confirmed(
    answer: Answer, sentence: str, recorder: Recorder
) -> None:
    recorder.default = answer
    with pytest.raises(LoginError, match=sentence) as caught:
        viewer(TOKEN, recorder.url)
    assert_no_secret(caught.value)
    assert len(recorder.seen) == 1


def test_viewer_raises_if_the_server_is_down() -> None:
    with pytest.raises(LoginError, match=r"cannot be reached to check the token \(the") as caught:
        viewer(TOKEN, "http://127.0.0.1:9")
    assert_no_secret(caught.value)


@pytest.mark.parametrize("url", ["http://prefix.example", "prefix.dev", "ftp://127.0.0.1"])
def test_viewer_refuses_a_url_that_is_not_https(url: str) -> None:
    with pytest.raises(SettingsError, match="PREFIX_DEV_API_URL: "):
        viewer(TOKEN, url)


def test_viewer_raises_after_its_timeout(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    done = Event()
    recorder.default = lambda _: done.wait(60) and None  # type: ignore[assignment]
    monkeypatch.setattr("authshim.login.prefix_dev.MAX_VIEWER_SECONDS", 0.2)
    try:
        with pytest.raises(LoginError, match="did not answer in time") as caught:
            viewer(TOKEN, recorder.url)
    finally:
        done.set()
    assert_no_secret(caught.value)

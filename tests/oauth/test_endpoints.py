"""Renewal and revocation at the endpoints of an OAuth login, played on loopback."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from servers import Answer

from authshim.credentials import OAuth
from authshim.oauth.endpoints import revoke

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from servers import Recorder


def oauth(endpoint: str | None, refresh: str | None = "s3cret-r") -> OAuth:
    return OAuth("s3cret-a", refresh, None, "https://h.example/t", endpoint, "client")


def test_revoke_sends_both_tokens_and_the_refresh_token_first(recorder: Recorder) -> None:
    assert revoke(oauth(recorder.url + "/revoke")) == ""
    forms = [
        {name: value[0] for name, value in parse_qs(seen.body.decode()).items()}
        for seen in recorder.seen
    ]
    assert forms == [
        {"token": "s3cret-r", "token_type_hint": "refresh_token", "client_id": "client"},
        {"token": "s3cret-a", "token_type_hint": "access_token", "client_id": "client"},
    ]
    assert [seen.authorization for seen in recorder.seen] == [None, None]


def test_revoke_sends_nothing_of_netrc(recorder: Recorder, home: Path) -> None:
    (home / ".netrc").write_text("default login other password s3cret\n")
    assert revoke(oauth(recorder.url + "/revoke")) == ""
    assert [seen.authorization for seen in recorder.seen] == [None, None]


def test_revoke_returns_the_reason_of_a_failure(recorder: Recorder) -> None:
    recorder.default = Answer(503, b"s3cret")
    said = revoke(oauth(recorder.url + "/revoke"))
    assert said == f"the tokens could not be revoked at {recorder.url}/revoke: it answered HTTP 503"
    assert len(recorder.seen) == 1


def test_revoke_does_nothing_without_an_endpoint() -> None:
    assert revoke(oauth(None)) == ""


def test_revoke_refuses_an_endpoint_that_is_not_https() -> None:
    assert "it is not an https URL" in revoke(oauth("http://h.example/revoke"))


def test_revoke_returns_a_timeout_as_the_reason(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Event()
    recorder.default = lambda _: done.wait(60) and None  # type: ignore[assignment]
    monkeypatch.setattr("authshim.oauth.endpoints.MAX_REVOCATION_SECONDS", 0.2)
    try:
        assert revoke(oauth(recorder.url + "/revoke")).endswith(
            "/revoke: it did not answer in time"
        )
    finally:
        done.set()


def test_revoke_sends_one_token_if_there_is_no_refresh_token(recorder: Recorder) -> None:
    assert revoke(oauth(recorder.url + "/revoke", refresh=None)) == ""
    assert [b"access_token" in seen.body for seen in recorder.seen] == [True]

"""Who has to say why it was refused knows what it sent."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from servers import CHALLENGE, Answer, Recorder, dripping, redirect

import authshim
from authshim.lookup.setup import Circumstances
from authshim.transport import failures
from authshim.transport.recording import RecordingAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = authshim.BasicHTTP("ada", "s3cret")


class Vault(authshim.Provider):
    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return ADA if key == "127.0.0.1" else None


@pytest.fixture
def adapter() -> RecordingAdapter:
    return RecordingAdapter(authshim.Chain([Vault()]))


@pytest.fixture
def session(adapter: RecordingAdapter) -> Iterator[requests.Session]:
    with adapter.session() as made:
        yield made


def test_refused_credential_is_recorded(
    adapter: RecordingAdapter, session: requests.Session, recorder: Recorder
) -> None:
    recorder.default = CHALLENGE
    session.get(recorder.url)
    assert adapter.last_credential == authshim.Found(ADA, "vault", "127.0.0.1")


def test_credential_of_an_earlier_hop_is_not_that_of_the_last(
    adapter: RecordingAdapter, session: requests.Session, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(f"http://localhost:{recorder.port}/there"))
    session.get(f"{recorder.url}/x")
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, None]
    assert adapter.last_credential is None


def test_a_redirect_with_a_page_that_has_a_length_is_followed(
    session: requests.Session, recorder: Recorder
) -> None:
    recorder.on("/x", Answer(302, b"see there", {"Location": "/there"}))
    assert session.get(f"{recorder.url}/x").text == "ok"


def test_the_page_of_a_redirect_is_not_read(session: requests.Session, recorder: Recorder) -> None:
    page = iter([b"x" * 65536] * 1024)
    recorder.on("/x", Answer(302, page, {"Location": "/there"}))
    assert session.get(f"{recorder.url}/x").text == "ok"
    assert next(page, None) is not None


def test_the_page_of_a_refusal_is_not_read_before_the_next_is_sent(recorder: Recorder) -> None:
    done, waited = Event(), []

    def page() -> Iterator[bytes]:
        yield b"x"
        waited.append(done.wait(20))

    bob = authshim.BasicHTTP("bob", "s3cret")

    class Renews(Vault):
        def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
            return (bob if recorder.seen else ADA) if key == "127.0.0.1" else None

    recorder.on(
        "/x", Answer(401, page(), {**CHALLENGE.headers, "Content-Length": "60000"}), Answer()
    )
    with RecordingAdapter(authshim.Chain([Renews()])).session() as session:
        assert session.get(f"{recorder.url}/x").text == "ok"
    assert waited == []
    done.set()


def test_a_head_without_end_is_given_up(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MAX_TOTAL_SECONDS", 0.3)
    with dripping() as url, pytest.raises(requests.Timeout) as slow:
        session.get(url, timeout=(10, 10))
    assert failures.describe(slow.value, Circumstances())[0] == "no whole answer within 0.3 s"


def test_an_answer_that_comes_when_nobody_waits_any_more_is_hung_up_on(
    adapter: RecordingAdapter,
    session: requests.Session,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, closed = Event(), Event()
    recorder.on("/x", lambda _: late.wait(20) and None)
    hang_up = requests.Response.close

    def close(response: requests.Response) -> None:
        hang_up(response)
        closed.set()

    monkeypatch.setattr(requests.Response, "close", close)
    monkeypatch.setattr(failures, "MAX_TOTAL_SECONDS", 0.3)
    with pytest.raises(requests.Timeout):
        session.get(f"{recorder.url}/x")
    assert not closed.is_set()
    late.set()
    assert closed.wait(20)


def test_a_redirect_has_only_the_time_that_is_left(
    session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MAX_TOTAL_SECONDS", 0.5)
    recorder.on("/x", lambda seen: time.sleep(0.2) or redirect("/x"))
    with pytest.raises(requests.Timeout):
        session.get(f"{recorder.url}/x")
    assert len(recorder.seen) < 30


def test_elapsed_time_is_that_of_all_requests_of_a_question(
    adapter: RecordingAdapter, session: requests.Session, recorder: Recorder
) -> None:
    waits = Event()
    recorder.on("/late", lambda _: waits.wait(20) and None)
    adapter.elapsed = failures.MAX_TOTAL_SECONDS
    with pytest.raises(requests.Timeout):
        session.get(f"{recorder.url}/late")
    waits.set()
    adapter.elapsed = 0.0
    session.get(recorder.url)
    assert 0 < adapter.elapsed < failures.MAX_TOTAL_SECONDS


def test_failure_is_raised_without_the_credential(
    session: requests.Session, recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    recorder.stop()
    with pytest.raises(requests.ConnectionError) as broke:
        session.get(recorder.url)
    no_secret(broke.value)

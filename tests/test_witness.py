"""Who has to say why it was refused knows what it sent."""

from __future__ import annotations

import time
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from servers import CHALLENGE, Answer, Recorder, dripping, redirect

import authshim
from authshim import trouble
from authshim.witness import BodyTooSlow, Witness, as_it_comes

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = authshim.BasicHTTP("ada", "s3cret")


class Vault(authshim.Provider):
    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return ADA if key == "127.0.0.1" else None


@pytest.fixture
def witness() -> Witness:
    return Witness(authshim.Chain([Vault()]))


@pytest.fixture
def session(witness: Witness) -> Iterator[requests.Session]:
    with witness.session() as made:
        yield made


def test_what_was_refused_is_known(witness: Witness, session: requests.Session, recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    session.get(recorder.url)
    assert witness.found == authshim.Found(ADA, "vault", "127.0.0.1")


def test_what_an_earlier_hop_was_sent_is_no_credential_of_the_last(
    witness: Witness, session: requests.Session, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(f"http://localhost:{recorder.port}/there"))
    session.get(f"{recorder.url}/x")
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, None]
    assert witness.found is None


def test_a_redirect_with_a_page_that_has_a_length_is_followed(session: requests.Session, recorder: Recorder) -> None:
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

    recorder.on("/x", Answer(401, page(), {**CHALLENGE.headers, "Content-Length": "60000"}), Answer())
    with Witness(authshim.Chain([Renews()])).session() as session:
        assert session.get(f"{recorder.url}/x").text == "ok"
    assert waited == []
    done.set()


def test_a_head_without_end_is_given_up(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "WHOLE", 0.3)
    with dripping() as url, pytest.raises(requests.Timeout) as slow:
        session.get(url, timeout=(10, 10))
    assert trouble.why(slow.value)[0] == "no whole answer within 0.3 s"


def test_an_answer_that_comes_when_nobody_waits_any_more_is_hung_up_on(
    witness: Witness, session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, closed = Event(), Event()
    recorder.on("/x", lambda _: late.wait(20) and None)
    hang_up = requests.Response.close

    def close(response: requests.Response) -> None:
        hang_up(response)
        closed.set()

    monkeypatch.setattr(requests.Response, "close", close)
    monkeypatch.setattr(trouble, "WHOLE", 0.3)
    with pytest.raises(requests.Timeout):
        session.get(f"{recorder.url}/x")
    assert not closed.is_set()
    late.set()
    assert closed.wait(20)


def test_a_redirect_has_only_the_time_that_is_left(
    session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "WHOLE", 0.5)
    recorder.on("/x", lambda seen: time.sleep(0.2) or redirect("/x"))
    with pytest.raises(requests.Timeout):
        session.get(f"{recorder.url}/x")
    assert len(recorder.seen) < 30


def test_each_question_has_the_whole_time(witness: Witness, session: requests.Session, recorder: Recorder) -> None:
    for _ in range(2):
        session.get(recorder.url)
    assert trouble.WHOLE - 30 < witness.left < trouble.WHOLE


def test_what_breaks_is_raised_without_what_was_sent(
    session: requests.Session, recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    recorder.stop()
    with pytest.raises(requests.ConnectionError) as broke:
        session.get(recorder.url)
    no_secret(broke.value)


def test_urllib3_1_26_is_told_to_notice_a_body_that_breaks_off() -> None:
    class Raw:
        enforce_content_length = False

        def stream(self, amount: int, decode_content: bool) -> list[bytes]:
            return [b"a", b"b"] if self.enforce_content_length and decode_content and amount < 10_000 else []

    response = requests.Response()
    response.raw = Raw()
    assert list(as_it_comes(response, decode=True)) == [b"a", b"b"]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03"


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        pytest.param(CHUNKED + b"5;", b"x", id="the size of a chunk"),
        pytest.param(CHUNKED + b"0\r\n", b"a: b\r\n", id="trailers"),
        pytest.param(CHUNKED + b"0\r\n", b"a", id="one trailer"),
        pytest.param(GZIP, b"\0\0\0\xff\xff", id="packed, and nothing in it"),
    ],
)
def test_what_goes_on_without_end_and_is_no_body_is_hung_up_on(
    begin: bytes, rest: bytes, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.witness.SILENT", 0.2)
    with dripping(begin, rest) as url, session.get(url, stream=True) as response, pytest.raises(BodyTooSlow) as slow:
        list(as_it_comes(response, decode=True))
    assert trouble.why(slow.value)[0] == "no whole answer within 60 s"


def test_whoever_takes_long_with_what_has_come_is_not_hung_up_on(
    session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("authshim.witness.SILENT", 0.2)
    monkeypatch.setattr("authshim.witness.time", SimpleNamespace(monotonic=lambda: now[0]))
    recorder.default = Answer(200, [b"a" * 200_000])
    with session.get(recorder.url, stream=True) as response:
        pieces = as_it_comes(response, decode=True)
        first = next(pieces)
        now[0] += 1000
        time.sleep(0.3)
        assert len(first) + sum(map(len, pieces)) == 200_000

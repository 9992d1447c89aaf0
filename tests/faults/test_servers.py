"""Servers that break: requests alone raises, a found login stays cached, and no secret is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import needs
import pytest
import requests
from fakes import Renewing, installed
from requests.adapters import HTTPAdapter
from servers import Answer, Play, Recorder, Seen
from urllib3.util import Retry

from authshim import BearerToken

if TYPE_CHECKING:
    from servers import Wire

OLD, NEW = BearerToken("s3cret-old"), BearerToken("s3cret-new")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nlet in"
REFUSED = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

BROKEN = {
    "closes before it reads": Play(b"", "deaf"),
    "closes without a word": Play(b"", "close"),
    "resets without a word": Play(b"", "reset"),
    "closes within the status line": Play(b"HTTP/1.1 2", "close"),
    "closes within the body": Play(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "close"),
    "resets within the body": Play(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "reset"),
    "closes within a chunk": Play(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx", "close"
    ),
    "answers garbage": Play(bytes(range(256)) * 9, "close"),
    "answers another protocol": Play(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "close"),
    "has a status that is none": Play(b"HTTP/1.1 abc OK\r\n\r\n", "close"),
    "has a header without end": Play(
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "close"
    ),
    "has headers without end": Play(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "close"),
    "has a chunk that is none": Play(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "close"
    ),
    "says that it is compressed": Play(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz", "close"
    ),
}
if needs.URLLIB3 < (2, 0):
    # This urllib3 takes a short body for a whole one.
    BROKEN = {name: play for name, play in BROKEN.items() if name != "closes within the body"}

broken = pytest.mark.parametrize("play", BROKEN.values(), ids=BROKEN)


def error_of(session: requests.Session, url: str) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as caught:
        session.get(url, timeout=60)
    return caught.value


@broken
def test_the_error_is_that_of_requests_alone(play: Play, make_wire: Callable[..., Wire]) -> None:
    alone, ours = (
        error_of(session, make_wire(play).url) for session in (requests.Session(), installed(OLD))
    )
    assert type(ours) is type(alone)


@broken
def test_a_broken_answer_costs_no_credential(
    play: Play, make_wire: Callable[..., Wire], no_secret: Callable[..., None]
) -> None:
    provider = Renewing(OLD, NEW)
    session, wire = installed(provider), make_wire(play, OK)
    error = error_of(session, wire.url)
    session.close()  # a kept connection may be reset while the next request is written to it
    asked = list(provider.asked)
    assert session.get(wire.url, timeout=60).content == b"let in"
    assert b"Bearer s3cret-old" in wire.requests[-1]
    assert provider.asked == asked
    no_secret(error)


@broken
def test_an_answer_that_breaks_after_a_refusal_keeps_what_was_renewed(
    play: Play, make_wire: Callable[..., Wire]
) -> None:
    provider = Renewing(OLD, NEW)
    session, wire = installed(provider), make_wire(REFUSED, play, OK)
    error_of(session, wire.url)
    session.close()  # a kept connection may be reset while the next request is written to it
    asked = list(provider.asked)
    assert session.get(wire.url, timeout=60).content == b"let in"
    assert b"Bearer s3cret-new" in wire.requests[-1]
    assert provider.asked == asked


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]
)
def test_a_server_that_stalls_costs_its_request_only(
    head: bytes, make_wire: Callable[..., Wire]
) -> None:
    provider = Renewing(OLD, NEW)
    session, wire = installed(provider), make_wire(head, OK)
    with pytest.raises((requests.Timeout, requests.ConnectionError)):
        session.get(wire.url, timeout=0.2)
    asked = list(provider.asked)
    assert session.get(wire.url, timeout=60).content == b"let in"
    assert provider.asked == asked


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"\xff\xfe",
        b"Basic " * 9000,
        b"Basic realm=\x7f",
        b'Basic realm="' + b"(" * 4000,
        b",,,=;=",
    ],
    ids=["empty", "no ASCII", "long", "a control character", "brackets", "only signs"],
)
def test_a_challenge_of_garbage_is_a_challenge(
    challenge: bytes, make_wire: Callable[..., Wire]
) -> None:
    head = (
        b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\nWWW-Authenticate: "
        + challenge
        + b"\r\n\r\n"
    )
    wire = make_wire(head, OK)
    assert installed(Renewing(OLD, NEW)).get(wire.url, timeout=60).content == b"let in"


# 401 for ever


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_for_ever_costs_one_renewal(status: int, recorder: Recorder) -> None:
    recorder.default = Answer(status)
    provider = Renewing(OLD)
    session = installed(provider)
    assert {session.get(recorder.url + f"/{number}").status_code for number in range(50)} == {
        status
    }
    assert len(recorder.seen) == 50
    assert len(provider.asked) == 4  # 127.0.0.1:PORT and 127.0.0.1, at first and anew


def test_a_server_that_refuses_each_new_token_is_sent_two_and_then_none(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    session = installed(Renewing(*(BearerToken(f"t{number}") for number in range(100))))
    assert {session.get(recorder.url).status_code for _ in range(20)} == {401}
    assert [seen.authorization for seen in recorder.seen] == ["Bearer t0", "Bearer t1"] + [
        None
    ] * 19


# 429 and Retry-After


class Sleeps:
    """In place of the module ``time`` of urllib3: sleeping takes no time, and is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[float] = []
        monkeypatch.setattr("urllib3.util.retry.time", self)

    def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


def retrying() -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[429])))
    return session


BUSY = Answer(429, b"later", {"Retry-After": "7"})


def only_new(seen: Seen) -> Answer:
    return Answer(200, b"let in") if seen.authorization == NEW.header else Answer(401)


def test_a_server_that_is_busy_is_none_that_refuses(recorder: Recorder) -> None:
    recorder.default = BUSY
    provider = Renewing(OLD, NEW)
    session = installed(provider)
    session.get(recorder.url)
    asked = list(provider.asked)
    response = session.get(recorder.url)
    assert (response.status_code, response.headers["Retry-After"], response.content) == (
        429,
        "7",
        b"later",
    )
    assert provider.asked == asked
    assert [seen.authorization for seen in recorder.seen] == [OLD.header] * 2


def test_retries_that_the_user_mounted_wait_as_they_are_told(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = Sleeps(monkeypatch)
    recorder.on("/", BUSY, BUSY, Answer(200, b"let in"))
    assert installed(OLD, retrying()).get(recorder.url).content == b"let in"
    assert sleeps.seconds == [7, 7]
    assert [seen.authorization for seen in recorder.seen] == [OLD.header] * 3


def test_a_token_is_renewed_among_retries(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = Sleeps(monkeypatch)
    recorder.on("/", BUSY, only_new, BUSY, only_new)
    assert installed(Renewing(OLD, NEW), retrying()).get(recorder.url).content == b"let in"
    assert sleeps.seconds == [7, 7]
    assert [seen.authorization for seen in recorder.seen] == [OLD.header] * 2 + [NEW.header] * 2


def test_a_server_that_stays_busy_is_an_error_of_the_retries(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, no_secret: Callable[..., None]
) -> None:
    Sleeps(monkeypatch)
    recorder.default = BUSY
    with pytest.raises(requests.exceptions.RetryError) as caught:
        installed(OLD, retrying()).get(recorder.url)
    no_secret(caught.value)
    assert len(recorder.seen) == 3

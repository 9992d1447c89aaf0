"""The middleware, in a real session of aiohttp."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Fixed, Renewing, chain_of
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder, Seen, redirect

import authshim
from authshim import BasicHTTP, BearerToken, CondaToken
from authshim.integrations.aiohttp import AuthMiddleware
from authshim.urls import DEFAULT, HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim import Chain, Credential

aiohttp = pytest.importorskip("aiohttp")

ADA = BasicHTTP("ada", "s3cret")
TOKEN = CondaToken("s3cret-token")
OLD, NEW = BearerToken("s3cret-old"), BearerToken("s3cret-new")

THEIRS = ("aiohttp", "asyncio", "ssl", "yarl", "multidict")
"""The packages whose connections may hold the request until they are closed."""


@pytest.fixture
def other() -> Iterator[Recorder]:
    """A second server, which is another origin."""
    made = Recorder()
    yield made
    made.stop()


def send(chain: Chain, *urls: str, method: str = "GET", **options: Any) -> list[Any]:
    """Send requests one after another, and return the responses."""

    async def run() -> list[Any]:
        responses = []
        async with aiohttp.ClientSession(middlewares=[AuthMiddleware(chain)]) as session:
            for url in urls:
                async with session.request(method, url, **options) as response:
                    await response.read()
                    responses.append(response)
        return responses

    return asyncio.run(run())


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


def only_new(seen: Seen) -> Answer:
    return Answer(200) if seen.authorization == NEW.header else Answer(401)


def test_session_sends_the_credential(recorder: Recorder) -> None:
    (response,) = send(chain_of(ADA), recorder.url)
    assert (response.status, sent(recorder)) == (200, [ADA.header])


def test_session_leaves_the_header_of_the_caller(recorder: Recorder) -> None:
    send(chain_of(ADA), recorder.url, headers={"Authorization": "Basic theirs"})
    assert sent(recorder) == ["Basic theirs"]


def test_session_sends_the_renewed_token_after_a_401(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    (response,) = send(chain_of(Renewing(OLD, NEW)), f"{recorder.url}/x")
    assert (response.status, sent(recorder)) == (200, [OLD.header, NEW.header])


def test_session_answers_the_second_of_two_challenges(recorder: Recorder) -> None:
    two = Answer(401, b"", {"WWW-Authenticate": 'Bearer, Basic realm="x"'})
    recorder.on("/x", lambda seen: Answer() if seen.authorization else two)
    (response,) = send(authshim.Chain([Fixed({"default": ADA}, [DEFAULT])]), f"{recorder.url}/x")
    assert response.status == 200


def test_each_hop_gets_its_own_credential(recorder: Recorder, other: Recorder) -> None:
    bob = BasicHTTP("bob", "s3cret")
    held = {f"127.0.0.1:{recorder.port}": ADA, f"127.0.0.1:{other.port}": bob}
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{recorder.url}/c"))
    (response,) = send(authshim.Chain([Fixed(held)]), f"{recorder.url}/a")
    assert response.status == 200
    assert (sent(recorder), sent(other)) == ([ADA.header, ADA.header], [bob.header])


def test_refusal_at_a_redirect_is_not_blamed_on_the_first_hop(
    recorder: Recorder, other: Recorder
) -> None:
    third = Recorder()
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{third.url}/c"))
    third.default = CHALLENGE
    chain = authshim.Chain([Fixed({f"127.0.0.1:{recorder.port}": ADA})])
    (response,) = send(chain, f"{recorder.url}/a")
    third.stop()
    assert response.status == 401
    assert sent(other) == [None]
    found = chain.find(recorder.url)
    assert found is not None
    assert found.credential == ADA


@pytest.mark.parametrize("path", ["/b", "/b c%20d", "/%7Eb?q=a b"])
def test_redirect_gets_no_default(path: str, recorder: Recorder, other: Recorder) -> None:
    recorder.on("/a", redirect(f"{other.url}{path}"))
    other.default = CHALLENGE
    chain = authshim.Chain([Fixed({"default": ADA}, [DEFAULT])])
    send(chain, f"{recorder.url}/a")
    assert sent(other) == [None]


def test_streaming_upload_is_not_sent_twice(recorder: Recorder) -> None:
    recorder.default = Answer(401)

    async def pieces() -> Any:
        yield b"data"

    send(chain_of(Renewing(OLD, NEW)), recorder.url, method="PUT", data=pieces())
    assert sent(recorder) == [OLD.header]


def test_bytes_are_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    send(chain_of(Renewing(OLD, NEW)), f"{recorder.url}/x", method="PUT", data=b"data")
    assert [seen.body for seen in recorder.seen] == [b"data", b"data"]


@pytest.mark.parametrize("credential", [ADA, BearerToken("s3cret"), TOKEN])
def test_response_holds_no_secret(credential: Credential, recorder: Recorder) -> None:
    location = f"/t/{TOKEN.token}/there" if credential is TOKEN else "/there"
    recorder.default = redirect(location)
    (response,) = send(chain_of(credential), f"{recorder.url}/x", allow_redirects=False)
    assert response.headers["Location"] == "/there"
    assert str(response.request_info.url) == f"{recorder.url}/x"
    assert "Authorization" not in response.request_info.headers
    assert_no_secret(
        str(response), response.request_info, response.raw_headers, response.url, theirs=THEIRS
    )


def test_raised_status_holds_no_secret(recorder: Recorder) -> None:
    recorder.default = Answer(500)
    with pytest.raises(aiohttp.ClientResponseError) as broke:
        send(chain_of(TOKEN), f"{recorder.url}/x", raise_for_status=True)
    assert_no_secret(broke.value, theirs=THEIRS)


@pytest.mark.parametrize("credential", [ADA, TOKEN])
def test_exception_holds_no_secret(credential: Credential, recorder: Recorder) -> None:
    recorder.stop()
    with pytest.raises(aiohttp.ClientConnectorError) as broke:
        send(chain_of(credential), f"{recorder.url}/x")
    assert_no_secret(broke.value, theirs=THEIRS)


def test_conda_token_is_sent_in_the_path(recorder: Recorder) -> None:
    (response,) = send(chain_of(TOKEN), f"{recorder.url}/x/y.json?z=1")
    assert [seen.path for seen in recorder.seen] == [f"/t/{TOKEN.token}/x/y.json?z=1"]
    assert str(response.url) == f"{recorder.url}/x/y.json?z=1"


class Slow(authshim.Provider):
    """A store that takes its time."""

    answers = frozenset({HOST})

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.is_asked = threading.Event()
        self.times = 0

    def find(self, key: str, username: str | None = None) -> Credential | None:
        self.times += 1
        self.is_asked.set()
        assert self.may_answer.wait(10)
        return ADA


def test_fifty_concurrent_requests_start_one_look_up(recorder: Recorder) -> None:
    slow = Slow()

    async def run() -> list[int]:
        middleware = AuthMiddleware(authshim.Chain([slow]))
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:

            async def get() -> int:
                async with session.get(recorder.url) as response:
                    return int(response.status)

            tasks = [asyncio.create_task(get()) for _ in range(50)]
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert not any(task.done() for task in tasks)
            slow.may_answer.set()
            return await asyncio.gather(*tasks)

    assert asyncio.run(run()) == [200] * 50
    assert slow.times == 1
    assert sent(recorder) == [ADA.header] * 50


def test_cancelled_look_up_leaves_nothing_locked(recorder: Recorder) -> None:
    slow = Slow()

    async def run() -> int:
        middleware = AuthMiddleware(authshim.Chain([slow]))
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            task = asyncio.create_task(session.get(recorder.url))
            await asyncio.to_thread(slow.is_asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
            slow.may_answer.set()
            async with session.get(recorder.url) as response:
                return int(response.status)

    assert asyncio.run(run()) == 200
    assert slow.times == 1

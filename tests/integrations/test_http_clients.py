"""The rules that hold for every HTTP client, in the real clients."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Callable

import pytest
from fakes import Fixed, Renewing, chain_of
from http_clients import ASYNCHRONOUS, SYNCHRONOUS
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, redirect

import authshim
from authshim import BasicHTTP, BearerToken, CondaToken
from authshim.urls import DEFAULT, HOST

if TYPE_CHECKING:
    from servers import Recorder, Seen

    from authshim import Credential

ADA, BOB = BasicHTTP("ada", "s3cret"), BasicHTTP("bob", "s3cret")
TOKEN = CondaToken("s3cret-token")
OLD, NEW = BearerToken("s3cret-old"), BearerToken("s3cret-new")

CLIENTS = {**SYNCHRONOUS, **ASYNCHRONOUS}


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Any:
    return CLIENTS[request.param]()


@pytest.fixture(params=list(ASYNCHRONOUS))
def asynchronous(request: pytest.FixtureRequest) -> Any:
    return ASYNCHRONOUS[request.param]()


@pytest.fixture
def other(make_recorder: Callable[..., Recorder]) -> Recorder:
    """A second server, which is another origin."""
    return make_recorder()


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


def only_new(seen: Seen) -> Answer:
    return Answer(200) if seen.authorization == NEW.header else Answer(401)


def with_default() -> authshim.Chain:
    return authshim.Chain([Fixed({"default": ADA}, [DEFAULT])])


def test_client_sends_the_credential(client: Any, recorder: Recorder) -> None:
    assert client.send(chain_of(ADA), recorder.url).status == 200
    assert sent(recorder) == [ADA.header]


def test_client_leaves_the_header_of_the_caller(client: Any, recorder: Recorder) -> None:
    client.send(chain_of(ADA), recorder.url, headers={"Authorization": "Basic theirs"})
    assert sent(recorder) == ["Basic theirs"]


def test_client_sends_the_header_of_the_caller_once(client: Any, recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    found = client.send(chain_of(ADA), recorder.url, headers={"Authorization": "Basic theirs"})
    assert found.status == 401
    assert sent(recorder) == ["Basic theirs"]


def test_client_takes_the_later_refusal_of_an_accepted_token(
    client: Any, recorder: Recorder
) -> None:
    chain = chain_of(Renewing(OLD, NEW))
    recorder.on("/x", Answer(200), Answer(200), only_new, only_new)
    statuses = [client.send(chain, f"{recorder.url}/x").status for _ in range(3)]
    assert statuses == [200, 200, 200]
    assert sent(recorder) == [OLD.header, OLD.header, OLD.header, NEW.header]


def test_client_sends_the_renewed_token_after_a_401(client: Any, recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    assert client.send(chain_of(Renewing(OLD, NEW)), f"{recorder.url}/x").status == 200
    assert sent(recorder) == [OLD.header, NEW.header]


def test_client_answers_the_second_of_two_challenges(client: Any, recorder: Recorder) -> None:
    two = Answer(401, b"", {"WWW-Authenticate": 'Bearer, Basic realm="x"'})
    recorder.on("/x", lambda seen: Answer() if seen.authorization else two)
    assert client.send(with_default(), f"{recorder.url}/x").status == 200
    assert sent(recorder) == [None, ADA.header]


def test_each_hop_gets_its_own_credential(client: Any, recorder: Recorder, other: Recorder) -> None:
    held = {f"127.0.0.1:{recorder.port}": ADA, f"127.0.0.1:{other.port}": BOB}
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{recorder.url}/c"))
    assert client.send(authshim.Chain([Fixed(held)]), f"{recorder.url}/a").status == 200
    assert (sent(recorder), sent(other)) == ([ADA.header, ADA.header], [BOB.header])


def test_refusal_at_a_redirect_is_not_blamed_on_the_first_hop(
    client: Any, recorder: Recorder, other: Recorder, make_recorder: Callable[..., Recorder]
) -> None:
    third = make_recorder()
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{third.url}/c"))
    third.default = CHALLENGE
    chain = authshim.Chain([Fixed({f"127.0.0.1:{recorder.port}": ADA})])
    assert client.send(chain, f"{recorder.url}/a").status == 401
    assert (sent(recorder), sent(other)) == ([ADA.header], [None])
    found = chain.find(recorder.url)
    assert found is not None
    assert found.credential == ADA


@pytest.mark.parametrize("path", ["/b", "/b c%20d", "/%7Eb?q=a b"])
def test_redirect_gets_no_default(
    path: str, client: Any, recorder: Recorder, other: Recorder
) -> None:
    recorder.on("/a", redirect(f"{other.url}{path}"))
    other.default = CHALLENGE
    client.send(with_default(), f"{recorder.url}/a")
    assert sent(other) == [None]


def test_redirect_within_the_other_server_gets_no_default(
    client: Any, recorder: Recorder, other: Recorder
) -> None:
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{other.url}/c"))
    other.on("/c", CHALLENGE)
    client.send(with_default(), f"{recorder.url}/a")
    assert sent(other) == [None, None]


def test_location_that_is_followed_by_hand_is_marked_once(
    client: Any, recorder: Recorder, other: Recorder
) -> None:
    chain, url = with_default(), f"{other.url}/b"
    recorder.on("/a", redirect(url))
    other.default = CHALLENGE
    client.send(chain, f"{recorder.url}/a", follow=False)
    client.send(chain, url)
    assert sent(other) == [None]
    client.send(chain, url)
    assert sent(other) == [None, None, ADA.header]


def test_streaming_upload_is_not_sent_twice(client: Any, recorder: Recorder) -> None:
    recorder.default = Answer(401)
    chain, body = chain_of(Renewing(OLD, NEW)), client.stream()
    assert client.send(chain, recorder.url, method="PUT", body=body).status == 401
    assert sent(recorder) == [OLD.header]


def test_bytes_are_sent_again(client: Any, recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    client.send(chain_of(Renewing(OLD, NEW)), f"{recorder.url}/x", method="PUT", body=b"data")
    assert [seen.body for seen in recorder.seen] == [b"data", b"data"]


@pytest.mark.parametrize("credential", [ADA, BearerToken("s3cret"), TOKEN])
def test_response_holds_no_secret(credential: Credential, client: Any, recorder: Recorder) -> None:
    location = f"/t/{TOKEN.token}/there" if credential is TOKEN else "/there"
    recorder.default = redirect(location)
    reply = client.send(chain_of(credential), f"{recorder.url}/x", follow=False)
    assert (reply.status, reply.url) == (302, f"{recorder.url}/x")
    assert reply.headers["Location"] == "/there"
    assert_no_secret(*reply.parts, theirs=client.theirs)


def test_conda_token_is_sent_in_the_path(client: Any, recorder: Recorder) -> None:
    reply = client.send(chain_of(TOKEN), f"{recorder.url}/x/y.json?z=1")
    assert [seen.path for seen in recorder.seen] == [f"/t/{TOKEN.token}/x/y.json?z=1"]
    assert reply.url == f"{recorder.url}/x/y.json?z=1"


@pytest.mark.parametrize("credential", [ADA, TOKEN])
def test_exception_holds_no_secret(credential: Credential, client: Any, recorder: Recorder) -> None:
    recorder.stop()
    with pytest.raises(client.error) as broke:
        client.send(chain_of(credential), f"{recorder.url}/x")
    assert_no_secret(broke.value, theirs=client.theirs)


class Stopping(Renewing):
    """A store whose second look is the end of the server."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(OLD, NEW)
        self._recorder = recorder

    def refresh(self) -> None:
        super().refresh()
        self._recorder.stop()


def test_exception_of_a_second_request_holds_no_secret(client: Any, recorder: Recorder) -> None:
    recorder.default = Answer(401, b"", {"Connection": "close"})
    with pytest.raises(client.error) as broke:
        client.send(chain_of(Stopping(recorder)), f"{recorder.url}/x")
    assert sent(recorder) == [OLD.header]
    assert_no_secret(broke.value, theirs=client.theirs)


# asynchronous clients


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
        assert self.may_answer.wait(120)
        return ADA


def test_fifty_concurrent_requests_start_one_look_up(asynchronous: Any, recorder: Recorder) -> None:
    slow = Slow()

    async def program(get: Any) -> list[Any]:
        tasks = [asyncio.create_task(get(recorder.url)) for _ in range(50)]
        for _ in range(20):  # the event loop runs meanwhile
            await asyncio.sleep(0.005)
        assert not any(task.done() for task in tasks)
        slow.may_answer.set()
        return await asyncio.gather(*tasks)

    replies = asynchronous.run(authshim.Chain([slow]), program)
    assert [reply.status for reply in replies] == [200] * 50
    assert slow.times == 1
    assert sent(recorder) == [ADA.header] * 50


def test_cancelled_look_up_leaves_nothing_locked(asynchronous: Any, recorder: Recorder) -> None:
    slow = Slow()

    async def program(get: Any) -> Any:
        task = asyncio.create_task(get(recorder.url))
        await asyncio.to_thread(slow.is_asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
        slow.may_answer.set()
        return await asyncio.wait_for(get(recorder.url), 60)

    assert asynchronous.run(authshim.Chain([slow]), program).status == 200
    assert slow.times == 1


def test_known_credential_needs_no_thread(
    asynchronous: Any, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_of(ADA)
    chain.find(recorder.url)

    async def fail(*_: object) -> None:
        raise AssertionError

    for library in ("httpx", "aiohttp"):
        monkeypatch.setattr(f"authshim.integrations.{library}._in_thread", fail)
    assert asynchronous.run(chain, lambda get: get(recorder.url)).status == 200

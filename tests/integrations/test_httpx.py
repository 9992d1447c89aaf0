"""The transports, in real clients of httpx and httpx2."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Fixed, Renewing, chain_of
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder, Seen, redirect

import authshim
from authshim import BasicHTTP, BearerToken, CondaToken, InstallError
from authshim.integrations.httpx import AsyncAuthTransport, AuthTransport, install
from authshim.urls import DEFAULT, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim import Credential, Provider

ADA = BasicHTTP("ada", "s3cret")
TOKEN = CondaToken("s3cret-token")
NEW = BearerToken("s3cret-new")

THEIRS = ("httpx", "httpx2", "httpcore", "httpcore2", "anyio", "asyncio", "h11", "ssl", "_ssl")
"""The packages of which a pool or a socket may hold the request until it is closed."""


class Client:
    """A client of one library, synchronous or not, that a test uses as a synchronous one."""

    def __init__(self, library: Any, *, is_async: bool) -> None:
        self.library = library
        self.is_async = is_async

    def get(
        self, what: Credential | Provider | authshim.Chain | None, url: str, **options: Any
    ) -> Any:
        return self.send(what, "GET", url, **options)

    def send(
        self,
        what: Credential | Provider | authshim.Chain | None,
        method: str,
        url: str,
        **options: Any,
    ) -> Any:
        """Send one request with an installed client that follows redirects."""
        chain = what if isinstance(what, authshim.Chain) else chain_of(what)
        if not self.is_async:
            client = self.library.Client(follow_redirects=True, trust_env=False)
            with install(client, chain):
                return client.request(method, url, **options)

        async def run() -> Any:
            client = self.library.AsyncClient(follow_redirects=True, trust_env=False)
            async with install(client, chain):
                return await client.request(method, url, **options)

        return asyncio.run(run())


@pytest.fixture(params=["httpx", "httpx async", "httpx2", "httpx2 async"])
def client(request: pytest.FixtureRequest) -> Client:
    name, _, kind = request.param.partition(" ")
    return Client(pytest.importorskip(name), is_async=bool(kind))


@pytest.fixture
def other() -> Iterator[Recorder]:
    """A second server, which is another origin."""
    made = Recorder()
    yield made
    made.stop()


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


def only_new(seen: Seen) -> Answer:
    return Answer(200) if seen.authorization == NEW.header else Answer(401)


def test_client_sends_the_credential(client: Client, recorder: Recorder) -> None:
    assert client.get(ADA, recorder.url).status_code == 200
    assert sent(recorder) == [ADA.header]


def test_client_leaves_the_header_of_the_caller(client: Client, recorder: Recorder) -> None:
    client.get(ADA, recorder.url, auth=("bob", "theirs"))
    assert sent(recorder) == [BasicHTTP("bob", "theirs").header]


def test_client_sends_the_renewed_token_after_a_401(client: Client, recorder: Recorder) -> None:
    recorder.default = Answer(401)
    recorder.on("/x", only_new)
    response = client.get(Renewing(BearerToken("s3cret-old"), NEW), f"{recorder.url}/x")
    assert response.status_code == 200
    assert sent(recorder) == ["Bearer s3cret-old", NEW.header]


def test_client_answers_a_challenge(client: Client, recorder: Recorder) -> None:
    recorder.on("/x", lambda seen: Answer() if seen.authorization else CHALLENGE)
    assert client.get(Fixed({"default": ADA}, [DEFAULT]), f"{recorder.url}/x").status_code == 200
    assert sent(recorder) == [None, ADA.header]


def test_lone_user_in_the_url_gets_the_password(client: Client, recorder: Recorder) -> None:
    client.get(ADA, recorder.url.replace("://", "://ada@"))
    assert sent(recorder) == [ADA.header]


def test_lone_user_without_a_login_is_left_to_httpx(client: Client, recorder: Recorder) -> None:
    client.get(None, recorder.url.replace("://", "://ada@"))
    assert sent(recorder) == [BasicHTTP("ada", "").header]


def test_each_hop_gets_its_own_credential(
    client: Client, recorder: Recorder, other: Recorder
) -> None:
    bob = BasicHTTP("bob", "s3cret")
    held = {f"127.0.0.1:{recorder.port}": ADA, f"127.0.0.1:{other.port}": bob}
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{recorder.url}/c"))
    chain = authshim.Chain([Fixed(held)])
    assert client.get(chain, f"{recorder.url}/a").status_code == 200
    assert (sent(recorder), sent(other)) == ([ADA.header, ADA.header], [bob.header])


def test_refusal_at_a_redirect_is_not_blamed_on_the_first_hop(
    client: Client, recorder: Recorder, other: Recorder
) -> None:
    third = Recorder()
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{third.url}/c"))
    third.default = CHALLENGE
    chain = authshim.Chain([Fixed({f"127.0.0.1:{recorder.port}": ADA})])
    assert client.get(chain, f"{recorder.url}/a").status_code == 401
    third.stop()
    assert (sent(recorder), sent(other)) == ([ADA.header], [None])
    found = chain.find(recorder.url)
    assert found is not None
    assert found.credential == ADA


def test_redirect_starts_no_keyring_command(
    client: Client, recorder: Recorder, other: Recorder
) -> None:
    command = Fixed({}, [SERVICE])
    recorder.on("/a", redirect(f"{other.url.replace('://', '://ada@')}/b"))
    client.get(authshim.Chain([command]), f"{recorder.url}/a")
    assert command.asked == []


def test_location_that_is_followed_by_hand_is_marked(
    client: Client, recorder: Recorder, other: Recorder
) -> None:
    url = f"{other.url}/b"
    recorder.on("/a", redirect(url))
    other.default = CHALLENGE
    chain = authshim.Chain([Fixed({"default": ADA}, [DEFAULT])])
    sync = client.library.Client(trust_env=False)
    with install(sync, chain):
        sync.get(f"{recorder.url}/a", follow_redirects=False)
        sync.get(url)
        assert sent(other) == [None]
        sync.get(url)
    assert sent(other) == [None, None, ADA.header]


def test_streaming_upload_is_not_sent_twice(client: Client, recorder: Recorder) -> None:
    recorder.default = Answer(401)

    async def pieces() -> Any:
        yield b"data"

    body = pieces() if client.is_async else iter([b"data"])
    provider = Renewing(BearerToken("s3cret-old"), NEW)
    assert client.send(provider, "PUT", recorder.url, content=body).status_code == 401
    assert sent(recorder) == ["Bearer s3cret-old"]


def test_bytes_are_sent_again(client: Client, recorder: Recorder) -> None:
    recorder.default = Answer(401)
    recorder.on("/x", only_new)
    provider = Renewing(BearerToken("s3cret-old"), NEW)
    assert client.send(provider, "PUT", f"{recorder.url}/x", content=b"data").status_code == 200
    assert [seen.body for seen in recorder.seen] == [b"data", b"data"]


@pytest.mark.parametrize("credential", [ADA, BearerToken("s3cret"), TOKEN])
def test_response_holds_no_secret(
    credential: Credential, client: Client, recorder: Recorder
) -> None:
    location = f"/t/{TOKEN.token}/there" if credential is TOKEN else "/there"
    recorder.on("/t/*", redirect(location))
    recorder.on("/x", redirect(location))
    response = client.get(credential, f"{recorder.url}/x", follow_redirects=False)
    assert response.status_code == 302
    assert response.headers["Location"] == "/there"
    assert_no_secret(response, response.request, response.headers, theirs=THEIRS)
    pickle.loads(pickle.dumps(response))
    assert "Authorization" not in response.request.headers


def test_conda_token_is_sent_in_the_path(client: Client, recorder: Recorder) -> None:
    response = client.get(TOKEN, f"{recorder.url}/x/y.json?z=1")
    assert [seen.path for seen in recorder.seen] == [f"/t/{TOKEN.token}/x/y.json?z=1"]
    assert str(response.url) == f"{recorder.url}/x/y.json?z=1"


@pytest.mark.parametrize("credential", [ADA, TOKEN])
def test_exception_holds_no_secret(
    credential: Credential, client: Client, recorder: Recorder
) -> None:
    recorder.stop()
    with pytest.raises(client.library.ConnectError) as broke:
        client.get(credential, f"{recorder.url}/x")
    assert broke.value.request.url.path == "/x"
    assert_no_secret(broke.value, theirs=THEIRS)


def test_log_holds_no_token(
    client: Client, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    recorder.on("/t/*", Answer(302, b"", {"Location": f"/t/{TOKEN.token}/there"}))
    client.get(TOKEN, f"{recorder.url}/x", follow_redirects=False)
    assert_no_secret(caplog.text)


def test_install_keeps_the_wrapped_transports(client: Client) -> None:
    kind = client.library.AsyncClient if client.is_async else client.library.Client
    made = kind(proxy="http://127.0.0.1:9")
    before = made._transport, list(made._mounts.values())
    install(made, chain_of(ADA))
    wrapper = AsyncAuthTransport if client.is_async else AuthTransport
    assert isinstance(made._transport, wrapper)
    assert made._transport.inner is before[0]
    assert [each and each.inner for each in made._mounts.values()] == before[1]


def test_second_install_with_equal_options_does_nothing(client: Client) -> None:
    chain, made = chain_of(ADA), client.library.Client()
    transport = install(made, chain)._transport
    assert install(made, chain)._transport is transport


def test_second_install_with_other_options_fails(client: Client) -> None:
    made = install(client.library.Client(), chain_of(ADA))
    with pytest.raises(InstallError, match="use another client"):
        install(made, chain_of(ADA))


class Slow(authshim.Provider):
    """A keyring command that takes its time."""

    answers = frozenset({"host"})

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.is_asked = threading.Event()
        self.times = 0

    def find(self, key: str, username: str | None = None) -> Credential | None:
        self.times += 1
        self.is_asked.set()
        assert self.may_answer.wait(10)
        return ADA


@pytest.fixture(params=["httpx", "httpx2"])
def asynchronous(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param).AsyncClient


def test_fifty_concurrent_requests_start_one_look_up(asynchronous: Any, recorder: Recorder) -> None:
    slow = Slow()

    async def run() -> list[Any]:
        ticks = 0
        async with install(asynchronous(trust_env=False), authshim.Chain([slow])) as client:
            tasks = [asyncio.create_task(client.get(recorder.url)) for _ in range(50)]
            for _ in range(20):
                await asyncio.sleep(0.005)
                ticks += 1
            assert not any(task.done() for task in tasks)
            slow.may_answer.set()
            return await asyncio.gather(*tasks)

    assert [response.status_code for response in asyncio.run(run())] == [200] * 50
    assert slow.times == 1
    assert sent(recorder) == [ADA.header] * 50


def test_cancelled_look_up_leaves_nothing_locked(asynchronous: Any, recorder: Recorder) -> None:
    slow = Slow()

    async def run() -> Any:
        async with install(asynchronous(trust_env=False), authshim.Chain([slow])) as client:
            task = asyncio.create_task(client.get(recorder.url))
            await asyncio.to_thread(slow.is_asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
            slow.may_answer.set()
            return await asyncio.wait_for(client.get(recorder.url), 5)

    assert asyncio.run(run()).status_code == 200
    assert slow.times == 1


def test_known_credential_needs_no_thread(
    asynchronous: Any, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_of(ADA)
    chain.find(recorder.url)

    async def fail(*_: object) -> None:
        raise AssertionError

    async def run() -> Any:
        monkeypatch.setattr("authshim.integrations.httpx._in_thread", fail)
        async with install(asynchronous(trust_env=False), chain) as client:
            return await client.get(recorder.url)

    assert asyncio.run(run()).status_code == 200

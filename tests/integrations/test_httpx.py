"""What only httpx and httpx2 do. ``test_http_clients.py`` has what all clients do."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any, Callable

import pytest
from fakes import Fixed, chain_of
from http_clients import AsyncHttpx, Httpx
from leaks import assert_no_secret
from servers import redirect

import authshim
from authshim import BasicHTTP, CondaToken, InstallError
from authshim.integrations.httpx import AsyncAuthTransport, AuthTransport, install
from authshim.urls import SERVICE

if TYPE_CHECKING:
    from servers import Recorder

ADA = BasicHTTP("ada", "s3cret")


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture(params=[Httpx, AsyncHttpx])
def client(request: pytest.FixtureRequest, library: Any) -> Any:
    return request.param(library.__name__)


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


@pytest.mark.parametrize("login", [ADA, None])
def test_lone_user_in_the_url_gets_a_password_or_is_left_to_httpx(
    login: BasicHTTP | None, client: Any, recorder: Recorder
) -> None:
    client.send(chain_of(login), recorder.url.replace("://", "://ada@"))
    assert sent(recorder) == [(login or BasicHTTP("ada", "")).header]


def test_auth_of_the_caller_stays_beside_a_lone_user(library: Any, recorder: Recorder) -> None:
    with install(library.Client(trust_env=False), chain_of(ADA)) as client:
        client.get(recorder.url.replace("://", "://ada@"), auth=("bob", "theirs"))
    assert sent(recorder) == [BasicHTTP("bob", "theirs").header]


def test_redirect_starts_no_keyring_command(
    client: Any, recorder: Recorder, make_recorder: Callable[..., Recorder]
) -> None:
    command, other = Fixed({}, [SERVICE]), make_recorder()
    recorder.on("/a", redirect(f"{other.url.replace('://', '://ada@')}/b"))
    client.send(authshim.Chain([command]), f"{recorder.url}/a")
    assert command.asked == []


def test_response_can_be_pickled_without_a_secret(client: Any, recorder: Recorder) -> None:
    (response, request, _) = client.send(chain_of(ADA), recorder.url).parts
    assert_no_secret(pickle.dumps(response))
    assert "Authorization" not in request.headers


def test_exception_has_the_request_of_the_caller(client: Any, recorder: Recorder) -> None:
    recorder.stop()
    with pytest.raises(client.error) as broke:
        client.send(chain_of(CondaToken("s3cret-token")), f"{recorder.url}/x")
    assert broke.value.request.url.path == "/x"


def test_log_holds_no_token(
    client: Any, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    recorder.on("/t/*", redirect("/t/s3cret-token/there"))
    client.send(chain_of(CondaToken("s3cret-token")), f"{recorder.url}/x", follow=False)
    assert "/t/" in caplog.text
    assert_no_secret(caplog.text)


@pytest.mark.parametrize(
    ("kind", "wrapper"), [("Client", AuthTransport), ("AsyncClient", AsyncAuthTransport)]
)
def test_install_keeps_the_wrapped_transports(kind: str, wrapper: type, library: Any) -> None:
    made = getattr(library, kind)(proxy="http://127.0.0.1:9")
    before = made._transport, list(made._mounts.values())
    install(made, chain_of(ADA))
    assert isinstance(made._transport, wrapper)
    assert made._transport.inner is before[0]
    assert [each and each.inner for each in made._mounts.values()] == before[1]


def test_close_closes_the_wrapped_transports() -> None:
    closed = []

    class Inner:
        def close(self) -> None:
            closed.append("close")

        async def aclose(self) -> None:
            closed.append("aclose")

    AuthTransport(Inner(), chain_of(ADA)).close()
    asyncio.run(AsyncAuthTransport(Inner(), chain_of(ADA)).aclose())
    assert closed == ["close", "aclose"]


def test_second_install_with_equal_options_does_nothing(library: Any) -> None:
    chain, made = chain_of(ADA), library.Client()
    transport = install(made, chain)._transport
    assert install(made, chain)._transport is transport


def test_second_install_with_other_options_fails(library: Any) -> None:
    made = install(library.Client(), chain_of(ADA))
    with pytest.raises(InstallError, match="use another client"):
        install(made, chain_of(ADA))

"""What only aiohttp does. ``test_http_clients.py`` has what all clients do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable

import pytest
from fakes import Fixed, chain_of
from leaks import assert_no_secret
from servers import CHALLENGE, Answer

import authshim
from authshim import BasicHTTP, CondaToken
from authshim.integrations.aiohttp import AuthMiddleware
from authshim.urls import DEFAULT

if TYPE_CHECKING:
    from servers import Recorder

aiohttp = pytest.importorskip("aiohttp")


def get(chain: authshim.Chain, url: str) -> int:
    """Return the status of a response; a refusal is an exception."""

    async def run() -> int:
        made = aiohttp.ClientSession(middlewares=[AuthMiddleware(chain)], raise_for_status=True)
        async with made as session, session.get(url) as response:
            return int(response.status)

    return asyncio.run(run())


def test_raised_status_holds_no_secret(recorder: Recorder) -> None:
    recorder.default = Answer(500)
    with pytest.raises(aiohttp.ClientResponseError) as broke:
        get(chain_of(CondaToken("s3cret-token")), f"{recorder.url}/x")
    assert_no_secret(broke.value, theirs=("aiohttp", "asyncio", "ssl", "yarl", "multidict"))


def test_exception_of_a_broken_response_holds_no_secret() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 no number\r\n\r\n")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        middlewares = [AuthMiddleware(chain_of(CondaToken("s3cret-token")))]
        async with server, aiohttp.ClientSession(middlewares=middlewares) as session:
            await session.get(url)

    with pytest.raises(aiohttp.ClientResponseError) as broke:
        asyncio.run(run())
    assert broke.value.request_info.url.path == "/x"
    assert_no_secret(broke.value, theirs=("aiohttp", "asyncio", "ssl", "yarl", "multidict"))


def test_redirect_by_the_header_uri_gets_no_default(
    recorder: Recorder, make_recorder: Callable[..., Recorder]
) -> None:
    other = make_recorder()
    recorder.on("/a", Answer(302, b"", {"URI": f"{other.url}/b"}))
    other.default = CHALLENGE
    ada = BasicHTTP("ada", "s3cret")
    with pytest.raises(aiohttp.ClientResponseError):
        get(authshim.Chain([Fixed({"default": ada}, [DEFAULT])]), f"{recorder.url}/a")
    assert [seen.authorization for seen in other.seen] == [None]

"""The time that the integrations add to a request, beside what AuthAdapter adds."""

from __future__ import annotations

import urllib.request
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests

import authshim
from authshim.integrations.aiohttp import AuthMiddleware
from authshim.integrations.httpx import AsyncAuthTransport, AuthTransport
from authshim.integrations.urllib import AuthHandler
from benchmarks.measure import (
    Figure,
    Plan,
    differences,
    in_turns,
    interleaved,
    median,
    per_call,
    ratios,
)
from benchmarks.requests_rows import known_chain
from benchmarks.scene import SEND_OPTIONS, URL
from benchmarks.table import Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Pair = tuple[Callable[[], object], Callable[[], object]]

CALLS = 100


def rows(plan: Plan) -> list[Row]:
    """Measure each client that is installed. The wrapped transports answer at once."""
    cases = {"AuthAdapter": _requests(), "urllib": _urllib()}
    for make in (_httpx, _aiohttp):
        try:
            cases.update(make())
        except ImportError:
            continue

    def measure() -> tuple[float, ...]:
        calls = [call for pair in cases.values() for call in pair]
        return in_turns([lambda call=call: per_call(call, CALLS) for call in calls])

    figures = list(zip(*interleaved({"all": measure}, plan)["all"]))
    added = {
        name: differences(figures[2 * at], figures[2 * at + 1]) for at, name in enumerate(cases)
    }
    base = added.pop("AuthAdapter")
    return [
        Row(
            f"what authshim adds to {name}",
            "what AuthAdapter adds",
            2.0,
            Figure.of(ratios(its, base)),
            ours=seconds(median(its)),
            peer=seconds(median(base)),
        )
        for name, its in added.items()
    ]


def _warm_chain() -> authshim.Chain:
    """Return a chain that has the credential in its cache."""
    chain = known_chain()
    chain.find(URL)
    return chain


def _requests() -> Pair:
    answer = requests.Response()
    answer.status_code = 200

    class Inner(requests.adapters.BaseAdapter):
        def send(self, request: Any, **_: Any) -> Any:
            return answer

    inner = Inner()
    adapter = authshim.AuthAdapter(_warm_chain(), inner=inner)
    request = requests.Request("GET", URL).prepare()
    return lambda: adapter.send(request, **SEND_OPTIONS), lambda: inner.send(
        request, **SEND_OPTIONS
    )


def _httpx() -> dict[str, Pair]:
    import httpx

    answer = httpx.Response(200)

    class Inner:
        def handle_request(self, request: Any) -> Any:
            return answer

        async def handle_async_request(self, request: Any) -> Any:
            return answer

    inner, chain = Inner(), _warm_chain()
    transport, asynchronous = AuthTransport(inner, chain), AsyncAuthTransport(inner, chain)
    request = httpx.Request("GET", URL)
    return {
        "httpx": (
            lambda: transport.handle_request(request),
            lambda: inner.handle_request(request),
        ),
        "httpx, asynchronous": (
            lambda: _run(asynchronous.handle_async_request(request)),
            lambda: _run(inner.handle_async_request(request)),
        ),
    }


def _aiohttp() -> dict[str, Pair]:
    import yarl
    from multidict import CIMultiDict

    answer = SimpleNamespace(status=200, headers=CIMultiDict())
    request = SimpleNamespace(
        method="GET", url=yarl.URL(URL), headers=CIMultiDict(Accept="*/*"), body=None
    )

    async def inner(request: Any) -> Any:
        return answer

    middleware = AuthMiddleware(_warm_chain())
    return {
        "aiohttp": (lambda: _run(middleware(request, inner)), lambda: _run(inner(request))),
    }


def _urllib() -> Pair:
    answer = SimpleNamespace(status=200, headers=Message())

    class Inner(urllib.request.BaseHandler):
        def https_open(self, request: Any) -> Any:
            return answer

    opener, handler, inner = (
        urllib.request.OpenerDirector(),
        AuthHandler(_warm_chain()),
        Inner(),
    )
    for each in (handler, inner):
        opener.add_handler(each)
    request = urllib.request.Request(URL)
    return lambda: handler.https_open(request), lambda: inner.https_open(request)


def _run(coroutine: Coroutine[Any, Any, object]) -> object:
    """Return the result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")

"""Libraries that send requests through a client of ours, each by the lines that its user writes."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fakes import chain_of
from servers import CHALLENGE, Answer, Recorder

import authshim
from authshim import BasicHTTP

if TYPE_CHECKING:
    from pathlib import Path

ADA = BasicHTTP("ada", "s3cret")

pytestmark = pytest.mark.clients


@pytest.fixture
def private(recorder: Recorder) -> Recorder:
    """A server that lets ada in."""

    def serve(seen: Any) -> Answer:
        return Answer(200, b"a,b\n1,2\n") if seen.authorization == ADA.header else CHALLENGE

    recorder.on("/*", serve)
    return recorder


def test_cachecontrol_gets_in(private: Recorder) -> None:
    cachecontrol = pytest.importorskip("cachecontrol")
    session = authshim.install(cachecontrol.CacheControl(requests.Session()), chain_of(ADA))
    assert session.get(f"{private.url}/x").status_code == 200


def test_requests_cache_gets_in(private: Recorder) -> None:
    requests_cache = pytest.importorskip("requests_cache")
    session = authshim.install(requests_cache.CachedSession(backend="memory"), chain_of(ADA))
    assert [session.get(f"{private.url}/x").status_code for _ in range(2)] == [200, 200]
    assert len(private.seen) == 1


def test_fsspec_gets_in(private: Recorder) -> None:
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    from authshim.integrations.aiohttp import AuthMiddleware

    options = {"middlewares": (AuthMiddleware(chain_of(ADA)),)}
    with fsspec.open(f"{private.url}/x", client_kwargs=options) as file:
        assert file.read() == b"a,b\n1,2\n"


def test_pandas_gets_in(private: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    from authshim.integrations.urllib import AuthHandler

    monkeypatch.setattr(urllib.request, "_opener", None)
    opener = urllib.request.build_opener(AuthHandler(chain_of(ADA)))
    urllib.request.install_opener(opener)
    assert list(pandas.read_csv(f"{private.url}/x.csv").columns) == ["a", "b"]


def test_huggingface_hub_gets_in(private: Recorder, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    if not hasattr(hub, "set_client_factory"):
        pytest.skip("this huggingface_hub has no client factory")
    httpx2 = pytest.importorskip("httpx2")
    from authshim.integrations.httpx import install

    chain = chain_of(ADA)
    hub.set_client_factory(lambda: install(httpx2.Client(follow_redirects=True), chain))
    try:
        assert hub.get_session().get(f"{private.url}/x").status_code == 200
    finally:
        hub.close_session()

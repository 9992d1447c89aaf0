"""What only urllib does. ``test_http_clients.py`` has what all clients do."""

from __future__ import annotations

import pickle
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from fakes import Fixed, chain_of
from http_clients import Urllib
from servers import CHALLENGE

import authshim
from authshim import BasicHTTP, CondaToken
from authshim.integrations.urllib import AuthHandler
from authshim.urls import DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

ADA = BasicHTTP("ada", "s3cret")


def test_unverifiable_request_gets_no_default(recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    request = urllib.request.Request(recorder.url, unverifiable=True)
    chain = authshim.Chain([Fixed({"default": ADA}, [DEFAULT])])
    Urllib().open(chain, request).close()
    assert [seen.authorization for seen in recorder.seen] == [None]


def test_request_that_was_sent_can_be_pickled(recorder: Recorder) -> None:
    request = urllib.request.Request(recorder.url)
    Urllib().open(chain_of(ADA), request).close()
    assert b"s3cret" not in pickle.dumps(request)


def test_conda_token_is_sent_in_the_path_to_a_proxy(recorder: Recorder) -> None:
    proxy = urllib.request.ProxyHandler({"http": recorder.url})
    url = "http://127.0.0.1:9/x/y.json?z=1"
    with Urllib().open(chain_of(CondaToken("s3cret-token")), url, proxy) as response:
        assert response.url == url
    assert [seen.path for seen in recorder.seen] == ["/t/s3cret-token/x/y.json?z=1"]


def test_other_schemes_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("there")
    with Urllib().open(chain_of(ADA), (tmp_path / "file").as_uri()) as response:
        assert response.read() == b"there"


def test_opener_without_a_handler_of_http_tells_so() -> None:
    opener = urllib.request.OpenerDirector()
    opener.add_handler(AuthHandler(chain_of(ADA)))
    with pytest.raises(urllib.error.URLError, match="no other handler"):
        opener.open("http://127.0.0.1:9/")

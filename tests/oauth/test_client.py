"""The requests of a client to its token endpoint."""

from __future__ import annotations

import base64
import pickle
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from oauth.authorization_server import refuses, says
from servers import Answer

from authshim.oauth.client import Client, Refused, Tokens, ask_for_tokens
from authshim.oauth.discovery import Server
from authshim.oauth.http import EndpointError

if TYPE_CHECKING:
    from servers import Recorder


def server_of(recorder: Recorder, *, takes_basic: bool = True) -> Server:
    return Server(recorder.url, f"{recorder.url}/token", None, None, None, takes_basic)


def test_public_client_sends_its_id_in_the_form(recorder: Recorder) -> None:
    recorder.default = says({"access_token": "t"})
    ask_for_tokens(server_of(recorder), Client("me"), {"code": "c"}, {})
    (seen,) = recorder.seen
    assert (seen.body, seen.authorization) == (b"client_id=me&code=c", None)


def test_confidential_client_authenticates_by_basic(recorder: Recorder) -> None:
    recorder.default = says({"access_token": "t"})
    ask_for_tokens(server_of(recorder), Client("me:2", "s3cret/ü"), {"code": "c"}, {})
    (seen,) = recorder.seen
    assert seen.body == b"code=c"
    scheme, _, value = (seen.authorization or "").partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"me%3A2:s3cret%2F%C3%BC")


def test_confidential_client_posts_its_secret_if_the_server_wants_that(recorder: Recorder) -> None:
    recorder.default = says({"access_token": "t"})
    server = server_of(recorder, takes_basic=False)
    ask_for_tokens(server, Client("me", "s3cret"), {"code": "c"}, {})
    (seen,) = recorder.seen
    assert (seen.body, seen.authorization) == (b"client_id=me&client_secret=s3cret&code=c", None)


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (refuses("invalid_client", 401), "answered HTTP 401 (invalid_client)", "invalid_client"),
        (refuses("s3cret"), "answered HTTP 400", ""),
        (says({"error": ["invalid_client"]}, 400), "answered HTTP 400", ""),
        (Answer(502, b"<html>"), "answered HTTP 502", ""),
    ],
)
def test_refusal_shows_the_status_and_a_known_code(
    answer: Answer, reason: str, code: str, recorder: Recorder
) -> None:
    recorder.default = answer
    with pytest.raises(Refused) as caught:
        ask_for_tokens(server_of(recorder), Client("me"), {"code": "s3cret"}, {})
    assert (caught.value.reason, caught.value.code) == (reason, code)
    assert_no_secret(str(caught.value), caught.value.args)


@pytest.mark.parametrize("kind", ["DPoP", "mac", 1])
def test_token_of_another_kind_than_bearer_is_refused(kind: object, recorder: Recorder) -> None:
    recorder.default = says({"access_token": "s3cret", "token_type": kind})
    with pytest.raises(EndpointError, match="gives tokens of another kind than Bearer"):
        ask_for_tokens(server_of(recorder), Client("me"), {}, {})


@pytest.mark.parametrize("kind", ["bearer", "BEARER"])
def test_token_type_is_compared_without_case(kind: str, recorder: Recorder) -> None:
    recorder.default = says({"access_token": "t", "token_type": kind})
    assert ask_for_tokens(server_of(recorder), Client("me"), {}, {}).given["access_token"] == "t"


@pytest.mark.parametrize("holder", [Client("me", "s3cret"), Tokens({"access_token": "s3cret"}, 0)])
def test_client_and_tokens_show_no_secret(holder: object) -> None:
    assert_no_secret(holder)
    with pytest.raises(TypeError):
        pickle.dumps(holder)

"""A token that is the username of a URL, without a password.

It is sent after a Basic challenge only, and shown nowhere.
"""

from __future__ import annotations

import pickle
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
import requests
from chain_fakes import Keeper, basic, bearer, default, keyring
from servers import CHALLENGE, Answer, Recorder, Seen, redirect

import authshim
from authshim import BasicHTTP, Chain, Channel, Index
from authshim.index.check import probe
from authshim.urls import DEFAULT, HOST

TOKEN = "glpat-s3cret"


def header(username: str) -> str:
    return "Basic " + b64encode(f"{username}:".encode()).decode()


def lets_in(seen: Seen) -> Answer:
    return Answer(200) if seen.authorization == header(TOKEN) else CHALLENGE


def session(*providers: authshim.Provider, **declared: object) -> requests.Session:
    return authshim.install(requests.Session(), Chain(providers, **declared))


def url_of(recorder: Recorder, path: str = "/simple/demo/", username: str = TOKEN) -> str:
    return f"http://{username}@127.0.0.1:{recorder.port}{path}"


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


# When it is sent


def test_lone_token_answers_a_basic_challenge(
    recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    recorder.default = lets_in
    response = session().get(url_of(recorder))
    assert response.status_code == 200
    assert sent(recorder) == [None, header(TOKEN)]
    no_secret()


def test_lone_token_goes_unasked_after_it_was_accepted(recorder: Recorder) -> None:
    recorder.default = lets_in
    client = session()
    for path in ("/simple/a/", "/simple/b/", "/simple/c/"):
        assert client.get(url_of(recorder, path)).status_code == 200
    assert sent(recorder) == [None, *[header(TOKEN)] * 3]


@pytest.mark.parametrize("challenge", ["", "Bearer", 'Bearer realm="Basic"', "Digest nonce=1"])
def test_lone_token_answers_no_other_challenge(challenge: str, recorder: Recorder) -> None:
    recorder.default = Answer(401, b"", {"WWW-Authenticate": challenge})
    session().get(url_of(recorder))
    assert sent(recorder) == [None]


@pytest.mark.parametrize("username", ["ada", "oauth2accesstoken", "gitlab+deploy-token-1", ""])
def test_lone_name_is_not_sent(username: str, recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    session().get(url_of(recorder, username=username))
    assert sent(recorder) == [None]


def test_lone_token_of_a_declared_index_is_sent(recorder: Recorder) -> None:
    recorder.default = lets_in
    index = Index(url_of(recorder, "/simple/"))
    assert session(indexes=[index]).get(f"{recorder.url}/simple/demo/").status_code == 200


@pytest.mark.parametrize(
    "provider",
    [
        Keeper({"127.0.0.1": bearer("other")}),
        default(basic(TOKEN, "other")),
        keyring({"127.0.0.1": basic(TOKEN, "other")}),
    ],
    ids=["auth file", "default", "keyring"],
)
def test_lone_token_is_not_sent_if_anything_else_was_found(
    provider: Keeper, recorder: Recorder
) -> None:
    provider.held |= {
        f"http://127.0.0.1:{recorder.port}/simple": held for held in provider.held.values()
    }
    recorder.default = CHALLENGE
    client = session(provider)
    for _ in range(2):
        client.get(url_of(recorder))
    assert header(TOKEN) not in sent(recorder)
    assert len(set(sent(recorder)) - {None}) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_lone_token_costs_one_request(status: int, recorder: Recorder) -> None:
    recorder.default = lambda seen: Answer(status) if seen.authorization else CHALLENGE
    client = session()
    for path in ("/simple/a/", "/simple/b/", "/simple/c/"):
        client.get(url_of(recorder, path))
    assert sent(recorder) == [None, header(TOKEN), None, None]


def test_lone_token_that_was_accepted_stays_after_a_refusal(recorder: Recorder) -> None:
    recorder.default = lets_in
    recorder.on("/simple/secret/", CHALLENGE)
    client = session()
    for path in ("/simple/a/", "/simple/secret/", "/simple/b/"):
        client.get(url_of(recorder, path))
    assert sent(recorder) == [None, *[header(TOKEN)] * 3]


def test_refused_lone_token_costs_one_request_a_thread_in_flight(recorder: Recorder) -> None:
    threads, urls = 6, 30
    together = threading.Barrier(threads)
    first = threading.local()

    def ask(number: int) -> None:
        if not hasattr(first, "client"):
            first.client = authshim.install(requests.Session(), chain)
            together.wait(60)
        first.client.get(url_of(recorder, f"/simple/{number}/"))

    recorder.default = CHALLENGE
    chain = Chain([])
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, range(urls)))
    assert 1 <= len(recorder.seen) - urls <= threads


def test_lone_token_is_not_sent_if_only_a_server_named_the_url(
    recorder: Recorder, make_recorder: Callable[..., Recorder]
) -> None:
    other = make_recorder()
    other.default = redirect(f"{recorder.url}/simple/demo/")
    recorder.default = lets_in
    client = session(indexes=[Index(url_of(recorder, "/simple/"))])
    assert client.get(other.url).status_code == 401
    assert client.get(f"{recorder.url}/simple/").status_code == 200
    assert client.get(other.url).status_code == 401


# What is shown


PLACES = [Index(f"https://{TOKEN}@h.example/simple"), Channel(f"https://{TOKEN}@h.example/c")]


@pytest.mark.parametrize("place", PLACES, ids=["index", "channel"])
def test_place_shows_no_lone_token(place: Index | Channel, no_secret: Callable[..., None]) -> None:
    assert place.shown.startswith("https://****@h.example/")
    assert "username=****, password=None" in repr(place)
    no_secret(repr(place), place.shown, pickle.dumps(place))


def test_credential_shows_no_username_that_is_a_token() -> None:
    credential = BasicHTTP(TOKEN, "x-oauth-basic")
    assert repr(credential) == "BasicHTTP(username=****, password=****)"
    assert credential.shown_username is None


def test_explain_tells_that_a_lone_token_is_sent_after_a_refusal(
    no_secret: Callable[..., None],
) -> None:
    netrc = Keeper({"h.example": basic("bob")}, name="netrc", answers=[HOST, DEFAULT])
    trace = Chain([netrc]).explain(f"https://{TOKEN}@h.example/simple/")
    assert str(trace) == (
        "https://****@h.example/simple/\n"
        "  for the user '****'\n"
        "\n"
        "  netrc  h.example  passed over: it is for another user than '****'\n"
        "  netrc  default    nothing\n"
        "  URL    h.example  BasicHTTP(username=****, password=****), "
        "if the server asks for Basic\n"
        "\n"
        "would be sent after a refusal: BasicHTTP(username=****, password=****) from URL"
    )
    no_secret(str(trace))


def test_answer_of_a_keyring_for_another_user_shows_no_lone_token() -> None:
    trace = Chain([keyring({"h.example": basic()})]).explain(f"https://{TOKEN}@h.example/simple/")
    assert str(trace).endswith(
        "would be sent: BasicHTTP(username='ada', password=****) from keyring command"
    )
    assert "not of the user '****'" in str(trace)
    assert "s3cret" not in str(trace)


def test_check_lets_a_lone_token_in(recorder: Recorder, no_secret: Callable[..., None]) -> None:
    recorder.default = lets_in
    index = Index(url_of(recorder, "/simple/"))
    result = probe(Chain([], indexes=[index]), index, ["demo"])
    assert (result.answer, result.found and result.found.provider) == ("let in", "manifest")
    no_secret(str(result))


@pytest.mark.parametrize("status", [401, 403])
def test_check_calls_a_refused_lone_token_no_credential(
    status: int, recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    recorder.default = lambda seen: Answer(status) if seen.authorization else CHALLENGE
    index = Index(url_of(recorder, "/simple/"))
    result = probe(Chain([], indexes=[index]), index, ["demo"])
    assert (result.answer, result.found) == ("no credential", None)
    assert result.next_step.startswith(
        "correct the token in the URL, or take it out and: authshim auth login"
    )
    no_secret(str(result))

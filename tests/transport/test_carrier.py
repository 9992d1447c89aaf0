"""The party that named a URL is carried from one request to the next, in any kind of session."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urljoin

import pytest
import requests
from fakes import Fixed, installed, mounted
from servers import Answer, Recorder, redirect

import authshim
from authshim import BasicHTTP, BearerToken, Chain
from authshim.lookup.locations import seen_locations
from authshim.lookup.naming import CALLER
from authshim.providers.auth_file import AuthFile
from authshim.transport.carrier import MarkedHooks, receive, trail_of
from authshim.urls import SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names
    from transport.conftest import Schemes

A = BearerToken("s3cret-a")
DEFAULT = BasicHTTP("anybody", "s3cret")
CHALLENGE = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="private"'})
SENT = "Basic YW55Ym9keTpzM2NyZXQ="


def offers_default() -> Fixed:
    return Fixed({"default": DEFAULT}, kinds=["default"])


def twice(what: Any) -> requests.Session:
    """Return a session with an adapter and a chain of its own for each scheme."""
    session = requests.Session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, authshim.AuthAdapter(Chain([what])))
    return session


def copied(what: Any) -> requests.Session:
    session = installed(what)
    assert "rebuild_auth" in vars(session)
    landed = copy.copy(session)
    vars(landed).pop("rebuild_auth", None)
    return landed


EVERY_WAY = pytest.mark.parametrize("login", [mounted, installed, twice, copied])


def sent(*recorders: Recorder) -> list[str | None]:
    return [seen.authorization for recorder in recorders for seen in recorder.seen]


@pytest.fixture
def other(make_recorder: Callable[..., Recorder]) -> Recorder:
    """A server of another origin that asks everybody who they are."""
    recorder = make_recorder()
    recorder.default = CHALLENGE
    return recorder


@EVERY_WAY
def test_a_redirect_elsewhere_collects_no_default(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    login(offers_default()).get(recorder.url)
    assert sent(other) == [None]


@EVERY_WAY
def test_a_redirect_of_a_marked_answer_inherits_the_mark(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    other.on("/y", redirect("/z"))
    login(offers_default()).get(recorder.url)
    assert sent(other) == [None, None]


@EVERY_WAY
def test_https_to_http_carries_nothing(login: Callable, schemes: Schemes) -> None:
    schemes.https.default = redirect("http://a.example/y")
    login(Fixed({"a.example": A})).get("https://a.example/x", verify=schemes.verify)
    assert sent(schemes.https, schemes.http) == ["Bearer s3cret-a", None]


@EVERY_WAY
def test_a_redirect_back_to_where_it_began_over_http_keeps_its_credential(
    login: Callable, recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    anywhere(recorder, host="a.example")
    elsewhere = anywhere(make_recorder(), host="b.example")
    recorder.on("/x", redirect("http://b.example/y"))
    elsewhere.default = redirect("http://a.example/z")
    login(Fixed({"a.example": A, "b.example": A})).get("http://a.example/x")
    assert sent(recorder, elsewhere) == ["Bearer s3cret-a", "Bearer s3cret-a", None]


@EVERY_WAY
def test_a_remote_server_cannot_name_this_machine(
    login: Callable,
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
) -> None:
    anywhere(tls_recorder, host="a.example")
    anywhere(recorder, host="localhost")
    tls_recorder.default = redirect("http://localhost:8080/y")
    login(Fixed({"localhost": A})).get("https://a.example/x", verify=authority.file)
    assert sent(recorder) == [None]


@EVERY_WAY
def test_a_request_that_is_sent_again_is_marked_again(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    session = login(offers_default())
    following = session.get(recorder.url, allow_redirects=False).next
    assert following is not None
    session.send(following)
    session.send(following.copy())
    assert sent(other) == [None, None]


@EVERY_WAY
def test_a_hook_that_sends_a_copy_uses_no_mark_up(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    session = login(offers_default())

    def again(response: requests.Response, **options: Any) -> None:
        if response.status_code == 401:
            response.connection.send(response.request.copy(), **options)

    session.get(recorder.url, hooks={"response": again})
    assert sent(other) == [None, None]


@EVERY_WAY
def test_the_first_request_of_a_redirect_stays_the_callers(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.on("/x", redirect(f"{other.url}/y"), CHALLENGE, Answer())
    other.default = redirect(f"{recorder.url}/z")
    session = login(offers_default())
    request = session.prepare_request(requests.Request("GET", f"{recorder.url}/x"))
    session.send(request)
    recorder.clear()
    session.send(request)
    assert sent(recorder) == [None, SENT]


# Callers who follow by hand


@EVERY_WAY
def test_a_location_that_is_followed_by_hand_is_marked_once(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    session = login(offers_default())
    location = session.get(recorder.url, allow_redirects=False).headers["Location"]
    session.get(location)
    assert sent(other) == [None]
    session.get(location)
    assert sent(other) == [None, None, SENT]


@EVERY_WAY
@pytest.mark.parametrize(
    "location", ["/\t/{}/y", "http://{}\\@h.example/y", "\thttp://{}/y", "http:////{}/y"]
)
def test_location_in_an_odd_spelling_is_marked_if_followed_by_hand(
    login: Callable, location: str, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(location.format(other.url.partition("//")[2]))
    session = login(offers_default())
    answer = session.get(recorder.url, allow_redirects=False)
    with suppress(requests.RequestException):
        session.get(urljoin(recorder.url, answer.headers["Location"]))
    assert SENT not in sent(other)


def test_a_location_is_remembered_for_other_sessions_too(
    recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    mounted(None).get(recorder.url, allow_redirects=False)
    mounted(offers_default()).get(f"{other.url}/y")
    assert sent(other) == [None]


def test_redirect_followed_by_hand_inherits_the_mark(recorder: Recorder, other: Recorder) -> None:
    recorder.default = redirect(f"{other.url}/y")
    other.on("/y", redirect("/z"))
    session = mounted(offers_default())
    session.get(recorder.url, allow_redirects=False)
    session.get(f"{other.url}/y", allow_redirects=False)
    session.get(f"{other.url}/z")
    assert sent(other) == [None, None]


@EVERY_WAY
@pytest.mark.parametrize("location", ["/y", "y", "{url}/y"])
def test_a_location_on_the_same_origin_is_not_remembered(
    login: Callable, location: str, recorder: Recorder
) -> None:
    recorder.default = redirect(location.format(url=recorder.url))
    login(None).get(recorder.url, allow_redirects=False)
    assert not seen_locations.origins


@EVERY_WAY
def test_a_redirect_that_is_followed_leaves_the_url_to_the_caller(
    login: Callable, recorder: Recorder, other: Recorder
) -> None:
    user = other.url.replace("//", "//ada@")
    recorder.default = redirect(f"{user}/y")
    command = Fixed({f"{other.url}/": BasicHTTP("ada", "s3cret")}, kinds=[SERVICE])
    session = login(command)
    session.get(recorder.url)
    assert (command.asked, sent(other)) == ([], [None])
    session.get(f"{user}/y")
    assert command.asked[:1] == [f"{other.url}/"]
    assert sent(other)[1] == BasicHTTP("ada", "s3cret").header


# What carries it


def test_way_is_a_tuple_of_origins_in_the_hooks(recorder: Recorder, other: Recorder) -> None:
    recorder.default = redirect(f"{other.url}/y?sig=s3cret")
    response = mounted(None).get(f"{recorder.url}/x?sig=s3cret")
    way = (f"http://127.0.0.1:{recorder.port}",)
    assert trail_of(response.request) == way
    assert trail_of(response.request.copy()) == way


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_way_is_kept_by_a_pickle_of_the_request(
    protocol: int, recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    request = mounted(None).get(f"{recorder.url}/x").request
    landed = pickle.loads(pickle.dumps(request, protocol))
    assert trail_of(landed) == trail_of(copy.deepcopy(request)) == trail_of(request) != ()


def count(response: requests.Response, **_options: Any) -> None:
    response.headers["Counted"] = response.headers.get("Counted", "") + "1"


@pytest.mark.parametrize("hooks", [{}, {"response": [count]}])
@pytest.mark.parametrize("follows", [True, False])
def test_hooks_of_a_redirected_request_serve_a_new_request(
    follows: bool, hooks: dict[str, Any], recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect(f"{other.url}/y")
    session = mounted(offers_default())
    first = session.get(recorder.url, hooks=hooks, allow_redirects=follows)
    seen_locations.clear()
    again = session.get(f"{other.url}/z", hooks=first.request.hooks)
    assert again.headers.get("Counted") == ("1" if hooks else None)
    assert sent(other)[-1] == SENT  # the caller has named this URL


def test_copy_of_a_redirected_request_is_marked_at_another_origin(
    recorder: Recorder, other: Recorder
) -> None:
    recorder.default = redirect("/y")
    recorder.on("/y", Answer())
    session = mounted(offers_default())
    template = requests.Request("GET", f"{recorder.url}/x").prepare()
    session.send(template.copy())
    following = template.copy()
    following.url = f"{other.url}/y"
    session.send(following)
    assert sent(other) == [None]


def test_a_request_without_a_redirect_carries_nothing(recorder: Recorder) -> None:
    assert installed(A).get(recorder.url).request.hooks == {"response": []}


@pytest.mark.parametrize(
    "request_", [None, object(), requests.Request(), requests.PreparedRequest()]
)
def test_a_request_of_another_library_has_no_way(request_: object) -> None:
    assert trail_of(request_) == ()


def test_a_request_that_nobody_named_is_the_callers() -> None:
    request = requests.Request("GET", "https://h.example/").prepare()
    assert receive(request, request.hooks["response"]) is CALLER
    assert not isinstance(request.hooks["response"], MarkedHooks)


class Foreign:
    """A request of another library."""

    url = "http://a.example/x"


def test_rebuild_auth_marks_what_a_cache_answers_with_its_own_request(
    recorder: Recorder, other: Recorder
) -> None:
    recorder.on("/x", redirect(f"{other.url}/y"))
    session = installed(offers_default())
    first = session.get(f"{recorder.url}/x", allow_redirects=False)
    request = session.prepare_request(requests.Request("GET", f"{recorder.url}/x"))
    seen_locations.clear()
    first.request = Foreign()  # type: ignore[assignment]
    list(session.resolve_redirects(first, request))
    assert sent(other) == [None]


def test_a_session_that_was_pickled_marks_redirects(
    recorder: Recorder, other: Recorder, anywhere: Names, home: Path
) -> None:
    (home / "auth.json").write_text('{"b.example": {"BearerToken": "s3cret"}}')
    anywhere(recorder, host="a.example")
    anywhere(other, host="b.example")
    recorder.default = redirect("http://b.example/y")
    session = pickle.loads(pickle.dumps(installed(AuthFile(str(home / "auth.json")))))
    session.get("http://a.example/x")
    assert sent(other) == [None]

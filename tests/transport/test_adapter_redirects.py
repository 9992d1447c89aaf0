"""Each hop of a redirect is decided anew: scheme, host and port decide."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import Fixed, chain_of, installed, mounted
from servers import Answer, Recorder, redirect

from authshim import AuthAdapter, BasicHTTP, BearerToken, CondaToken
from authshim.urls import SERVICE

if TYPE_CHECKING:
    from servers import Names
    from transport.conftest import Schemes

A, B = BearerToken("s3cret-a"), BearerToken("s3cret-b")
EITHER_WAY = pytest.mark.parametrize("login", [mounted, installed])
EVERY_STATUS = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
CHALLENGE = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="private"'})


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def sent(*recorders: Recorder) -> list[str | None]:
    return [seen.authorization for recorder in recorders for seen in recorder.seen]


@pytest.fixture
def hosts(
    recorder: Recorder, make_recorder: Callable, anywhere: Names
) -> tuple[Recorder, Recorder]:
    """a.example and b.example, over plain http."""
    return anywhere(recorder, host="a.example"), anywhere(make_recorder(), host="b.example")


@EITHER_WAY
@EVERY_STATUS
@pytest.mark.parametrize(
    "location", ["/y", "y", "?y", "//127.0.0.1:{port}/y", "http://127.0.0.1:{port}/y"]
)
def test_a_redirect_on_one_origin_keeps_the_credential(
    login: Callable, status: int, location: str, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(location.format(port=recorder.port), status), Answer())
    assert login(Fixed({"127.0.0.1": A})).get(recorder.url + "/x").status_code == 200
    assert sent(recorder) == ["Bearer s3cret-a"] * 2


@EITHER_WAY
@EVERY_STATUS
@pytest.mark.parametrize("location", ["http://b.example/y", "//b.example/y"])
def test_another_host_gets_nothing_of_the_first(
    login: Callable, status: int, location: str, hosts: tuple[Recorder, Recorder]
) -> None:
    hosts[0].default = redirect(location, status)
    login(Fixed({"a.example": A})).get("http://a.example/x")
    assert sent(*hosts) == ["Bearer s3cret-a", None]


@EITHER_WAY
def test_another_https_host_gets_its_own(login: Callable, schemes: Schemes) -> None:
    schemes.http.default = redirect("https://b.example/y")
    login(Fixed({"a.example": A, "b.example": B})).get("http://a.example/x", verify=schemes.verify)
    assert sent(schemes.http, schemes.https) == ["Bearer s3cret-a", "Bearer s3cret-b"]


@EITHER_WAY
def test_another_http_host_gets_nothing_and_a_warning(
    login: Callable, hosts: tuple[Recorder, Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    hosts[0].default = redirect("http://b.example/y")
    login(Fixed({"b.example": B})).get("http://a.example/x")
    assert sent(*hosts) == [None, None]
    assert caplog.messages == [
        "the credential for b.example is not sent: a.example named it over http"
    ]


@EITHER_WAY
def test_another_port_gets_nothing_of_the_first(
    login: Callable, recorder: Recorder, make_recorder: Callable
) -> None:
    other = make_recorder()
    recorder.default = redirect(other.url + "/y")
    login(Fixed({f"127.0.0.1:{recorder.port}": A})).get(recorder.url)
    assert sent(recorder, other) == ["Bearer s3cret-a", None]


@EITHER_WAY
def test_another_port_loses_an_explicit_header(
    login: Callable, recorder: Recorder, make_recorder: Callable
) -> None:
    other = make_recorder()
    recorder.default = redirect(other.url + "/y")
    login(None).get(recorder.url, headers={"Authorization": "Token mine"})
    assert sent(recorder, other) == ["Token mine", None]


@EITHER_WAY
def test_http_to_https_keeps_the_credential_of_the_host(login: Callable, schemes: Schemes) -> None:
    schemes.http.default = redirect("https://a.example/y")
    login(Fixed({"a.example": A})).get("http://a.example/x", verify=schemes.verify)
    assert sent(schemes.http, schemes.https) == ["Bearer s3cret-a"] * 2


@EITHER_WAY
def test_http_to_https_keeps_an_explicit_header(login: Callable, schemes: Schemes) -> None:
    schemes.http.default = redirect("https://a.example/y")
    login(None).get(
        "http://a.example/x", verify=schemes.verify, headers={"Authorization": "Token mine"}
    )
    assert sent(schemes.http, schemes.https) == ["Token mine"] * 2


@EITHER_WAY
@EVERY_STATUS
@pytest.mark.parametrize("host", ["a.example", "b.example"])
def test_https_to_http_gets_nothing(
    login: Callable, status: int, host: str, schemes: Schemes
) -> None:
    schemes.https.default = redirect(f"http://{host}/y", status)
    login(Fixed({"a.example": A, "b.example": B})).get("https://a.example/x", verify=schemes.verify)
    assert sent(schemes.https, schemes.http) == ["Bearer s3cret-a", None]


@EITHER_WAY
def test_https_to_http_gets_nothing_where_the_caller_follows_by_hand(
    login: Callable, schemes: Schemes
) -> None:
    schemes.https.default = redirect("http://a.example/y")
    session = login(Fixed({"a.example": A}))
    response = session.get("https://a.example/x", verify=schemes.verify, allow_redirects=False)
    session.get(response.headers["Location"])
    session.send(response.next)
    assert sent(schemes.http) == [None, None]


@EITHER_WAY
def test_https_to_http_gets_nothing_on_its_second_hop_either(
    login: Callable, schemes: Schemes
) -> None:
    schemes.https.default = redirect("http://b.example/y")
    schemes.http.on("/y", redirect("/z"))
    login(Fixed({"b.example": B})).get("https://a.example/x", verify=schemes.verify)
    assert sent(schemes.http) == [None, None]


@EITHER_WAY
def test_a_server_cannot_have_the_keyring_asked_by_naming_a_user(
    login: Callable, hosts: tuple[Recorder, Recorder]
) -> None:
    keyring = Fixed({"b.example": B, "http://b.example/": B}, kinds=[SERVICE])
    hosts[0].default = redirect("http://bob@b.example/y")
    login(keyring).get("http://a.example/x")
    assert sent(*hosts) == [None, None]
    assert keyring.asked == []


@EITHER_WAY
def test_a_second_hop_on_the_other_origin_collects_no_default_entry(
    login: Callable, hosts: tuple[Recorder, Recorder]
) -> None:
    hosts[0].default = redirect("http://b.example/y")
    hosts[1].on("/y", redirect("/z"))
    hosts[1].on("/z", CHALLENGE)
    login(Fixed({"default": BasicHTTP("anybody", "s3cret")}, kinds=["default"])).get(
        "http://a.example/x"
    )
    assert sent(*hosts) == [None, None, None]


@EITHER_WAY
def test_a_default_entry_does_answer_where_the_caller_goes_by_itself(
    login: Callable, hosts: tuple[Recorder, Recorder]
) -> None:
    hosts[0].default = redirect("http://b.example/y")
    hosts[1].on("/*", lambda seen: Answer() if seen.authorization else CHALLENGE)
    session = login(Fixed({"default": BasicHTTP("anybody", "s3cret")}, kinds=["default"]))
    session.get("http://a.example/x")
    assert session.get("http://b.example/mine").status_code == 200


# user:password@ and redirects


@EITHER_WAY
@pytest.mark.parametrize("location", ["/y", "http://127.0.0.1:{port}/y"])
def test_a_redirect_on_one_origin_keeps_the_urls_own_password(
    login: Callable, location: str, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(location.format(port=recorder.port)))
    login(None).get(recorder.url.replace("//", "//bob:pw@") + "/x")
    assert sent(recorder) == [basic("bob:pw")] * 2


@EITHER_WAY
def test_another_host_does_not_get_the_urls_own_password(login: Callable, schemes: Schemes) -> None:
    schemes.http.default = redirect("https://b.example/y")
    login(Fixed({"b.example": B})).get("http://bob:pw@a.example/x", verify=schemes.verify)
    assert sent(schemes.http, schemes.https) == [basic("bob:pw"), "Bearer s3cret-b"]


# Conda tokens and redirects


@EITHER_WAY
@EVERY_STATUS
@pytest.mark.parametrize(
    "location",
    [
        "/t/s3cret/y",
        "//127.0.0.1:{port}/t/s3cret/y",
        "http://127.0.0.1:{port}/t/s3cret/y",
        "/y",
        "y",
    ],
)
def test_a_token_that_a_server_repeats_is_sent_once(
    login: Callable, status: int, location: str, recorder: Recorder
) -> None:
    recorder.on("/t/s3cret/x", redirect(location.format(port=recorder.port), status))
    response = login(CondaToken("s3cret")).get(recorder.url + "/x")
    assert [seen.path for seen in recorder.seen] == ["/t/s3cret/x", "/t/s3cret/y"]
    assert response.url == recorder.url + "/y"
    assert [step.url for step in response.history] == [recorder.url + "/x"]


@EITHER_WAY
def test_a_token_that_a_server_repeats_does_not_reach_another_host(
    login: Callable, hosts: tuple[Recorder, Recorder]
) -> None:
    hosts[0].default = redirect("http://b.example/t/s3cret/y")
    login(Fixed({"a.example": CondaToken("s3cret")})).get("http://a.example/x")
    assert [seen.path for seen in hosts[1].seen] == ["/y"]


def test_path_token_of_the_caller_stays_after_a_redirect(recorder: Recorder) -> None:
    recorder.on("/t/s3cret/t/mine/x", redirect("/t/s3cret/t/mine/y"))
    response = mounted(CondaToken("s3cret")).get(recorder.url + "/t/mine/x")
    assert [seen.path for seen in recorder.seen] == ["/t/s3cret/t/mine/x", "/t/s3cret/t/mine/y"]
    assert response.url == recorder.url + "/t/mine/y"


# What requests does at a redirect, it does still


@EITHER_WAY
@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_the_method_and_the_body_follow_as_in_requests(
    login: Callable, status: int, method: str, recorder: Recorder
) -> None:
    recorder.on("/x", redirect("/y", status))
    login(A).post(recorder.url + "/x", data=b"body")
    assert (recorder.seen[1].method, recorder.seen[1].body) == (
        method,
        b"body" if method == "POST" else b"",
    )


@EITHER_WAY
def test_too_many_redirects_are_an_error_still(login: Callable, recorder: Recorder) -> None:
    recorder.default = redirect("/x")
    with pytest.raises(requests.TooManyRedirects):
        login(A).get(recorder.url)


@pytest.mark.parametrize(
    "location", ["http://", "http://[", "\xff\xfe", "http://h:port/", "http://h\\@127.0.0.1/"]
)
def test_a_location_that_cannot_be_read_is_handed_on(location: str, recorder: Recorder) -> None:
    recorder.default = redirect(location)
    request = requests.Request("GET", recorder.url).prepare()
    assert AuthAdapter(chain_of(A)).send(request).headers["Location"] == location


def test_a_redirect_without_a_location_is_a_response(recorder: Recorder) -> None:
    recorder.default = Answer(302)
    assert mounted(A).get(recorder.url).status_code == 302


@EITHER_WAY
def test_two_parsers_that_differ_about_a_host_leak_nothing(
    login: Callable, anywhere: Names, recorder: Recorder
) -> None:
    anywhere(recorder)
    login(Fixed({"evil.example": A})).get(r"http://h.example\@evil.example/x")
    (host, _port) = anywhere.dialled[0]
    assert sent(recorder) == (["Bearer s3cret-a"] if host == "evil.example" else [None])


@EITHER_WAY
def test_nor_does_such_a_url_that_was_never_prepared(
    login: Callable, anywhere: Names, recorder: Recorder
) -> None:
    anywhere(recorder)
    request = requests.Request("GET", "http://h.example/").prepare()
    # urllib3 reads h.example, but requests makes it dial evil.example.
    request.url = r"http://h.example\@evil.example/x"
    login(Fixed({"h.example": A, "evil.example": A})).send(request)
    assert sent(recorder) == [None]

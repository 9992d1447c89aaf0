"""The server that takes the redirect of a browser."""

from __future__ import annotations

import http.client
import pickle
import socket
from queue import Empty
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from leaks import assert_no_secret
from servers import Recorder

from authshim.errors import SettingsError
from authshim.oauth.listener import PAGE, Listener, Redirect

if TYPE_CHECKING:
    from collections.abc import Iterator


def ignore(_left: float) -> None:
    """Show nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def request(url: str, target: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_uri_is_a_free_port_of_this_machine_without_a_slash(listener: Listener) -> None:
    parts = urlsplit(listener.redirect_uri)
    assert (parts.scheme, parts.hostname, parts.path) == ("http", "127.0.0.1", "")
    assert parts.port


def test_listener_answers_the_redirect_with_a_page(listener: Listener) -> None:
    assert request(listener.redirect_uri, "/?state=a&code=b") == (200, PAGE)
    assert b"You can close this" in PAGE
    redirect = listener.wait(20, ignore)
    assert redirect is not None
    assert redirect.fields == {"state": "a", "code": "b"}


@pytest.mark.parametrize(
    "target", ["/", "/favicon.ico", "/other?state=a", "/?code=b", "/%2f?state=a"]
)
def test_listener_does_not_take_another_request(target: str, listener: Listener) -> None:
    assert request(listener.redirect_uri, target)[0] == 404
    assert listener.wait(0.1, ignore) is None


def test_listener_does_not_take_a_post(listener: Listener) -> None:
    assert request(listener.redirect_uri, "/?state=a&code=b", "POST")[0] == 501
    assert listener.wait(0.1, ignore) is None


def test_listener_takes_one_redirect(listener: Listener) -> None:
    request(listener.redirect_uri, "/?state=a&code=b")
    assert request(listener.redirect_uri, "/?state=a&code=c")[0] == 404
    redirect = listener.wait(20, ignore)
    assert redirect is not None
    assert redirect.fields["code"] == "b"
    assert listener.wait(0.1, ignore) is None


def test_connection_that_sends_nothing_holds_up_no_other(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers open connections in advance."""
    monkeypatch.setattr("authshim.oauth.listener._Handler.timeout", 300)
    parts = urlsplit(listener.redirect_uri)
    with socket.create_connection((parts.hostname, parts.port), timeout=20):
        assert request(listener.redirect_uri, "/?state=a&code=b")[0] == 200


def test_wait_ends_in_time_and_counts_down(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, left = [0.0], []

    class Nothing:
        def get(self, timeout: float) -> None:
            now[0] += timeout
            raise Empty

    monkeypatch.setattr("authshim.oauth.listener.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(listener._server, "redirects", Nothing())
    assert listener.wait(2.5, left.append) is None
    assert left == [2.5, 1.5, 0.5]


def test_closed_listener_does_not_listen(listener: Listener) -> None:
    listener.close()
    with pytest.raises(OSError, match="refused"):
        request(listener.redirect_uri, "/?state=a")


def test_listener_prints_nothing(listener: Listener, capfd: pytest.CaptureFixture[str]) -> None:
    request(listener.redirect_uri, "/?state=a&code=s3cret")
    request(listener.redirect_uri, "/other?code=s3cret")
    parts = urlsplit(listener.redirect_uri)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(b"s3cret\x00\r\n\r\n")
        while connection.recv(4096):
            pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("field", ["code", "state", "iss"])
def test_field_that_stands_twice_is_left_out(field: str) -> None:
    redirect = Redirect(f"state=a&code=b&iss=c&{field}=d")
    assert field not in redirect.fields
    assert len(redirect.fields) == 2


def test_query_with_too_many_fields_is_empty() -> None:
    assert Redirect("&".join(f"a{number}=1" for number in range(21))).fields == {}


def test_redirect_shows_no_secret() -> None:
    redirect = Redirect("state=a&code=s3cret")
    assert_no_secret(redirect)
    with pytest.raises(TypeError):
        pickle.dumps(redirect)


@pytest.mark.parametrize(
    ("host", "path", "target"),
    [
        ("127.0.0.1", "", "/"),
        ("127.0.0.1", "/", "/"),
        ("localhost", "/auth/oidc", "/auth/oidc"),
        ("127.0.0.2", "/x", "/x"),
    ],
)
def test_uri_of_the_user_is_kept_as_it_is(host: str, path: str, target: str) -> None:
    recorder = Recorder()
    recorder.stop()
    listener = Listener(f"http://{host}:{recorder.port}{path}")
    address = host.replace("localhost", "127.0.0.1")
    try:
        assert listener.redirect_uri == f"http://{host}:{recorder.port}{path}"
        assert request(f"http://{address}:{recorder.port}", f"{target}?state=a")[0] == 200
    finally:
        listener.close()


def test_uri_may_be_of_ipv6() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
            port = free.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 on this machine")
    listener = Listener(f"http://[::1]:{port}/x")
    try:
        assert request(f"http://[::1]:{port}", "/x?state=a")[0] == 200
    finally:
        listener.close()


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1:8000",
        "http://login.example:8000",
        "http://0.0.0.0:8000",
        "http://127.0.0.1:8000/?x=1",
        "http://127.0.0.1:8000/#x",
        "127.0.0.1:8000",
        "",
    ],
)
def test_uri_that_is_not_of_this_machine_is_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="--oauth-redirect-uri: expected http://127"):
        Listener(uri)


@pytest.mark.parametrize("uri", ["http://127.0.0.1", "http://localhost/x", "http://127.0.0.1/:80"])
def test_uri_without_a_port_is_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="--oauth-redirect-uri: expected a port"):
        Listener(uri)


def test_port_that_is_in_use_is_refused(recorder: Recorder) -> None:
    with pytest.raises(SettingsError, match="cannot listen there: address already in use"):
        Listener(recorder.url)

"""The HTTP client of logins, against servers on loopback."""

from __future__ import annotations

import pickle
import sys
import time
import types
from typing import TYPE_CHECKING, Any

import pytest
from leaks import assert_no_secret
from servers import Answer, dripping, redirect

from authshim.oauth import http, pool
from authshim.oauth.http import MAX_BODY_BYTES, EndpointError, Request, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Authority, Names, Recorder


def get(url: str, **options: Any) -> http.Answer:
    return send(Request("GET", url), **{"seconds": 20.0, "environ": {}, **options})


def test_get_returns_status_and_json(recorder: Recorder) -> None:
    recorder.on("/x", Answer(404, b'{"error": "none"}'))
    answer = get(recorder.url + "/x")
    assert (answer.status, answer.json()) == (404, {"error": "none"})
    assert (recorder.seen[0].method, recorder.seen[0].body) == ("GET", b"")


def test_form_leaves_out_fields_that_are_none(recorder: Recorder) -> None:
    send(http.form(recorder.url, {"a": "1 &", "b": None}), seconds=20, environ={})
    (seen,) = recorder.seen
    assert (seen.method, seen.body) == ("POST", b"a=1+%26")
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_query_sends_json_and_its_authorization(recorder: Recorder) -> None:
    send(http.query(recorder.url, {"a": 1}, "Bearer s3cret"), seconds=20, environ={})
    (seen,) = recorder.seen
    assert (seen.body, seen.authorization) == (b'{"a": 1}', "Bearer s3cret")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_send_follows_no_redirect(status: int, recorder: Recorder) -> None:
    recorder.on("/x", redirect(recorder.url + "/y", status))
    assert get(recorder.url + "/x").status == status
    assert [seen.path for seen in recorder.seen] == ["/x"]


def test_send_adds_nothing_of_netrc(recorder: Recorder, home: Path) -> None:
    (home / ".netrc").write_text("default login ada password s3cret\n")
    get(recorder.url)
    assert recorder.seen[0].authorization is None


def test_body_may_be_as_long_as_the_limit(recorder: Recorder) -> None:
    recorder.default = Answer(200, b"x" * MAX_BODY_BYTES)
    assert len(get(recorder.url).body) == MAX_BODY_BYTES


def test_longer_body_is_an_error(recorder: Recorder) -> None:
    recorder.default = Answer(200, b"x" * (MAX_BODY_BYTES + 1))
    with pytest.raises(EndpointError, match="answered with more than 1 MiB"):
        get(recorder.url)


def test_endless_body_is_read_up_to_the_limit(recorder: Recorder) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1024 * MAX_BODY_BYTES:
            sent += 65536
            yield b"x" * 65536

    recorder.on("/x", lambda _: Answer(200, chunks()))
    with pytest.raises(EndpointError, match="answered with more than 1 MiB"):
        get(recorder.url + "/x")
    assert sent < 64 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["head", "body", "chunk"],
)
def test_trickling_answer_ends_at_the_timeout(begin: bytes) -> None:
    with dripping(begin) as url:
        began = time.monotonic()
        with pytest.raises(EndpointError, match="did not answer in time"):
            get(url, seconds=0.3)
        assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b"1", b"null", b"{", b"[" * 200_000, b'{"a": "\xff"}', b"<html>"],
)
def test_json_is_empty_if_the_body_is_no_object(body: bytes) -> None:
    assert http.Answer(200, body).json() == {}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://login.example/", "is not an https URL"),
        ("http://127.0.0.1.evil.example/", "is not an https URL"),
        ("ftp://127.0.0.1/", "is not a URL"),
        ("login", "is not a URL"),
        ("", "is not a URL"),
        ("https://127.0.0.1\\@evil.example/", "is not a URL"),
    ],
)
def test_send_refuses_a_url_that_is_not_https(url: str, reason: str, anywhere: Names) -> None:
    with pytest.raises(EndpointError) as caught:
        get(url)
    assert caught.value.reason == reason
    assert anywhere.dialled == []


def test_error_holds_nothing_that_was_sent(recorder: Recorder) -> None:
    recorder.stop()
    request = http.query(recorder.url, {"token": "s3cret"}, "Bearer s3cret")
    with pytest.raises(
        EndpointError, match=r"cannot be reached \(the connection was refused\)"
    ) as caught:
        send(request, seconds=20, environ={})
    assert_no_secret(caught.value, request)


@pytest.mark.parametrize(
    "secretive",
    [http.form("https://h.example/", {"token": "s3cret"}), http.Answer(200, b"s3cret")],
)
def test_request_and_answer_show_no_secret(secretive: object) -> None:
    assert_no_secret(secretive)
    with pytest.raises(TypeError):
        pickle.dumps(secretive)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_are_those_of_the_environment(
    variable: str, tls_recorder: Recorder, authority: Authority
) -> None:
    assert get(tls_recorder.url, environ={variable: authority.file}).status == 200
    with pytest.raises(
        EndpointError, match=r"cannot be reached \(its TLS certificate does not verify\)"
    ):
        get(tls_recorder.url, environ={})


def test_proxies_of_the_system_are_used_by_default(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry of Windows names them, or the settings of macOS."""
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": recorder.url})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda netloc: netloc == "near.example:443")
    assert pool._proxy("https://login.example/", None) == recorder.url
    assert pool._proxy("https://near.example/", None) is None


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({"HTTPS_PROXY": "p.example:8080"}, "http://p.example:8080"),
        ({"https_proxy": "https://p.example"}, "https://p.example"),
        ({"all_proxy": "http://p.example"}, "http://p.example"),
        ({"http_proxy": "http://p.example"}, None),
        ({"https_proxy": ""}, None),
        ({"https_proxy": "http://p.example", "NO_PROXY": "login.example"}, None),
        ({"https_proxy": "http://p.example", "no_proxy": "other.example"}, "http://p.example"),
        ({"proxy": "http://p.example"}, None),
    ],
)
def test_proxy_is_the_one_of_the_environment(environ: dict[str, str], proxy: str | None) -> None:
    assert pool._proxy("https://login.example/", environ) == proxy


def test_socks_proxy_has_its_own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    socks = types.ModuleType("urllib3.contrib.socks")
    socks.SOCKSProxyManager = lambda proxy, **_: made.append(proxy)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", socks)
    pool.pool_for("https://login.example/", {"all_proxy": "socks5h://p.example"})
    assert made == ["socks5h://p.example"]

"""Only the wire sees added secrets: no response, exception, frame, log, cookie, repr or pickle."""

from __future__ import annotations

import io
import logging
import pickle
import threading
import traceback
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import Canned, Fixed, Renewing, chain_of, mounted
from leaks import assert_no_secret
from requests.adapters import HTTPAdapter
from servers import Answer, Recorder, redirect
from urllib3.util.retry import Retry

import authshim
from authshim import AuthAdapter, BasicHTTP, BearerToken, Chain, CondaToken
from authshim.providers.auth_file import AuthFile
from authshim.redact import redact
from authshim.transport.scrub import PRIVATES, hide_request_lines

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority

TOKEN = CondaToken("s3cret")
KINDS = pytest.mark.parametrize(
    "credential", [BearerToken("s3cret"), BasicHTTP("ada", "s3cret"), TOKEN], ids=repr
)

# Responses


@pytest.mark.parametrize(("owner", "name"), PRIVATES)
def test_private_attribute_that_is_cleaned_is_there(
    owner: str, name: str, recorder: Recorder
) -> None:
    with requests.get(recorder.url, stream=True) as response:
        owners = {"urllib3": response.raw, "http": response.raw._original_response}
        assert hasattr(owners[owner.partition(".")[0]], name)


@KINDS
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [200, 401, 403, 404, 500])
def test_a_response_tells_nothing(
    credential: authshim.Credential,
    stream: bool,
    status: int,
    recorder: Recorder,
    no_secret: Callable,
) -> None:
    recorder.default = Answer(status, b"ok", {"Set-Cookie": "a=1"})
    response = mounted(credential).get(recorder.url + "/c/x", stream=stream)
    assert_no_secret(response)
    assert response.content == b"ok"
    no_secret(response)


@KINDS
def test_a_response_of_a_server_that_repeats_everything_tells_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    if not isinstance(credential, CondaToken):
        recorder.default = Answer()
    else:
        echo = "http://h.example/t/s3cret/x"
        names = (
            "Location",
            "Content-Location",
            "Link",
            "Refresh",
            "X-Path",
            "Set-Cookie",
            "WWW-Authenticate",
        )
        recorder.default = Answer(201, b"", dict.fromkeys(names, f"<{echo}>; a={echo}; b=s3cret"))
    response = mounted(credential).get(recorder.url + "/x")
    assert_no_secret(response)
    no_secret(response)


@KINDS
def test_a_history_tells_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.on("/t/s3cret/x", redirect("/t/s3cret/y"))
    recorder.on("/x", redirect("/y"))
    response = mounted(credential).get(recorder.url + "/x")
    assert len(response.history) == 1
    for step in (response, *response.history):
        assert_no_secret(step)
        assert_no_secret(step.next)
    no_secret(response)


@KINDS
def test_the_history_of_urllib3s_retries_tells_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = Answer(503, b"", {"Retry-After": "0"})
    retries = Retry(2, status_forcelist=[503], backoff_factor=0, raise_on_status=False)
    response = mounted(credential, inner=HTTPAdapter(max_retries=retries)).get(recorder.url + "/x")
    assert len(recorder.seen) == 3
    assert len(response.raw.retries.history) >= 2
    assert_no_secret(response)
    no_secret(response)


@KINDS
def test_an_error_in_the_history_of_urllib3s_retries_tells_nothing(
    credential: authshim.Credential,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    no_secret: Callable,
) -> None:
    import urllib3.util.connection as dialling

    dial, refusals = dialling.create_connection, [ConnectionRefusedError("not yet")]

    def create_connection(*args: object, **options: object) -> object:
        if refusals:
            raise refusals.pop()
        return dial(*args, **options)

    monkeypatch.setattr(dialling, "create_connection", create_connection)
    response = mounted(credential, max_retries=Retry(2, backoff_factor=0)).get(recorder.url + "/x")
    assert response.raw.retries.history[0].error is not None
    assert_no_secret(response)
    no_secret(response)


def test_a_proxied_response_tells_nothing(recorder: Recorder, no_secret: Callable) -> None:
    session = mounted(Fixed({"h.example": TOKEN}))
    response = session.get("http://h.example/x", proxies={"http": recorder.url})
    assert_no_secret(response)
    no_secret(response)


@pytest.mark.parametrize(
    "token", ["s3cret|x", "s3cret~x", "s3cret%7Cx", "s3cret[x", "s3cret'x", "s3cret+x$"]
)
def test_a_token_is_found_however_it_is_percent_encoded(
    token: str, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = lambda seen: redirect(seen.path) if seen.path.endswith("/x") else Answer()
    recorder.on("/t/*", lambda seen: Answer(201, b"", {"Content-Location": seen.path + "/again"}))
    response = mounted(CondaToken(token)).get(recorder.url + "/x")
    assert response.headers["Content-Location"] == "/x/again"
    assert_no_secret(response)
    no_secret(response)


def test_token_with_a_slash_is_one_segment_and_masked_whole(
    recorder: Recorder, no_secret: Callable
) -> None:
    url = f"{recorder.url}/c/x"
    response = mounted(CondaToken("head/s3cret")).get(url)
    assert recorder.seen[0].path == "/t/head%2Fs3cret/c/x"
    assert redact(f"{recorder.url}{recorder.seen[0].path}") == f"{recorder.url}/t/****/c/x"
    assert_no_secret(response)
    no_secret(response)


def test_token_with_a_slash_is_taken_out_of_a_location(
    recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = Answer(
        201, b"", {"Content-Location": "/t/head/s3cret/c/x", "Link": "/t/head%2fs3cret/c/x"}
    )
    response = mounted(CondaToken("head/s3cret")).get(f"{recorder.url}/c/x")
    assert (response.headers["Content-Location"], response.headers["Link"]) == ("/c/x", "/c/x")
    no_secret(response)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("head/s3cret", "/login?next=%252Ft%252Fhead%25252Fs3cret%252Fx"),
        ("head/s3cret", "/login?token=head%252Fs3cret"),
        ("head%41s3cret", "/t/headAs3cret/x"),
        ("head%2fs3cret", "/t/head/s3cret/x"),
    ],
)
def test_token_is_taken_out_if_it_is_encoded_twice_or_decoded(
    token: str, text: str, recorder: Recorder
) -> None:
    recorder.default = Answer(201, b"", {"Content-Location": text})
    response = mounted(CondaToken(token)).get(f"{recorder.url}/x")
    assert "head" not in response.headers["Content-Location"]
    assert_no_secret(response)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/t/s3cret/x", "/x"),
        ("/t/s3cret", ""),
        ("/t/s3cret?a=1", "?a=1"),
        ("/login?next=/t/s3cret/x&a=1", "/login?next=/x&a=1"),
        ("/login?next=%2Ft%2Fs3cret%2Fx", "/login?next=%2Fx"),
        ("/login?token=s3cret", "/login?token=****"),
        ("</t/s3cret/x>; rel=next", "</x>; rel=next"),
        ("/t/s3cret-other/x", "/t/****-other/x"),
        ("/t/other/x", "/t/other/x"),
        ("/about/t/s3cre/x", "/about/t/s3cre/x"),
    ],
)
def test_a_header_loses_the_token_and_nothing_else(
    said: str, kept: str, recorder: Recorder
) -> None:
    recorder.default = Answer(200, b"", {"X-Said": said, "X-Other": "a, b"})
    response = mounted(TOKEN).get(recorder.url + "/x")
    assert response.headers["X-Said"] == response.raw.headers["X-Said"] == kept
    assert response.headers["X-Other"] == "a, b"


def test_a_short_token_does_not_spoil_what_it_stands_in_by_chance(recorder: Recorder) -> None:
    recorder.default = Answer(
        200, b"0123456789", {"Cache-Control": "max-age=10", "Content-Location": "/t/10/x"}
    )
    response = mounted(CondaToken("10")).get(recorder.url + "/x")
    assert response.headers["Content-Length"] == "10"
    assert response.headers["Cache-Control"] == "max-age=10"
    assert response.headers["Content-Location"] == "/x"


def test_headers_of_one_name_stay_apart(recorder: Recorder) -> None:
    recorder.default = Answer(200, b"", {"Set-Cookie": "a=1; Path=/t/s3cret/", "set-cookie": "b=2"})
    response = mounted(TOKEN).get(recorder.url + "/x")
    assert response.cookies.get_dict() == {"a": "1", "b": "2"}
    assert response.raw.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2"]


def test_no_token_is_in_the_path_of_a_cookie(recorder: Recorder) -> None:
    recorder.default = Answer(200, b"", {"Set-Cookie": "a=1"})
    session = mounted(TOKEN)
    response = session.get(recorder.url + "/c/x")
    assert [cookie.path for cookie in (*response.cookies, *session.cookies)] == ["/c", "/c"]


def test_cookies_of_an_adapter_without_urllib3_are_kept() -> None:
    class Baking(Canned):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            response = super().send(request, **options)
            response.cookies.set("a", "1")
            return response

    response = mounted(TOKEN, inner=Baking()).get("http://127.0.0.1/x")
    assert response.cookies.get_dict() == {"a": "1"}


def test_a_reason_that_repeats_the_token_does_not(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    from http.server import BaseHTTPRequestHandler

    monkeypatch.setitem(BaseHTTPRequestHandler.responses, 404, ("nothing at /t/s3cret/x", ""))
    recorder.default = Answer(404)
    response = mounted(TOKEN).get(recorder.url + "/x")
    assert response.reason == "nothing at /t/****/x"
    with pytest.raises(requests.HTTPError) as caught:
        response.raise_for_status()
    assert_no_secret(response)
    assert_no_secret(caught.value)


# Exceptions


def failing(session: requests.Session, url: str, **options: object) -> BaseException:
    """Return what a request raises, as somebody catches it who asks for all of its frames."""
    try:
        session.get(url, **options)
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too
        return error
    raise AssertionError("nothing was raised")


@KINDS
def test_a_refused_connection_tells_nothing(
    credential: authshim.Credential, no_secret: Callable
) -> None:
    error = failing(mounted(credential), "http://127.0.0.1:1/x")
    assert isinstance(error, requests.ConnectionError)
    assert error.request.url == "http://127.0.0.1:1/x"
    assert_no_secret(error)
    no_secret(error, "".join(traceback.format_exception(type(error), error, error.__traceback__)))


@KINDS
def test_a_refused_connection_of_an_inner_adapter_tells_nothing(
    credential: authshim.Credential, no_secret: Callable
) -> None:
    error = failing(
        mounted(credential, inner=HTTPAdapter(max_retries=Retry(2, backoff_factor=0))),
        "http://127.0.0.1:1/x",
    )
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_a_read_timeout_tells_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    over = threading.Event()
    recorder.default = lambda _: over.wait(60) and None
    error = failing(mounted(credential), recorder.url + "/x", timeout=0.1)
    over.set()
    assert isinstance(error, requests.ReadTimeout)
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_a_tls_error_tells_nothing(
    credential: authshim.Credential, tls_recorder: Recorder, no_secret: Callable
) -> None:
    error = failing(mounted(credential), tls_recorder.url + "/x")
    assert isinstance(error, requests.exceptions.SSLError)
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_a_proxy_error_tells_nothing(credential: authshim.Credential, no_secret: Callable) -> None:
    for scheme in ("http", "https"):
        session = mounted(Fixed({"h.example": credential}))
        error = failing(session, f"{scheme}://h.example/x", proxies={scheme: "http://127.0.0.1:1"})
        assert isinstance(error, requests.exceptions.ProxyError)
        assert_no_secret(error)
        no_secret(error)


@KINDS
def test_too_many_retries_tell_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = Answer(503)
    retries = Retry(2, status_forcelist=[503], backoff_factor=0)
    error = failing(
        mounted(credential, inner=HTTPAdapter(max_retries=retries)), recorder.url + "/x"
    )
    assert isinstance(error, requests.exceptions.RetryError)
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_too_many_redirects_tell_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = redirect("/t/s3cret/x" if credential is TOKEN else "/x")
    error = failing(mounted(credential), recorder.url + "/x")
    assert isinstance(error, requests.TooManyRedirects)
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_a_body_that_breaks_off_tells_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    broken = {"Transfer-Encoding": "chunked", "Content-Length": "4", "Connection": "close"}
    recorder.default = Answer(200, b"half", broken)
    error = failing(mounted(credential), recorder.url + "/x")
    assert isinstance(error, requests.RequestException)
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_the_second_attempt_tells_nothing_of_the_first(
    credential: authshim.Credential, no_secret: Callable
) -> None:
    class Second(Canned):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            if self.sent:
                raise requests.ConnectionError(f"{self.sent[0].url}: broken pipe", request=request)
            return super().send(request, **options)

    error = failing(
        mounted(Renewing(credential, BearerToken("new-s3cret")), inner=Second(401)),
        "http://127.0.0.1/x",
    )
    assert_no_secret(error)
    no_secret(error)


@KINDS
def test_an_exception_of_an_inner_adapter_tells_of_the_callers_request(
    credential: authshim.Credential, no_secret: Callable
) -> None:
    class Raising(Canned):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            response = super().send(request, **options)
            try:
                raise requests.HTTPError(
                    f"refused: {response.url}", request=request, response=response
                )
            except requests.HTTPError as error:
                raise RuntimeError([error.args[0], "and more"]) from error

    error = failing(mounted(credential, inner=Raising()), "http://127.0.0.1/x")
    assert error.__cause__.request.url == error.__cause__.response.url == "http://127.0.0.1/x"
    assert_no_secret(error)
    no_secret(error)


@KINDS
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_exception_that_ends_a_program_passes_without_secrets(
    credential: authshim.Credential, kind: type[BaseException], no_secret: Callable
) -> None:
    error = failing(mounted(credential, inner=Canned(kind())), "http://127.0.0.1/x")
    assert type(error) is kind
    assert_no_secret(error)
    no_secret(error)


def test_a_note_tells_nothing(no_secret: Callable) -> None:
    cause = RuntimeError("broken")
    cause.__notes__ = ["GET /t/s3cret/x"]  # as add_note() of Python 3.11 has it
    error = failing(mounted(TOKEN, inner=Canned(cause)), "http://127.0.0.1/x")
    assert error.__notes__ == ["GET /t/****/x"]
    no_secret(error)


def test_a_group_of_exceptions_tells_nothing(no_secret: Callable) -> None:
    class Group(Exception):
        """As Python 3.11 has it."""

        @property
        def exceptions(self) -> tuple[BaseException, ...]:
            return tuple(self.args[1])

    group = Group("all failed", [RuntimeError("GET /t/s3cret/x")])
    error = failing(mounted(TOKEN, inner=Canned(group)), "http://127.0.0.1/x")
    assert_no_secret(error)
    no_secret(*error.exceptions)


def test_remaining_frames_lead_to_the_caller() -> None:
    error = failing(mounted(BearerToken("s3cret")), "http://127.0.0.1:1/x")
    modules = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert modules[-1] == "authshim.transport.adapter"
    assert "requests.sessions" in modules


def test_an_exception_before_anything_was_added_keeps_its_traceback() -> None:
    error = failing(mounted(None), "http://127.0.0.1:1/x")
    modules = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert modules[-1] != "authshim.transport.adapter"
    assert modules.count("authshim.transport.adapter") == 3  # send, _drive, _transmit
    assert error.__context__.__traceback__ is not None


def test_an_exception_under_an_explicit_header_keeps_its_traceback() -> None:
    error = failing(
        mounted(BearerToken("s3cret")),
        "http://127.0.0.1:1/x",
        headers={"Authorization": "Token mine"},
    )
    assert error.__context__.__traceback__ is not None


@KINDS
def test_an_exception_that_the_caller_is_handling_stays_whole(
    credential: authshim.Credential,
) -> None:
    def own() -> None:
        raise ValueError("my own /t/s3cret/x")

    error = None
    with pytest.raises(ValueError, match="my own") as caught:
        try:
            own()
        except ValueError:
            error = failing(mounted(credential), "http://127.0.0.1:1/x")
            raise
    assert caught.value.args == ("my own /t/s3cret/x",)
    assert [frame.f_code.co_name for frame, _ in traceback.walk_tb(caught.value.__traceback__)][
        -1
    ] == "own"
    assert "s3cret" not in str(error)


def test_an_exception_does_not_hold_itself_by_its_own_frame() -> None:
    error = failing(mounted(BearerToken("s3cret")), "http://127.0.0.1:1/x")
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].startswith("authshim")
    ]
    assert not any(value is error for frame in frames for value in frame.f_locals.values())


def test_an_exception_of_one_thread_is_not_cleaned_by_another() -> None:
    shared = RuntimeError("/t/s3cret/x")
    error = failing(mounted(None, inner=Canned(shared)), "http://127.0.0.1/x")
    assert error is shared
    assert error.args == ("/t/s3cret/x",)


def test_path_of_the_caller_stays_in_an_exception() -> None:
    error = failing(mounted(TOKEN), "http://127.0.0.1:1/t/mine/x")
    assert "/t/****/t/mine/x" in str(error)
    assert error.request.url == "http://127.0.0.1:1/t/mine/x"


# Logs, reprs and pickles


@KINDS
def test_log_records_hold_no_secret(
    credential: authshim.Credential, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    recorder.on("/*", Answer(503), Answer(401), Answer(200))
    session = mounted(
        Renewing(credential, credential),
        max_retries=Retry(3, status_forcelist=[503], backoff_factor=0),
    )
    session.get(recorder.url + "/x?a=1")
    failing(session, "http://127.0.0.1:1/x")
    assert any("/x?a=1" in message for message in caplog.messages)
    for record in caplog.records:
        assert_no_secret(record.getMessage(), repr(vars(record)))


def test_the_request_line_of_a_token_is_logged_without_it(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    mounted(TOKEN).get(recorder.url + "/x")
    assert any('"GET /t/****/x HTTP/1.1" 200' in message for message in caplog.messages)


def test_other_request_lines_are_logged_as_they_are(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    mounted(TOKEN).get(recorder.url + "/x")
    caplog.clear()
    requests.get(recorder.url + "/x?100%25")
    (record,) = [record for record in caplog.records if "GET" in record.getMessage()]
    assert '"GET /x?100%25 HTTP/1.1" 200' in record.getMessage()
    assert record.args


def test_the_log_has_one_filter_however_many_requests_there_were(recorder: Recorder) -> None:
    session = mounted(TOKEN)
    for _ in range(3):
        session.get(recorder.url)
    kinds = [type(item).__name__ for item in logging.getLogger("urllib3.connectionpool").filters]
    assert kinds.count("_RequestLines") == 1


@KINDS
def test_reprs_tell_nothing(
    credential: authshim.Credential, recorder: Recorder, no_secret: Callable
) -> None:
    session = mounted(credential)
    response = session.get(recorder.url)
    adapter = session.adapters["http://"]
    no_secret(
        repr(session),
        repr(adapter),
        repr(adapter.chain),
        repr(vars(adapter)),
        repr(response),
        repr(vars(response)),
    )


def test_a_pickled_adapter_holds_no_secret(tmp_path: Path, recorder: Recorder) -> None:
    (tmp_path / "auth.json").write_text('{"127.0.0.1": {"CondaToken": "s3cret"}}')
    adapter = AuthAdapter(Chain([AuthFile(str(tmp_path / "auth.json"))]))
    session = requests.Session()
    session.mount("http://", adapter)
    session.get(recorder.url + "/x", headers={"Authorization": "mine"})
    session.get(recorder.url + "/x")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_no_secret(pickle.dumps(adapter, protocol))


def test_a_credential_of_ones_own_provider_is_not_pickled_by_accident() -> None:
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(AuthAdapter(chain_of(TOKEN)))


def test_a_fake_response_without_anything_is_left_as_it_is() -> None:
    response = requests.Response()
    response.status_code, response.raw = 200, io.BytesIO()

    class Bare(Canned):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            return response

    assert mounted(TOKEN, inner=Bare()).get("http://127.0.0.1/x", stream=True) is response


def test_an_untrusted_certificate_of_a_trusted_authority_is_told_apart(
    tls_recorder: Recorder, authority: Authority, no_secret: Callable
) -> None:
    session = mounted(TOKEN)
    failing(session, tls_recorder.url + "/x")
    response = session.get(tls_recorder.url + "/x", verify=authority.file)
    assert_no_secret(response)
    no_secret(response)


def test_a_header_that_urllib3_cannot_read_is_logged_without_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hide_request_lines()
    try:
        raise ValueError("http://h.example/t/s3cret/c")
    except ValueError:
        logging.getLogger("urllib3.connection").warning(
            "Failed to parse headers (url=%s)", "http://h.example/t/s3cret/c", exc_info=True
        )
    assert "/t/****/c" in caplog.text
    assert "s3cret" not in caplog.text

"""All else behaves as with the plain adapter."""

from __future__ import annotations

import copy
import os
import pickle
import socket
import threading
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import Canned, Fixed, chain_of, installed, mounted
from leaks import assert_no_secret
from requests.adapters import HTTPAdapter
from servers import Answer, Recorder, redirect
from urllib3.util.retry import Retry

import authshim
from authshim import AuthAdapter, BearerToken, Chain, CondaToken
from authshim.providers.auth_file import AuthFile
from authshim.providers.netrc_file import NetrcFile

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names

BEARER = BearerToken("s3cret")


def inside(what: object) -> requests.Session:
    """Return a session whose adapter sends with a plain one."""
    return mounted(what, inner=HTTPAdapter())


EVERY_WAY = pytest.mark.parametrize("login", [mounted, inside, installed])


@EVERY_WAY
def test_a_response_is_streamed(login: Callable, recorder: Recorder) -> None:
    recorder.default = Answer(200, b"x" * 100_000)
    with login(BEARER).get(recorder.url, stream=True) as response:
        assert not response._content_consumed
        assert b"".join(response.iter_content(4096)) == b"x" * 100_000


@EVERY_WAY
def test_a_raw_response_is_read_by_its_file_interface(login: Callable, recorder: Recorder) -> None:
    with login(BEARER).get(recorder.url, stream=True) as response:
        assert response.raw.read() == b"ok"


@EVERY_WAY
def test_a_timeout_is_kept(login: Callable, recorder: Recorder) -> None:
    over = threading.Event()
    recorder.default = lambda _: over.wait(60) and None
    with pytest.raises(requests.ReadTimeout):
        login(BEARER).get(recorder.url, timeout=0.1)
    over.set()


@EVERY_WAY
def test_a_certificate_is_verified(
    login: Callable, tls_recorder: Recorder, anywhere: Names, authority: Authority
) -> None:
    anywhere(tls_recorder)
    session = login(Fixed({"h.example": BEARER}))
    with pytest.raises(requests.exceptions.SSLError):
        session.get("https://h.example/x")
    assert session.get("https://h.example/x", verify=authority.file).status_code == 200
    assert [seen.authorization for seen in tls_recorder.seen] == ["Bearer s3cret"]


@EVERY_WAY
def test_the_sessions_verify_is_kept(
    login: Callable, tls_recorder: Recorder, authority: Authority
) -> None:
    session = login(BEARER)
    session.verify = authority.file
    assert session.get(tls_recorder.url).status_code == 200


@EVERY_WAY
def test_the_bundle_of_the_environment_is_kept(
    login: Callable, tls_recorder: Recorder, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    assert login(BEARER).get(tls_recorder.url).status_code == 200


@EVERY_WAY
def test_a_client_certificate_is_taken(
    login: Callable, tls_recorder: Recorder, authority: Authority
) -> None:
    with pytest.raises(OSError, match="invalid path"):
        login(BEARER).get(tls_recorder.url, verify=authority.file, cert="/nowhere/client.pem")


@EVERY_WAY
def test_a_proxy_of_the_environment_is_used(
    login: Callable, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", recorder.url)
    login(Fixed({"h.example": BEARER})).get("http://h.example/x")
    assert [(seen.target, seen.authorization) for seen in recorder.seen] == [
        ("http://h.example/x", "Bearer s3cret")
    ]


@EVERY_WAY
def test_the_sessions_hooks_are_called_once(login: Callable, recorder: Recorder) -> None:
    called: list[str] = []
    session = login(BEARER)
    session.hooks["response"].append(lambda response, **_: called.append(response.url))
    session.get(recorder.url + "/x")
    assert called == [recorder.url + "/x"]


@EVERY_WAY
def test_a_hook_may_replace_the_response(login: Callable, recorder: Recorder) -> None:
    other = requests.Response()
    other.raw, other.headers, other._content = None, {}, b"other"
    hooks = {"response": lambda response, **_: other}
    assert login(BEARER).get(recorder.url, hooks=hooks, allow_redirects=False, stream=True) is other


@EVERY_WAY
@pytest.mark.parametrize("credential", [BEARER, CondaToken("s3cret")])
def test_the_session_keeps_cookies(
    login: Callable, credential: authshim.Credential, recorder: Recorder
) -> None:
    recorder.on("/x", Answer(200, b"", {"Set-Cookie": "a=1"}))
    recorder.on("/t/s3cret/x", Answer(200, b"", {"Set-Cookie": "a=1"}))
    session = login(credential)
    assert session.get(recorder.url + "/x").cookies.get_dict() == {"a": "1"}
    session.get(recorder.url + "/y")
    assert session.cookies.get_dict() == {"a": "1"}
    assert recorder.seen[1].headers["Cookie"] == "a=1"


@EVERY_WAY
@pytest.mark.parametrize("path", ["/t/s3cret/", "/t/s3cret", "/t/s3cret/c/"])
def test_a_cookie_for_the_tokens_path_comes_back(
    login: Callable, path: str, recorder: Recorder
) -> None:
    recorder.on("/t/s3cret/c/x", Answer(200, b"", {"Set-Cookie": f"a=1; Path={path}; HttpOnly"}))
    session = login(CondaToken("s3cret"))
    session.get(recorder.url + "/c/x")
    session.get(recorder.url + "/c/y")
    assert recorder.seen[1].headers["Cookie"] == "a=1"


@EVERY_WAY
def test_a_cookie_at_a_redirect_goes_along(login: Callable, recorder: Recorder) -> None:
    recorder.on("/x", Answer(302, b"", {"Set-Cookie": "a=1", "Location": "/y"}))
    login(BEARER).get(recorder.url + "/x")
    assert recorder.seen[1].headers["Cookie"] == "a=1"


@EVERY_WAY
def test_the_encoding_and_the_elapsed_time_are_there(login: Callable, recorder: Recorder) -> None:
    recorder.default = Answer(
        200, "ü".encode("latin-1"), {"Content-Type": "text/plain; charset=latin-1"}
    )
    response = login(BEARER).get(recorder.url)
    assert response.text == "ü"
    assert response.elapsed.total_seconds() > 0


@EVERY_WAY
def test_a_request_that_was_prepared_by_hand_is_sent(login: Callable, recorder: Recorder) -> None:
    request = requests.Request("GET", recorder.url + "/x").prepare()
    assert login(BEARER).send(request).request is request
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_the_adapter_is_called_with_positional_arguments_as_well(recorder: Recorder) -> None:
    request = requests.Request("GET", recorder.url).prepare()
    assert AuthAdapter(chain_of(BEARER)).send(request, False, 5, True, None, {}).content == b"ok"


# Subclasses and other adapters


def test_a_subclass_that_overrides_send_is_served(recorder: Recorder) -> None:
    class Counting(requests.Session):
        sent = 0

        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            self.sent += 1
            return super().send(request, **options)

    recorder.on("/x", redirect("/y"))
    session = installed(BEARER, Counting())
    session.get(recorder.url + "/x")
    assert session.sent == 2
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_a_subclass_of_the_adapter_may_add_to_it(recorder: Recorder) -> None:
    class Stamping(AuthAdapter):
        def add_headers(self, request: requests.PreparedRequest, **options: object) -> None:
            request.headers["X-Stamp"] = "1"

    session = requests.Session()
    session.mount("http://", Stamping(chain_of(BEARER)))
    response = session.get(recorder.url)
    assert recorder.seen[0].headers["X-Stamp"] == "1"
    assert recorder.seen[0].authorization == "Bearer s3cret"
    assert "X-Stamp" not in response.request.headers


def test_it_stands_before_another_adapter_by_inheritance_too(recorder: Recorder) -> None:
    class Timed(HTTPAdapter):
        def send(
            self, request: requests.PreparedRequest, *args: object, **options: object
        ) -> requests.Response:
            request.headers["X-Timed"] = request.headers.get("Authorization", "")
            return super().send(request, *args, **options)

    class Both(AuthAdapter, Timed):
        pass

    session = requests.Session()
    session.mount("http://", Both(chain_of(BEARER)))
    session.get(recorder.url)
    assert recorder.seen[0].headers["X-Timed"] == "Bearer s3cret"


def test_only_the_mounted_prefix_is_served(recorder: Recorder, make_recorder: Callable) -> None:
    other = make_recorder()
    session = requests.Session()
    session.mount(recorder.url + "/", AuthAdapter(chain_of(BEARER)))
    session.get(recorder.url)
    session.get(other.url)
    assert [seen.authorization for seen in (*recorder.seen, *other.seen)] == ["Bearer s3cret", None]


def test_an_inner_adapter_of_any_kind_does_the_sending() -> None:
    inner = Canned()
    assert (
        mounted(BEARER, inner=inner).get("http://127.0.0.1/x", timeout=3, stream=True).content
        == b"canned"
    )
    assert inner.sent[0].headers["Authorization"] == "Bearer s3cret"
    assert inner.options == [
        {"stream": True, "timeout": 3, "verify": True, "cert": None, "proxies": {}}
    ]


def test_a_response_leads_back_to_the_adapter_that_was_mounted(recorder: Recorder) -> None:
    session = inside(BEARER)
    assert session.get(recorder.url).connection is session.adapters["http://"]


def test_a_response_of_an_inner_adapter_tells_of_the_callers_request() -> None:
    request = requests.Request("GET", "http://127.0.0.1/x").prepare()
    response = mounted(CondaToken("s3cret"), inner=Canned()).send(request)
    assert response.request is request
    assert response.url == "http://127.0.0.1/x"


def test_an_inner_adapter_that_knows_no_urllib3_may_refuse() -> None:
    from fakes import Renewing

    inner = Canned(401, 200)
    session = mounted(Renewing(BearerToken("old"), BearerToken("new")), inner=inner)
    assert session.get("http://127.0.0.1/x").status_code == 200
    assert [request.headers["Authorization"] for request in inner.sent] == [
        "Bearer old",
        "Bearer new",
    ]


def test_the_retries_of_an_inner_adapter_are_its_own(recorder: Recorder) -> None:
    recorder.on("/x", Answer(503), Answer(503), Answer(200))
    retries = Retry(3, status_forcelist=[503], backoff_factor=0)
    assert (
        mounted(BEARER, inner=HTTPAdapter(max_retries=retries)).get(recorder.url + "/x").status_code
        == 200
    )
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 3


def test_its_own_retries_are_those_of_the_plain_adapter(recorder: Recorder) -> None:
    recorder.on("/x", Answer(503), Answer(200))
    session = mounted(BEARER, max_retries=Retry(3, status_forcelist=[503], backoff_factor=0))
    assert session.get(recorder.url + "/x").status_code == 200


def test_an_adapter_within_an_adapter_adds_nothing_more(recorder: Recorder) -> None:
    inner = AuthAdapter(chain_of(BearerToken("inner")))
    mounted(BEARER, inner=inner).get(recorder.url)
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"]


def test_close_closes_the_inner_adapter() -> None:
    inner = Canned()
    AuthAdapter(chain_of(None), inner=inner).close()
    assert inner.closed == 1


def test_a_session_that_is_closed_can_be_used_again(recorder: Recorder) -> None:
    session = mounted(BEARER)
    with session:
        session.get(recorder.url)
    assert session.get(recorder.url).status_code == 200
    session.close()


# Pickles and copies


@pytest.fixture
def auth_file(tmp_path: Path) -> AuthFile:
    (tmp_path / "auth.json").write_text('{"127.0.0.1": {"BearerToken": "s3cret"}}')
    return AuthFile(str(tmp_path / "auth.json"))


@EVERY_WAY
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_session_holds_no_secret_and_is_logged_in_where_it_lands(
    login: Callable, protocol: int, auth_file: AuthFile, recorder: Recorder
) -> None:
    session = login(auth_file)
    session.get(recorder.url)
    pickled = pickle.dumps(session, protocol)
    assert_no_secret(pickled)
    pickle.loads(pickled).get(recorder.url)
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_a_pickled_adapter_keeps_its_settings(auth_file: AuthFile) -> None:
    adapter = AuthAdapter(Chain([auth_file]), max_retries=4, pool_maxsize=3)
    landed = pickle.loads(pickle.dumps(adapter))
    assert (landed.max_retries.total, landed._pool_maxsize) == (4, 3)


def test_a_pickled_adapter_takes_its_inner_one_along(auth_file: AuthFile) -> None:
    adapter = AuthAdapter(Chain([auth_file]), inner=HTTPAdapter(max_retries=4))
    assert pickle.loads(pickle.dumps(adapter)).inner.max_retries.total == 4


def test_a_pickled_chain_of_a_session_is_one_chain_still(auth_file: AuthFile) -> None:
    landed = pickle.loads(pickle.dumps(installed(auth_file)))
    assert len({id(adapter.chain) for adapter in landed.adapters.values()}) == 1


def test_a_pickle_loses_rebuild_auth_but_netrc_is_recognised(
    home: Path, auth_file: AuthFile, recorder: Recorder
) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ambient password netrc-pw\n")
    session = pickle.loads(pickle.dumps(installed(auth_file)))
    recorder.on("/x", redirect("/y"))
    session.get(recorder.url + "/x")
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_a_session_that_landed_can_be_installed_again(auth_file: AuthFile) -> None:
    session = authshim.install(requests.Session(), Chain([auth_file]))
    landed = pickle.loads(pickle.dumps(session))
    chain = landed.adapters["https://"].chain
    assert authshim.install(landed, chain) is landed
    assert "rebuild_auth" in vars(landed)


@EVERY_WAY
def test_a_deep_copy_is_logged_in_too(
    login: Callable, auth_file: AuthFile, recorder: Recorder
) -> None:
    session = login(auth_file)
    copy.deepcopy(session).get(recorder.url)
    session.get(recorder.url)
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_a_response_is_pickled_as_that_of_the_plain_adapter(recorder: Recorder) -> None:
    response = mounted(CondaToken("s3cret")).get(recorder.url + "/x")
    pickled = pickle.dumps(response)
    assert_no_secret(pickled)
    assert pickle.loads(pickled).content == b"ok"


# Threads and processes


def test_many_threads_share_one_session_and_one_look_up(recorder: Recorder) -> None:
    provider = Fixed({"127.0.0.1": BEARER})
    session = mounted(provider, pool_maxsize=32)
    barrier = threading.Barrier(32)
    statuses: list[int] = []

    def work() -> None:
        barrier.wait(60)
        statuses.extend(session.get(f"{recorder.url}/{number}").status_code for number in range(5))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert statuses == [200] * 160
    assert {seen.authorization for seen in recorder.seen} == {"Bearer s3cret"}
    assert provider.asked == [f"127.0.0.1:{recorder.port}", "127.0.0.1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_logged_in(recorder: Recorder) -> None:
    session = mounted(BEARER)
    session.get(recorder.url)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if session.get(recorder.url, timeout=60).status_code == 200 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_two_sessions_share_memory_by_sharing_the_chain(recorder: Recorder) -> None:
    provider = Fixed({"127.0.0.1": BEARER})
    chain = Chain([provider])
    for _ in range(2):
        authshim.install(requests.Session(), chain).get(recorder.url)
    assert len(provider.asked) == 2  # 127.0.0.1:PORT and 127.0.0.1, once


def test_a_refused_connection_is_the_plain_adapters_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(requests.ConnectionError, match="Max retries exceeded"):
        mounted(BEARER).get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "http://127.0.0.1:99999/", "http://*.example/"]
)
def test_a_url_that_cannot_be_dialled_is_the_plain_sessions_error(url: str) -> None:
    with pytest.raises((requests.RequestException, ValueError)) as plain:
        requests.get(url)
    with pytest.raises(plain.type):
        mounted(BEARER).get(url)


def test_a_netrc_of_ten_thousand_machines_is_read_once(home: Path, recorder: Recorder) -> None:
    lines = [f"machine h{number}.example login a password b" for number in range(10_000)]
    (home / ".netrc").write_text("\n".join([*lines, "machine 127.0.0.1 login ada password s3cret"]))
    session = installed(NetrcFile([str(home / ".netrc")]))
    session.get(recorder.url)
    session.get(recorder.url)
    assert {seen.authorization for seen in recorder.seen} == {
        authshim.BasicHTTP("ada", "s3cret").header
    }

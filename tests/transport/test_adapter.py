"""What AuthAdapter adds to a request, and what it leaves to the caller."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import LOOPBACK, Canned, Fixed, Renewing, chain_of, installed, mounted
from requests.auth import AuthBase, HTTPDigestAuth
from requests.structures import CaseInsensitiveDict
from servers import Answer, Recorder, Seen

import authshim
from authshim import AuthAdapter, BasicHTTP, BearerToken, Chain, CondaToken, OAuth, S3Credentials
from authshim.project.repositories import Index
from authshim.transport import adapter as adapter_module
from authshim.transport import request as request_module
from authshim.urls import SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Names

BEARER = BearerToken("s3cret")
EITHER_WAY = pytest.mark.parametrize("login", [mounted, installed])


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


# What is added


@EITHER_WAY
def test_a_bearer_token_goes_with_the_first_request(login: Callable, recorder: Recorder) -> None:
    login(BEARER).get(recorder.url + "/x")
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [("/x", "Bearer s3cret")]


@EITHER_WAY
def test_a_username_and_password_go_as_basic_in_utf_8(login: Callable, recorder: Recorder) -> None:
    login(BasicHTTP("ada", "pässwörd")).get(recorder.url)
    assert recorder.seen[0].authorization == basic("ada:pässwörd")


@EITHER_WAY
def test_a_conda_token_goes_before_the_path(login: Callable, recorder: Recorder) -> None:
    login(CondaToken("s3cret")).get(recorder.url + "/c/noarch/repodata.json?x=1")
    assert recorder.seen[0].path == "/t/s3cret/c/noarch/repodata.json?x=1"
    assert recorder.seen[0].authorization is None


@EITHER_WAY
def test_an_oauth_token_goes_as_bearer(login: Callable, recorder: Recorder) -> None:
    login(OAuth("s3cret", None, None, "https://h.example/token", None, "me")).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


@EITHER_WAY
def test_s3_keys_add_nothing(login: Callable, recorder: Recorder) -> None:
    assert login(S3Credentials("key", "s3cret")).get(recorder.url + "/x").status_code == 200
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [("/x", None)]


@EITHER_WAY
def test_request_stays_unchanged_if_no_credential_is_found(
    login: Callable, recorder: Recorder
) -> None:
    login(None).get(recorder.url + "/x")
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [("/x", None)]


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Signature=1",
        "x-goog-signature=1",
        "sv=2020&sig=1",
        "Signature=1&Key-Pair-Id=2",
        "Signature=1&AWSAccessKeyId=2",
    ],
)
def test_a_presigned_url_is_given_nothing(query: str, recorder: Recorder) -> None:
    mounted(BEARER).get(f"{recorder.url}/x?{query}")
    assert recorder.seen[0].authorization is None


def test_a_presigned_url_is_given_nothing_after_a_refusal_either(recorder: Recorder) -> None:
    recorder.default = Answer(403)
    mounted(BEARER).get(recorder.url + "/x?X-Amz-Signature=1")
    assert [seen.authorization for seen in recorder.seen] == [None]


def test_http_on_loopback_named_by_the_caller_gets_no_warning(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    mounted(BEARER).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_http_that_the_caller_names_is_served_elsewhere_with_one_warning(
    recorder: Recorder, anywhere: Names, caplog: pytest.LogCaptureFixture
) -> None:
    anywhere(recorder)
    session = mounted(Fixed({"h.example": BEARER}))
    session.get("http://h.example/x")
    session.get("http://h.example/y")
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "h.example" in warning


def test_a_proxy_authorization_is_never_touched(recorder: Recorder) -> None:
    session = mounted(Fixed({"h.example": BEARER}))
    session.proxies = {"http": recorder.url.replace("//", "//proxy:pw@")}
    session.get("http://h.example/x")
    assert recorder.seen[0].target == "http://h.example/x"
    assert recorder.seen[0].headers["Proxy-Authorization"] == basic("proxy:pw")
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_a_conda_token_goes_through_a_proxy_too(recorder: Recorder) -> None:
    session = mounted(Fixed({"h.example": CondaToken("s3cret")}))
    response = session.get("http://h.example/x", proxies={"http": recorder.url})
    assert recorder.seen[0].target == "http://h.example/t/s3cret/x"
    assert response.url == "http://h.example/x"


def test_the_proxy_gets_no_credential_of_its_own_host(recorder: Recorder) -> None:
    mounted(BEARER).get("http://h.example/x", proxies={"http": recorder.url})
    assert recorder.seen[0].authorization is None
    assert "Proxy-Authorization" not in recorder.seen[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_by_an_index_without_username_asks_the_keyring(
    status: int, recorder: Recorder
) -> None:
    url = recorder.url + "/simple"
    recorder.on("/*", lambda seen: Answer(200 if seen.authorization else status))
    keyring = Fixed({url: BasicHTTP("bob", "s3cret")}, kinds=[SERVICE])
    session = authshim.install(requests.Session(), Chain([keyring], indexes=[Index(url)]))
    assert [session.get(f"{url}/{name}/").status_code for name in ("a", "b")] == [200, 200]
    assert [seen.authorization for seen in recorder.seen] == [
        None,
        basic("bob:s3cret"),
        basic("bob:s3cret"),
    ]
    assert keyring.asked == [url]


# What the caller set stays


@EITHER_WAY
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("value", ["Token mine", b"Token mine"])
def test_an_explicit_header_stays(
    login: Callable, name: str, value: str | bytes, recorder: Recorder
) -> None:
    login(BEARER).get(recorder.url, headers={name: value})
    assert recorder.seen[0].headers.get_all("Authorization") == ["Token mine"]


@EITHER_WAY
def test_a_header_of_the_session_stays(login: Callable, recorder: Recorder) -> None:
    session = login(BEARER)
    session.headers["Authorization"] = "Token mine"
    session.get(recorder.url)
    assert recorder.seen[0].authorization == "Token mine"


@EITHER_WAY
def test_an_explicit_header_is_not_replaced_after_a_refusal(
    login: Callable, recorder: Recorder
) -> None:
    recorder.default = Answer(401)
    assert (
        login(BEARER).get(recorder.url, headers={"Authorization": "Token mine"}).status_code == 401
    )
    assert [seen.authorization for seen in recorder.seen] == ["Token mine"]


@EITHER_WAY
def test_no_conda_token_goes_beside_an_explicit_header(login: Callable, recorder: Recorder) -> None:
    login(CondaToken("s3cret")).get(recorder.url + "/x", headers={"Authorization": "Token mine"})
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [("/x", "Token mine")]


@EITHER_WAY
def test_an_empty_explicit_header_stays(login: Callable, recorder: Recorder) -> None:
    login(BEARER).get(recorder.url, headers={"Authorization": ""})
    assert recorder.seen[0].authorization == ""


@EITHER_WAY
def test_auth_of_one_request_stays(login: Callable, recorder: Recorder) -> None:
    login(BEARER).get(recorder.url, auth=("bob", "pw"))
    assert recorder.seen[0].authorization == basic("bob:pw")


@EITHER_WAY
def test_auth_of_the_session_stays(login: Callable, recorder: Recorder) -> None:
    session = login(BEARER)
    session.auth = ("bob", "pw")
    session.get(recorder.url)
    assert recorder.seen[0].authorization == basic("bob:pw")


class Digest:
    """A realm that lets one user in, by HTTP Digest."""

    def __init__(self, user: str, password: str) -> None:
        self._user = f"{user}:private:{password}"

    def __call__(self, seen: Seen) -> Answer:
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', seen.authorization or ""))
        if fields.get("response") == self._expected(seen, fields):
            return Answer(200)
        return Answer(
            401,
            b"",
            {"WWW-Authenticate": 'Digest realm="private", nonce="once", qop="auth", algorithm=MD5'},
        )

    def _expected(self, seen: Seen, fields: dict[str, str]) -> str:
        words = (fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        return _md5(":".join([_md5(self._user), *words, _md5(f"{seen.method}:{seen.path}")]))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@EITHER_WAY
def test_digest_is_answered_by_the_callers_auth(login: Callable, recorder: Recorder) -> None:
    recorder.on("/x", Digest("bob", "pw"))
    response = login(BEARER).get(recorder.url + "/x", auth=HTTPDigestAuth("bob", "pw"))
    assert response.status_code == 200
    assert [(seen.authorization or "").partition(" ")[0] for seen in recorder.seen] == [
        "",
        "Digest",
    ]


@EITHER_WAY
def test_digest_for_the_whole_session_works_again_and_again(
    login: Callable, recorder: Recorder
) -> None:
    recorder.on("/x", Digest("bob", "pw"))
    session = login(BEARER)
    session.auth = HTTPDigestAuth("bob", "pw")
    assert [session.post(recorder.url + "/x", data=b"body").status_code for _ in range(3)] == [
        200,
        200,
        200,
    ]
    assert recorder.seen[-1].body == b"body"


@EITHER_WAY
def test_digest_that_is_refused_is_not_replaced(login: Callable, recorder: Recorder) -> None:
    recorder.on("/x", Digest("bob", "other"))
    assert (
        login(BEARER).get(recorder.url + "/x", auth=HTTPDigestAuth("bob", "pw")).status_code == 401
    )
    assert not any("s3cret" in (seen.authorization or "") for seen in recorder.seen)


def test_digest_keeps_a_redirect_that_is_followed_by_hand_marked(
    recorder: Recorder, make_recorder: Callable
) -> None:
    other = make_recorder()
    other.default = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
    anybody = Fixed({"default": BasicHTTP("anybody", "s3cret")}, kinds=["default"])
    recorder.default = Answer(302, b"", {"Location": other.url + "/y"})
    session = mounted(anybody)
    session.get(recorder.url + "/moved", auth=HTTPDigestAuth("bob", "pw"), allow_redirects=False)
    session.get(other.url + "/y")
    assert [seen.authorization for seen in other.seen] == [None]


class Negotiate(AuthBase):
    """Answers a challenge in a hook, as Kerberos and NTLM do."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.register_hook("response", self.answer)
        return request

    def answer(self, response: requests.Response, **options: object) -> requests.Response:
        if response.status_code != 401:
            return response
        response.content  # noqa: B018 - it reads the body
        again = response.request.copy()
        again.headers["Authorization"] = "Negotiate ticket"
        return response.connection.send(again, **options)


@EITHER_WAY
def test_an_auth_that_answers_challenges_in_a_hook_is_left_to_it(
    login: Callable, recorder: Recorder
) -> None:
    recorder.on("/x", lambda seen: Answer(200 if seen.authorization == "Negotiate ticket" else 401))
    assert login(BEARER).get(recorder.url + "/x", auth=Negotiate()).status_code == 200
    assert [seen.authorization for seen in recorder.seen] == [None, "Negotiate ticket"]


class Stamp(AuthBase):
    """Sets another header than Authorization, and has no hook."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Stamp"] = "1"
        return request


@EITHER_WAY
def test_auth_that_sets_another_header_leaves_the_chain_on(
    login: Callable, recorder: Recorder
) -> None:
    login(BEARER).get(recorder.url, auth=Stamp())
    assert recorder.seen[0].headers["X-Stamp"] == "1"
    assert recorder.seen[0].authorization == "Bearer s3cret"


# user:password@ in the URL


def userinfo(recorder: Recorder, text: str) -> str:
    return recorder.url.replace("//", f"//{text}@") + "/x"


@EITHER_WAY
def test_a_password_in_the_url_goes_before_the_providers(
    login: Callable, recorder: Recorder
) -> None:
    login(BEARER).get(userinfo(recorder, "bob:pw"))
    assert recorder.seen[0].authorization == basic("bob:pw")


@EITHER_WAY
def test_a_password_in_the_url_is_neither_replaced_nor_renewed(
    login: Callable, recorder: Recorder
) -> None:
    recorder.default = Answer(401, b"", {"WWW-Authenticate": "Basic"})
    assert login(BEARER).get(userinfo(recorder, "bob:pw")).status_code == 401
    assert [seen.authorization for seen in recorder.seen] == [basic("bob:pw")]


@EITHER_WAY
def test_an_empty_password_in_the_url_is_sent(login: Callable, recorder: Recorder) -> None:
    login(BEARER).get(userinfo(recorder, "bob:"))
    assert recorder.seen[0].authorization == basic("bob:")


@EITHER_WAY
def test_a_username_in_the_url_rules_out_anothers_password(
    login: Callable, recorder: Recorder
) -> None:
    login(BasicHTTP("ada", "s3cret")).get(userinfo(recorder, "bob"))
    assert recorder.seen[0].authorization is None


@EITHER_WAY
def test_a_username_in_the_url_takes_its_own_password(login: Callable, recorder: Recorder) -> None:
    login(BasicHTTP("bob", "s3cret")).get(userinfo(recorder, "bob"))
    assert recorder.seen[0].authorization == basic("bob:s3cret")


@EITHER_WAY
def test_a_username_in_the_url_does_not_rule_out_a_token(
    login: Callable, recorder: Recorder
) -> None:
    login(BEARER).get(userinfo(recorder, "bob"))
    assert recorder.seen[0].authorization == "Bearer s3cret"


@EITHER_WAY
def test_percent_escapes_in_the_url_are_decoded_once(login: Callable, recorder: Recorder) -> None:
    login(None).get(userinfo(recorder, "bob%40h:p%2525%3A"))
    assert recorder.seen[0].authorization == basic("bob@h:p%25:")


def test_a_password_of_a_declared_index_goes_with_the_requests_below_it(recorder: Recorder) -> None:
    index = Index(recorder.url + "/simple", "bob", "s3cret")
    session = authshim.install(
        requests.Session(), Chain([Fixed({LOOPBACK: BEARER})], indexes=[index])
    )
    session.get(recorder.url + "/simple/demo/")
    assert recorder.seen[0].authorization == basic("bob:s3cret")


def test_a_password_of_a_declared_index_is_not_renewed(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    index = Index(recorder.url + "/simple", "bob", "s3cret")
    session = authshim.install(
        requests.Session(), Chain([Fixed({LOOPBACK: BEARER})], indexes=[index])
    )
    assert session.get(recorder.url + "/simple/demo/").status_code == 401
    assert [seen.authorization for seen in recorder.seen] == [basic("bob:s3cret")]


# The adapter works on a copy


def prepared(url: str, **options: object) -> requests.PreparedRequest:
    return requests.Request("POST", url, **options).prepare()


@pytest.mark.parametrize("credential", [BEARER, BasicHTTP("ada", "s3cret"), CondaToken("s3cret")])
def test_the_callers_request_stays_as_it_was(
    credential: authshim.Credential, recorder: Recorder
) -> None:
    request = prepared(
        recorder.url + "/x",
        headers={"X-Mine": "1"},
        data=b"body",
        hooks={"response": [lambda r, **_: r]},
    )
    before = {
        name: getattr(request, name) for name in ("method", "url", "body", "hooks", "_cookies")
    }
    headers = list(request.headers.items())
    mounted(credential).send(request)
    assert {name: getattr(request, name) for name in before} == before
    assert list(request.headers.items()) == headers


@pytest.mark.parametrize("credential", [BEARER, CondaToken("s3cret"), None])
def test_the_response_tells_of_the_callers_request_and_url(
    credential: authshim.Credential | None, recorder: Recorder
) -> None:
    request = prepared(recorder.url + "/x?y=1")
    response = mounted(credential).send(request)
    assert response.request is request
    assert response.url == recorder.url + "/x?y=1"


def test_copy_keeps_class_and_attributes_of_the_request(
    recorder: Recorder,
) -> None:
    class Mine(requests.PreparedRequest):
        pass

    request = Mine()
    request.prepare("GET", recorder.url, headers={})
    request.note = "mine"
    inner = Canned()
    mounted(BEARER, inner=inner).send(request)
    assert type(inner.sent[0]) is Mine
    assert inner.sent[0].note == "mine"


def test_accepted_credential_is_sent_without_an_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = Canned()
    adapter = mounted(BEARER, inner=inner).get_adapter("http://127.0.0.1/x")
    adapter.send(prepared("http://127.0.0.1/x"))

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(adapter_module, "Exchange", fail)
    adapter.send(prepared("http://127.0.0.1/x"))
    assert [sent.headers["Authorization"] for sent in inner.sent] == [BEARER.header] * 2


def test_changes_by_an_inner_adapter_do_not_reach_the_caller() -> None:
    class Writing(Canned):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
            request.headers["X-Inner"] = "1"
            return super().send(request, **options)

    request = prepared("http://127.0.0.1/x")
    mounted(BEARER, inner=Writing()).send(request)
    assert "X-Inner" not in request.headers


def test_a_request_to_which_nothing_is_added_is_not_copied() -> None:
    inner = Canned()
    request = prepared("http://127.0.0.1/x")
    mounted(None, inner=inner).send(request)
    assert inner.sent[0] is request


def test_headers_that_are_a_plain_dict_are_copied_too() -> None:
    inner = Canned()
    request = prepared("http://127.0.0.1/x")
    request.headers = {"X-Mine": "1"}
    mounted(BEARER, inner=inner).send(request)
    assert dict(inner.sent[0].headers) == {"X-Mine": "1", "Authorization": "Bearer s3cret"}
    assert request.headers == {"X-Mine": "1"}


class Ordered(CaseInsensitiveDict):
    """Headers that keep their items otherwise than the class of requests does today."""

    def __init__(self) -> None:
        super().__init__()
        self._store = [("X-Mine", "1")]


def test_fast_copy_is_for_headers_that_keep_a_dict_only() -> None:
    assert request_module.keeps_dict(CaseInsensitiveDict)
    assert not request_module.keeps_dict(Ordered)
    assert not request_module.keeps_dict(list)


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def _each_copy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the copy in the fast way, which is there, and in the plain way."""
    assert request_module.FAST
    monkeypatch.setattr(request_module, "FAST", request.param)


@pytest.mark.usefixtures("_each_copy")
@pytest.mark.parametrize("credential", [BEARER, CondaToken("s3cret"), None])
def test_each_copy_leaves_the_callers_request(credential: authshim.Credential | None) -> None:
    inner = Canned()
    request = prepared("http://127.0.0.1/x", headers={"X-Mine": "1"})
    request.note = "mine"
    before, headers = dict(vars(request)), list(request.headers.items())
    mounted(credential, inner=inner).send(request)
    assert vars(request) == before
    assert list(request.headers.items()) == headers
    assert inner.sent[0].note == "mine"
    assert inner.sent[0].headers.get("authorization") == getattr(credential, "header", None)
    assert inner.sent[0].headers["x-mine"] == "1"


@pytest.mark.usefixtures("_each_copy")
def test_each_copy_keeps_the_callers_authorization() -> None:
    inner = Canned()
    request = prepared("http://127.0.0.1/x", headers={"authorization": "Token mine"})
    mounted(BEARER, inner=inner).send(request)
    assert inner.sent == [request]


@pytest.mark.usefixtures("_each_copy")
def test_each_copy_replaces_the_header_of_netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ambient password netrc-pw\n")
    for credential, header in ((BEARER, "Bearer s3cret"), (None, None)):
        inner = Canned()
        request = prepared(
            "http://127.0.0.1/x", headers={"authorization": basic("ambient:netrc-pw")}
        )
        mounted(credential, inner=inner).send(request)
        assert inner.sent[0].headers.get("Authorization") == header
        assert request.headers["Authorization"] == basic("ambient:netrc-pw")


def test_an_explicit_header_in_a_plain_dict_stays() -> None:
    inner = Canned()
    request = prepared("http://127.0.0.1/x")
    request.headers = {"authorization": "Token mine"}
    mounted(BEARER, inner=inner).send(request)
    assert inner.sent == [request]


def test_an_inner_adapter_may_take_its_options_in_another_order() -> None:
    class Caching(Canned):
        def send(
            self,
            request: object,
            cacheable: object = None,
            *,
            proxies: object,
            stream: bool,
            **rest: object,
        ):
            assert cacheable is None
            return super().send(request, stream=stream, proxies=proxies, **rest)

    inner = Caching()
    mounted(BEARER, inner=inner).get("http://127.0.0.1/x", stream=True, timeout=3)
    assert (inner.options[0]["stream"], inner.options[0]["timeout"]) == (True, 3)


# The constructor


def test_without_a_chain_the_environment_is_asked(home: Path, recorder: Recorder) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler" / "credentials.json").write_text('{"127.0.0.1": {"BearerToken": "s3cret"}}')
    session = requests.Session()
    session.mount("http://", AuthAdapter())
    session.get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_a_manifest_declares_the_indexes(tmp_path: Path, recorder: Recorder) -> None:
    url = recorder.url.replace("//", "//bob:s3cret@")
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nchannels = []\n[pypi-options]\nindex-url = "{url}/simple"\n'
    )
    session = requests.Session()
    session.mount("http://", AuthAdapter(manifest=tmp_path / "pixi.toml"))
    session.get(recorder.url + "/simple/demo/")
    assert recorder.seen[0].authorization == basic("bob:s3cret")


def test_a_chain_and_a_manifest_are_too_much() -> None:
    with pytest.raises(TypeError, match="not both"):
        AuthAdapter(chain_of(None), manifest="pixi.toml")


def test_a_chain_and_an_environment_are_too_much() -> None:
    with pytest.raises(TypeError, match="not both"):
        AuthAdapter(chain_of(None), environment="test")


def test_options_beside_an_inner_adapter_are_refused() -> None:
    with pytest.raises(TypeError, match="inner adapter"):
        AuthAdapter(chain_of(None), inner=Canned(), max_retries=3)


def test_options_of_the_plain_adapter_are_taken() -> None:
    adapter = AuthAdapter(chain_of(None), pool_maxsize=3, max_retries=2)
    assert adapter.max_retries.total == 2


def test_a_misspelt_option_is_refused() -> None:
    with pytest.raises(TypeError, match="max_retry"):
        AuthAdapter(chain_of(None), max_retry=2)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_url_that_is_not_http_is_passed_on_unchanged(url: str) -> None:
    inner = Canned()
    session = requests.Session()
    session.mount(url[:5], AuthAdapter(chain_of(BEARER), inner=inner))
    session.get(url)
    assert "Authorization" not in inner.sent[0].headers


class Rawless(Canned):
    """An adapter whose responses have no ``raw``, as those of some fakes."""

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        response = super().send(request, **options)
        del response.raw
        return response


@pytest.mark.parametrize("credential", [BearerToken("s3cret"), CondaToken("s3cret")], ids=repr)
@pytest.mark.parametrize("status", [200, 301, 401, 404])
def test_response_of_a_fake_adapter_without_raw_is_returned(
    credential: authshim.Credential, status: int, no_secret: Callable
) -> None:
    location = credential.wire_url(f"http://{LOOPBACK}/y")
    adapter = AuthAdapter(
        chain_of(credential), inner=Rawless(status, headers={"Location": location})
    )
    request = requests.Request("GET", f"http://{LOOPBACK}/x").prepare()
    response = adapter.send(request)
    assert (response.status_code, response.request) == (status, request)
    no_secret(response)


def test_refusal_of_a_fake_adapter_without_raw_is_retried() -> None:
    adapter = AuthAdapter(
        chain_of(Renewing(BearerToken("old"), BearerToken("new"))), inner=Rawless(401, 200)
    )
    response = adapter.send(requests.Request("GET", f"http://{LOOPBACK}/x").prepare())
    assert response.status_code == 200

"""The authorization code grant: what the browser is sent with, and what it has to bring back."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from leaks import assert_no_secret
from oauth.authorization_server import ACCESS, CODE, jwt, refuses, says

from authshim.errors import LoginError
from authshim.oauth.authorization_code import CodeFlow, NoBrowser
from authshim.oauth.client import Client, Refused
from authshim.oauth.discovery import discover

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauth.authorization_server import AuthorizationServer, User

SCOPE = "openid offline_access"


@pytest.fixture
def run(authorization_server: AuthorizationServer, user: User) -> Callable[..., dict[str, Any]]:
    """Run the flow and return what the token endpoint gave."""

    def run(scope: str = SCOPE, **options: Any) -> dict[str, Any]:
        server = discover(authorization_server.issuer, {})
        flow = CodeFlow(server, Client("rattler"), user, **{"environ": {}, **options})
        try:
            return dict(flow.run(scope).given)
        finally:
            user.join()

    return run


def test_browser_is_sent_with_challenge_state_and_nonce(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    assert run()["access_token"] == ACCESS
    (url,) = user.pages
    assert url.startswith(f"{authorization_server.issuer}/auth?")
    query = user.query_of(url)
    for name in ("state", "nonce", "code_challenge"):
        assert re.fullmatch(r"[\w-]{43}", query.pop(name))
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", query.pop("redirect_uri"))
    assert query == {
        "response_type": "code",
        "client_id": "rattler",
        "scope": SCOPE,
        "code_challenge_method": "S256",
        "prompt": "consent",
    }


def test_no_consent_is_asked_for_without_offline_access(run: Callable, user: User) -> None:
    run("openid")
    assert "prompt" not in user.query_of(user.pages[0])


def test_query_of_the_endpoint_is_kept(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    endpoint = f"{authorization_server.issuer}/auth?policy=a"
    authorization_server.document["authorization_endpoint"] = endpoint
    run()
    assert user.pages[0].startswith(f"{endpoint}&response_type=code&")


def test_code_is_exchanged_with_its_verifier(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    run()
    (form,) = authorization_server.asked("/token")
    query = user.query_of(user.pages[0])
    verifier = form.pop("code_verifier")
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()
    assert digest.rstrip("=") == query["code_challenge"]
    assert re.fullmatch(r"[\w-]{64}", verifier)
    assert form == {
        "client_id": "rattler",
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": query["redirect_uri"],
    }


def test_every_login_has_random_values_of_its_own(run: Callable, user: User) -> None:
    run()
    run()
    first, second = (user.query_of(url) for url in user.pages)
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_user_sees_that_the_page_can_be_closed(run: Callable, user: User) -> None:
    run()
    ((status, page),) = user.answered
    assert status == 200
    assert "You can close this" in page


def test_redirect_uri_of_the_user_is_named_twice(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    from servers import Recorder

    free = Recorder()
    free.stop()
    uri = f"http://localhost:{free.port}/auth/oidc"
    user.browser = lambda url: user.come_back(url.replace("localhost", "127.0.0.1"))
    run(redirect_uri=uri)
    assert user.query_of(user.pages[0])["redirect_uri"] == uri
    assert authorization_server.asked("/token")[0]["redirect_uri"] == uri


def test_denied_login_asks_for_no_token(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    user.answers = {"error": "access_denied", "error_description": "s3cret"}
    with pytest.raises(LoginError, match="was denied in the browser; nothing is stored") as caught:
        run()
    assert_no_secret(str(caught.value))
    assert authorization_server.asked("/token") == []


@pytest.mark.parametrize(
    ("error", "shown"),
    [("invalid_scope", " (invalid_scope)"), ("s3cret", ""), ("", "")],
)
def test_other_error_is_shown_if_it_is_known(
    error: str, shown: str, run: Callable, user: User
) -> None:
    user.answers = {"error": error}
    with pytest.raises(LoginError) as caught:
        run()
    assert str(caught.value) == f"the browser came back without a login{shown}; nothing is stored"


@pytest.mark.parametrize("state", ["", "other", "ü"])
def test_redirect_with_another_state_is_refused(
    state: str, run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    user.answers["state"] = state or "%"
    with pytest.raises(LoginError, match="the browser came back from another login"):
        run()
    assert authorization_server.asked("/token") == []


def test_redirect_from_another_issuer_is_refused(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    user.answers["iss"] = "https://other.example"
    with pytest.raises(LoginError, match="the browser came back from another issuer"):
        run()
    assert authorization_server.asked("/token") == []


def test_redirect_from_the_issuer_is_taken(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    user.answers["iss"] = authorization_server.issuer
    assert run()["access_token"] == ACCESS


def test_login_that_is_not_ended_in_time_is_an_error(run: Callable, user: User) -> None:
    user.browser = lambda _: True
    with pytest.raises(LoginError, match="the browser did not come back in time"):
        run(seconds=0.2)


def test_slow_user_is_waited_for(
    run: Callable, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []

    def come_back_at_the_second_tick(seconds: float) -> None:
        user.left.append(seconds)
        if len(user.left) == 2:
            user.come_back(urls[0])

    user.browser = lambda url: urls.append(url) or True
    monkeypatch.setattr(user, "tick", come_back_at_the_second_tick)
    assert run()["access_token"] == ACCESS
    assert len(user.left) >= 2


def test_no_token_is_asked_for_if_no_browser_can_be_started(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    user.browser = lambda _: False
    with pytest.raises(NoBrowser):
        run()
    assert authorization_server.asked("/token") == []


def test_listener_is_closed_in_the_end(run: Callable, user: User) -> None:
    urls: list[str] = []
    user.browser = urls.append
    with pytest.raises(NoBrowser):
        run()
    query = user.query_of(urls[0])
    with pytest.raises(OSError, match="refused"):
        user._get(f"{query['redirect_uri']}?{urlencode({'state': query['state']})}")


def test_refused_code_is_an_error(
    run: Callable, authorization_server: AuthorizationServer, user: User
) -> None:
    authorization_server.recorder.on("/token", refuses("invalid_grant"))
    with pytest.raises(Refused, match=r"answered HTTP 400 \(invalid_grant\)") as caught:
        run()
    assert_no_secret(str(caught.value))


@pytest.mark.parametrize("nonce", ["other", None])
def test_id_token_with_another_nonce_is_refused(
    nonce: str | None, run: Callable, authorization_server: AuthorizationServer
) -> None:
    authorization_server.tokens["id_token"] = jwt(sub="ada", nonce=nonce)
    with pytest.raises(LoginError, match="the ID token belongs to another login"):
        run()


def test_id_token_that_cannot_be_read_is_refused(
    run: Callable, authorization_server: AuthorizationServer
) -> None:
    authorization_server.tokens["id_token"] = "s3cret"
    with pytest.raises(LoginError, match="the ID token belongs to another login"):
        run()


def test_id_token_with_our_nonce_is_taken(
    run: Callable, authorization_server: AuthorizationServer
) -> None:
    def give(seen: Any) -> Any:
        tokens = {"access_token": "t", "id_token": jwt(nonce=authorization_server.nonce)}
        return says(tokens)

    authorization_server.recorder.on("/token", give)
    assert run()["access_token"] == "t"


def test_server_without_an_authorization_endpoint_names_the_other_flow(
    run: Callable, authorization_server: AuthorizationServer
) -> None:
    del authorization_server.document["authorization_endpoint"]
    with pytest.raises(LoginError, match="has no login in a browser: use --oauth-flow device-code"):
        run()

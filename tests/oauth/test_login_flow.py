"""A whole login: its flow, the login to store, and what is shown of a failure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from leaks import assert_no_secret
from oauth.authorization_server import ACCESS, REFRESH, jwt, refuses, says
from servers import Answer

from authshim.errors import LoginError, SettingsError
from authshim.oauth.client import Client
from authshim.oauth.interaction import AUTH_CODE, AUTO, DEVICE_CODE
from authshim.oauth.login_flow import LoginFlow

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauth.authorization_server import AuthorizationServer, User

    from authshim.oauth.login_flow import Login


@pytest.fixture
def log_in(
    authorization_server: AuthorizationServer, user: User, quick_polls: None
) -> Callable[..., Login]:
    def log_in(client: Client | None = None, **options: Any) -> Login:
        client = client or Client("rattler")
        flow = LoginFlow(authorization_server.issuer, client, user, **{"environ": {}, **options})
        return flow.run()

    return log_in


def test_login_has_the_fields_that_rattler_stores(
    log_in: Callable[..., Login], authorization_server: AuthorizationServer
) -> None:
    began = time.time()
    entry = log_in().credential.to_json()["OAuth"]
    expires_at = entry.pop("expires_at")
    assert isinstance(expires_at, int)
    assert began + 3599 <= expires_at <= time.time() + 3600
    assert entry == {
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "token_endpoint": f"{authorization_server.issuer}/token",
        "revocation_endpoint": f"{authorization_server.issuer}/revoke",
        "client_id": "rattler",
    }


@pytest.mark.parametrize("flow", [DEVICE_CODE, AUTH_CODE])
def test_login_holds_no_client_secret(
    flow: str, log_in: Callable[..., Login], authorization_server: AuthorizationServer
) -> None:
    credential = log_in(Client("me", "s3cret-client"), flow=flow).credential
    assert "s3cret-client" not in str(credential.to_json())
    header = authorization_server.recorder.seen[-1].authorization
    assert header is not None
    assert header.startswith("Basic ")


def test_device_code_is_the_default(log_in: Callable[..., Login], user: User) -> None:
    log_in()
    assert (len(user.codes), user.pages) == (1, [])


@pytest.mark.parametrize("flow", [AUTH_CODE, AUTO])
def test_browser_is_used_if_it_can_be_started(
    flow: str, log_in: Callable[..., Login], user: User
) -> None:
    log_in(flow=flow)
    assert (len(user.codes), len(user.pages)) == (0, 1)


def test_auto_takes_the_device_code_without_a_browser(
    log_in: Callable[..., Login], user: User
) -> None:
    user.browser = lambda _: False
    assert log_in(flow=AUTO).credential.access_token == ACCESS
    assert len(user.codes) == 1


def test_auto_does_not_go_on_after_a_denial(log_in: Callable[..., Login], user: User) -> None:
    user.answers = {"error": "access_denied"}
    with pytest.raises(LoginError, match="was denied"):
        log_in(flow=AUTO)
    assert user.codes == []


def test_auth_code_without_a_browser_names_the_other_flow(
    log_in: Callable[..., Login], user: User
) -> None:
    user.browser = lambda _: False
    with pytest.raises(LoginError, match="no browser starts: use --oauth-flow device-code"):
        log_in(flow=AUTH_CODE)


@pytest.mark.parametrize("flow", [DEVICE_CODE, AUTH_CODE])
def test_scopes_are_those_that_are_asked_for(
    flow: str, log_in: Callable[..., Login], authorization_server: AuthorizationServer, user: User
) -> None:
    log_in(flow=flow, scopes=["a", "b:c"])
    (form,) = authorization_server.asked("/device") or [user.query_of(user.pages[0])]
    assert form["scope"] == "a b:c"


def test_login_tells_the_name_of_its_user(
    log_in: Callable[..., Login], authorization_server: AuthorizationServer
) -> None:
    assert log_in().name == ""
    authorization_server.tokens["id_token"] = jwt(email="ada@h.example")
    assert log_in().name == "ada@h.example"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "answered without a token"),
        ({"access_token": None}, "answered without a token"),
        ({"access_token": "s3cret\n"}, "answered without a token"),
        ({"access_token": "s3cret", "token_type": "mac"}, "gives tokens of another kind"),
    ],
)
def test_answer_that_cannot_be_stored_is_an_error(
    given: object,
    reason: str,
    log_in: Callable[..., Login],
    authorization_server: AuthorizationServer,
) -> None:
    authorization_server.recorder.on("/token", says(given))
    with pytest.raises(LoginError, match=f"{reason}.*; nothing is stored") as caught:
        log_in()
    assert_no_secret(str(caught.value))
    assert len(authorization_server.asked("/token")) == 1


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("invalid_client", "correct --oauth-client-id and --oauth-client-secret"),
        ("unauthorized_client", "use another --oauth-flow or --oauth-client-id"),
        ("invalid_scope", "correct --oauth-scope"),
    ],
)
def test_refusal_names_the_option_to_correct(
    code: str,
    step: str,
    log_in: Callable[..., Login],
    authorization_server: AuthorizationServer,
) -> None:
    authorization_server.recorder.on("/device", refuses(code))
    with pytest.raises(LoginError) as caught:
        log_in()
    url = authorization_server.issuer
    assert str(caught.value) == (
        f"{url}/device answered HTTP 400 ({code}); nothing is stored: {step}"
    )


def test_issuer_that_cannot_be_reached_names_the_network_first(user: User) -> None:
    flow = LoginFlow("http://127.0.0.1:1", Client("rattler"), user, environ={})
    step = "check the network, or name the issuer by --oauth-issuer-url"
    with pytest.raises(LoginError, match=step):
        flow.run()


def test_issuer_that_does_not_answer_names_the_option(
    log_in: Callable[..., Login], authorization_server: AuthorizationServer
) -> None:
    authorization_server.recorder.on("/.well-known/openid-configuration", Answer(404))
    with pytest.raises(
        LoginError, match="answered HTTP 404; name the issuer by --oauth-issuer-url"
    ):
        log_in()


def test_issuer_that_is_not_https_is_refused(user: User) -> None:
    with pytest.raises(SettingsError, match="--oauth-issuer-url: it is not an https URL"):
        LoginFlow("http://login.example", Client("rattler"), user)


@pytest.mark.parametrize("flow", [DEVICE_CODE, AUTH_CODE])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interruption_leaves_no_secret_in_its_frames(
    error: type[BaseException],
    flow: str,
    log_in: Callable[..., Login],
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    no_secret: Callable[..., None],
) -> None:
    def interrupt(*_values: Any, **_named: Any) -> Any:
        raise error

    monkeypatch.setattr("authshim.oauth.endpoints.OAuth", interrupt)
    with pytest.raises(error) as caught:
        log_in(Client("me", "s3cret-client"), flow=flow)
    user.join()
    no_secret(caught.value)


@pytest.mark.parametrize("flow", [DEVICE_CODE, AUTH_CODE])
def test_refused_login_shows_no_secret(
    flow: str,
    log_in: Callable[..., Login],
    user: User,
    authorization_server: AuthorizationServer,
    no_secret: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    authorization_server.recorder.on("/token", refuses("invalid_grant"))
    with pytest.raises(LoginError) as caught:
        log_in(Client("me", "s3cret-client"), flow=flow)
    user.join()
    no_secret(caught.value, *capfd.readouterr())

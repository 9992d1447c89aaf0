"""The device authorization grant: what is shown, how often it asks, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leaks import assert_no_secret
from oauth.authorization_server import ACCESS, DEVICE_CODE, PENDING, refuses, says
from servers import Answer

from authshim.errors import LoginError
from authshim.oauth.client import Client, Refused
from authshim.oauth.device_code import MAX_POLL_FAILURES, DeviceFlow
from authshim.oauth.discovery import discover
from authshim.oauth.http import EndpointError

if TYPE_CHECKING:
    from oauth.authorization_server import AuthorizationServer, User


class Clock:
    """A clock that only a sleep moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flow(authorization_server: AuthorizationServer, user: User, clock: Clock) -> DeviceFlow:
    del authorization_server.device["interval"]
    return DeviceFlow(
        discover(authorization_server.issuer, {}),
        Client("rattler"),
        user,
        environ={},
        clock=clock,
        sleep=clock.sleep,
    )


def polls(authorization_server: AuthorizationServer, clock: Clock, *codes: str) -> list[float]:
    """Let the token endpoint refuse so often; return when it was asked, in seconds."""
    times: list[float] = []
    left = list(codes)

    def answer(seen: Any) -> Answer:
        times.append(clock.now - 1000)
        return refuses(left.pop(0)) if left else authorization_server.give_tokens(seen)

    authorization_server.recorder.on("/token", answer)
    return times


def test_flow_asks_for_a_code_with_the_scopes(
    flow: DeviceFlow, authorization_server: AuthorizationServer
) -> None:
    flow.run("openid offline_access")
    assert authorization_server.asked("/device") == [
        {"client_id": "rattler", "scope": "openid offline_access"}
    ]


def test_flow_asks_for_the_tokens_with_the_device_code(
    flow: DeviceFlow, authorization_server: AuthorizationServer
) -> None:
    assert flow.run("openid").given["access_token"] == ACCESS
    assert authorization_server.asked("/token") == [
        {
            "client_id": "rattler",
            "device_code": DEVICE_CODE,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }
    ]


def test_flow_shows_the_url_and_the_code(
    flow: DeviceFlow, authorization_server: AuthorizationServer, user: User
) -> None:
    flow.run("openid")
    url = f"{authorization_server.issuer}/activate"
    assert user.codes == [(url, "ABCD-EFGH", f"{url}?user_code=ABCD-EFGH")]


@pytest.mark.parametrize("complete", [None, "javascript:alert(1)", "http://h.example/x", 1])
def test_flow_shows_no_complete_url_that_cannot_be_used(
    complete: object, flow: DeviceFlow, authorization_server: AuthorizationServer, user: User
) -> None:
    authorization_server.device["verification_uri_complete"] = complete
    flow.run("openid")
    assert user.codes == [(f"{authorization_server.issuer}/activate", "ABCD-EFGH", "")]


def test_flow_polls_every_5_seconds_if_the_server_names_no_interval(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    times = polls(authorization_server, clock, PENDING, PENDING)
    flow.run("openid")
    assert times == [5, 10, 15]


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [(2, 2), ("3", 3), (0, 5), (-1, 5), (0.01, 1), ("soon", 5), (None, 5), (True, 5)],
)
def test_flow_polls_at_the_interval_of_the_server(
    interval: object,
    seconds: float,
    flow: DeviceFlow,
    authorization_server: AuthorizationServer,
    clock: Clock,
) -> None:
    authorization_server.device["interval"] = interval
    times = polls(authorization_server, clock)
    flow.run("openid")
    assert times == [seconds]


def test_slow_down_lengthens_the_interval_for_good(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    times = polls(authorization_server, clock, "slow_down", PENDING, "slow_down")
    flow.run("openid")
    assert times == [5, 15, 25, 40]


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_asked_less_often(
    status: int, flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    busy = Answer(status, b"")
    authorization_server.recorder.on("/token", busy, authorization_server.give_tokens)
    flow.run("openid")
    assert clock.now == 1000 + 5 + 10


def test_denied_login_is_an_error_without_a_further_poll(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    times = polls(authorization_server, clock, PENDING, "access_denied")
    with pytest.raises(LoginError, match="was denied in the browser; nothing is stored"):
        flow.run("openid")
    assert times == [5, 10]


def test_expired_token_ends_the_login(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    times = polls(authorization_server, clock, "expired_token")
    with pytest.raises(LoginError, match="the code has expired before it was confirmed"):
        flow.run("openid")
    assert times == [5]


def test_code_expires_by_our_clock_too(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    authorization_server.device["expires_in"] = 12
    times = polls(authorization_server, clock, *[PENDING] * 9)
    with pytest.raises(LoginError, match="the code has expired"):
        flow.run("openid")
    assert (times, clock.now) == ([5, 10], 1012)


def test_code_expires_after_an_hour_at_the_latest(
    flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    authorization_server.device.update(expires_in=10**9, interval=1000)
    polls(authorization_server, clock, *[PENDING] * 9)
    with pytest.raises(LoginError, match="the code has expired"):
        flow.run("openid")
    assert clock.now == 1000 + 3600


def test_wait_is_counted_down_every_second(
    flow: DeviceFlow, authorization_server: AuthorizationServer, user: User
) -> None:
    authorization_server.device.update(expires_in=60, interval=3)
    flow.run("openid")
    assert user.left == [60, 59, 58]


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "s3cret-device"])
def test_other_refusal_ends_the_login(
    code: str, flow: DeviceFlow, authorization_server: AuthorizationServer, clock: Clock
) -> None:
    times = polls(authorization_server, clock, code)
    with pytest.raises(Refused) as caught:
        flow.run("openid")
    assert_no_secret(str(caught.value))
    assert times == [5]


def unreachable(flow: DeviceFlow, monkeypatch: pytest.MonkeyPatch, failures: int) -> list[int]:
    """Let so many polls fail without an answer; return a list with one number for each poll."""
    from authshim.oauth import device_code

    asked: list[int] = []
    ask = device_code.ask_for_tokens

    def fail(*values: Any) -> Any:
        asked.append(len(asked))
        if len(asked) <= failures:
            raise EndpointError("https://login.example/token", "did not answer in time")
        return ask(*values)

    monkeypatch.setattr(device_code, "ask_for_tokens", fail)
    return asked


def test_unreachable_server_is_asked_half_as_often_each_time(
    flow: DeviceFlow, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(flow, monkeypatch, 2)
    assert flow.run("openid").given["access_token"] == ACCESS
    assert clock.now == 1000 + 5 + 10 + 20


def test_server_that_stays_unreachable_ends_the_login(
    flow: DeviceFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unreachable(flow, monkeypatch, 99)
    with pytest.raises(EndpointError, match="did not answer in time"):
        flow.run("openid")
    assert len(asked) == MAX_POLL_FAILURES + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device_code", None),
        ("device_code", ["s3cret"]),
        ("user_code", ""),
        ("verification_uri", "http://login.example/"),
        ("verification_uri", None),
        ("expires_in", None),
        ("expires_in", 0),
    ],
)
def test_answer_without_a_required_field_is_an_error(
    name: str, value: object, flow: DeviceFlow, authorization_server: AuthorizationServer
) -> None:
    authorization_server.device[name] = value
    with pytest.raises(EndpointError, match="answered without a device code that can be used"):
        flow.run("openid")


def test_refused_device_request_is_an_error(
    flow: DeviceFlow, authorization_server: AuthorizationServer
) -> None:
    authorization_server.recorder.on("/device", refuses("invalid_scope"))
    with pytest.raises(Refused, match=r"answered HTTP 400 \(invalid_scope\)"):
        flow.run("openid")


def test_server_without_a_device_endpoint_names_the_other_flow(
    authorization_server: AuthorizationServer, user: User
) -> None:
    del authorization_server.document["device_authorization_endpoint"]
    flow = DeviceFlow(discover(authorization_server.issuer, {}), Client("rattler"), user)
    with pytest.raises(LoginError, match="has no device code: use --oauth-flow auth-code"):
        flow.run("openid")


def test_token_without_a_refresh_token_is_returned_as_it_is(
    flow: DeviceFlow, authorization_server: AuthorizationServer
) -> None:
    authorization_server.recorder.on("/token", says({"access_token": "t"}))
    assert flow.run("openid").given == {"access_token": "t"}

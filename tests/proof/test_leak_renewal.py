"""An OAuth login that is renewed: its refresh token goes to its token endpoint only."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret, told
from proof.sources import OAUTH
from proof.stage import RENEWED, SECRET, Stage, installed
from servers import CHALLENGE, Answer, Seen, redirect

import authshim
from authshim.errors import StoreError

if TYPE_CHECKING:
    from proof.stage import Witness

NEW = {"access_token": RENEWED, "refresh_token": RENEWED, "expires_in": 3600}


def says(status: int, **body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode())


ENDPOINTS: dict[str, Answer | Callable[[Seen], Answer]] = {
    "renews it": says(200, **NEW),
    "ends it and repeats it": says(400, error="invalid_grant", error_description=SECRET),
    "repeats all that it got": lambda seen: Answer(
        500, seen.body, {"X-Got": seen.body.decode("latin-1")}
    ),
    "answers with what is no token": says(200, access_token=f"{SECRET}\n"),
    "answers with what is no JSON": Answer(200, SECRET.encode()),
    "redirects": redirect("http://b.example/token", 307),
    "redirects with a GET": redirect("http://b.example/token", 302),
}
WHERE = {
    "is silent": lambda stage: f"http://127.0.0.1:{stage.servers.silent.getsockname()[1]}/token",
    "is not there": lambda stage: "http://127.0.0.1:1/token",
    "has a bad certificate": lambda stage: (
        f"https://127.0.0.1:{stage.servers.origin_tls.port}/token"
    ),
    "is behind a proxy that is not there": lambda stage: "https://token.example/token",
    "is not https": lambda stage: "http://token.example/token",
    "is no URL": lambda stage: f"https://ada:{SECRET}@token example/",
}


@pytest.mark.parametrize("when", ["due", "refused", "not stored"])
@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *WHERE])
def test_a_refresh_token_is_seen_by_its_endpoint_alone(
    endpoint: str, when: str, stage: Stage, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    prepare(endpoint, when, stage)
    stage.servers.origin.on(
        "/simple/*", lambda seen: None if told(str(seen.authorization), "-renewed") else CHALLENGE
    )
    chain = authshim.Chain.from_environment()
    for provider in chain._lookup.providers:
        provider.renewer._deadline = 0.05 if endpoint == "is silent" else 30.0
    with witness.watching() as acts, installed(chain) as session:
        response = session.get("http://a.example/simple/x")
        seen = [
            chain,
            chain.explain("http://a.example/simple/x"),
            session,
            response,
            caplog.records,
            acts,
        ]
    assert response.status_code == (200 if endpoint == "renews it" else 401)
    assert_no_secret(*seen, secret=SECRET)
    assert_no_secret(stage.received["elsewhere"], stage.received["elsewhere_tls"], secret=SECRET)
    asked = [text for text in stage.received["origin"] if text.startswith("/token\n")]
    assert all(told(text, SECRET) for text in asked)
    assert bool(asked) is (endpoint in ENDPOINTS)


def prepare(endpoint: str, when: str, stage: Stage) -> None:
    """Plant a login that is to be renewed, and its token endpoint."""
    stage.monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    stage.monkeypatch.setenv("no_proxy", "127.0.0.1")
    if endpoint in ENDPOINTS:
        stage.servers.origin.on("/token", ENDPOINTS[endpoint])
    url = WHERE[endpoint](stage) if endpoint in WHERE else f"{stage.servers.origin.url}/token"
    login = {**OAUTH, "expires_at": None if when == "refused" else 1, "token_endpoint": url}
    stage.keep(a_example={"OAuth": {**login, "revocation_endpoint": None}})
    if when == "not stored":
        stage.monkeypatch.setattr("authshim.providers.auth_file.AuthFile.save", _refuse)


def _refuse(self: object, key: str, credential: authshim.Credential) -> None:
    raise StoreError("auth file", "no space left on device")

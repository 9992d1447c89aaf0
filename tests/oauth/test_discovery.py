"""The document of an issuer: which one is taken, and which endpoints in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oauth.authorization_server import says
from servers import Answer, redirect

from authshim.oauth.discovery import discover, unusable_issuer
from authshim.oauth.http import EndpointError

if TYPE_CHECKING:
    from oauth.authorization_server import AuthorizationServer
    from servers import Authority, Names, Recorder

DOCUMENT = "/.well-known/openid-configuration"


def reason_of(issuer: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(EndpointError) as caught:
        discover(issuer, environ or {})
    return caught.value.reason


def test_discovery_returns_the_endpoints(authorization_server: AuthorizationServer) -> None:
    url = authorization_server.issuer
    server = discover(url, {})
    assert server == (
        *(url, f"{url}/token", f"{url}/auth", f"{url}/device", f"{url}/revoke"),
        True,
    )
    assert [seen.path for seen in authorization_server.recorder.seen] == [DOCUMENT]


def test_discovery_returns_none_for_a_missing_endpoint(recorder: Recorder) -> None:
    document = {"issuer": recorder.url, "token_endpoint": f"{recorder.url}/token"}
    recorder.on(DOCUMENT, says(document))
    assert discover(recorder.url, {})[2:5] == (None, None, None)


def test_discovery_keeps_the_path_of_an_issuer(recorder: Recorder) -> None:
    issuer = f"{recorder.url}/realms/acme"
    recorder.on(f"/realms/acme{DOCUMENT}", says({"issuer": issuer, "token_endpoint": issuer}))
    assert discover(issuer, {}).issuer == issuer


def test_discovery_follows_no_redirect(authorization_server: AuthorizationServer) -> None:
    recorder = authorization_server.recorder
    recorder.on(DOCUMENT, redirect(f"{recorder.url}/elsewhere"))
    assert reason_of(recorder.url) == "answered HTTP 302"
    assert [seen.path for seen in recorder.seen] == [DOCUMENT]


@pytest.mark.parametrize("named", ["https://other.example", None, 1])
def test_discovery_refuses_the_document_of_another_issuer(
    named: object, authorization_server: AuthorizationServer
) -> None:
    authorization_server.document["issuer"] = named
    assert reason_of(authorization_server.issuer) == (
        "names another issuer than the one that was asked"
    )


def test_discovery_names_an_issuer_that_differs_by_its_slash(
    authorization_server: AuthorizationServer,
) -> None:
    url = authorization_server.issuer
    authorization_server.document["issuer"] = f"{url}/"
    assert reason_of(url) == f"names the issuer with another ending: {url}/"


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{", b'{"issuer": 1}'],
)
def test_discovery_refuses_a_body_that_is_no_document(document: bytes, recorder: Recorder) -> None:
    recorder.on(DOCUMENT, Answer(200, document))
    assert "issuer" in reason_of(recorder.url)


def test_discovery_refuses_a_document_without_a_token_endpoint(
    authorization_server: AuthorizationServer,
) -> None:
    del authorization_server.document["token_endpoint"]
    assert reason_of(authorization_server.issuer) == "names no token_endpoint"


@pytest.mark.parametrize(
    "name",
    [
        "token_endpoint",
        "authorization_endpoint",
        "device_authorization_endpoint",
        "revocation_endpoint",
    ],
)
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://login.example/x",
        "https://ada:pw@login.example/x",
        "https://ada@login.example/x",
        "https://login.example/x#y",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://login.example\n/x",
        "/x",
        "",
        7,
        ["https://login.example/x"],
    ],
)
def test_discovery_refuses_an_endpoint_that_is_not_safe(
    name: str, endpoint: object, authorization_server: AuthorizationServer
) -> None:
    authorization_server.document[name] = endpoint
    assert reason_of(authorization_server.issuer) == f"names a {name} that cannot be used"


def test_discovery_over_https_refuses_an_endpoint_on_http(
    tls_recorder: Recorder, authority: Authority
) -> None:
    """A server elsewhere must not send a code to a port of this machine."""
    endpoint = "http://127.0.0.1:9/token"
    tls_recorder.on(DOCUMENT, says({"issuer": tls_recorder.url, "token_endpoint": endpoint}))
    environ = {"REQUESTS_CA_BUNDLE": authority.file}
    assert reason_of(tls_recorder.url, environ) == "names a token_endpoint that cannot be used"


@pytest.mark.parametrize(
    ("methods", "takes_basic"),
    [
        (None, True),
        ([], True),
        (["none"], True),
        (["client_secret_basic", "client_secret_post"], True),
        (["client_secret_post", "none"], False),
        ("client_secret_post", True),
    ],
)
def test_discovery_tells_how_a_secret_is_sent(
    methods: object, takes_basic: bool, authorization_server: AuthorizationServer
) -> None:
    authorization_server.document["token_endpoint_auth_methods_supported"] = methods
    assert discover(authorization_server.issuer, {}).takes_basic is takes_basic


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ("https://login.example", ""),
        ("https://login.example/realms/acme/", ""),
        ("http://127.0.0.1:8000", ""),
        ("http://login.example", "is not an https URL"),
        ("login.example", "is not a URL"),
        ("https://login.example?x=1", "has a query or a fragment"),
        ("https://login.example#x", "has a query or a fragment"),
        ("https://ada@login.example", "has a username"),
    ],
)
def test_issuer_is_an_https_url_without_a_query(issuer: str, reason: str) -> None:
    assert unusable_issuer(issuer) == reason


def test_discovery_asks_no_issuer_that_is_not_https(anywhere: Names) -> None:
    assert reason_of("http://login.example") == "is not an https URL"
    assert anywhere.dialled == []

"""The login of a URL, if it is unknown who named the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from fakes import Fixed, chain_of

import authshim
from authshim.lookup.exchange import Exchange
from authshim.lookup.unnamed import ask_basic
from authshim.urls import DEFAULT, SERVICE

if TYPE_CHECKING:
    from authshim import Credential

URL = "https://h.example/simple/"
ADA = authshim.BasicHTTP("ada", "s3cret")
TOKEN = authshim.BearerToken("s3cret")
OAUTH = authshim.OAuth("s3cret", None, None, "https://h.example/token", None, "rattler")


def find(credential: Credential, service: str = URL, username: str | None = None) -> object:
    chain = authshim.Chain([Fixed({"h.example": credential, "127.0.0.1": credential})])
    return ask_basic(lambda: chain, service, username)


def test_password_is_found_for_its_user() -> None:
    assert find(ADA, username="ada") == ADA


def test_password_is_found_for_any_user() -> None:
    assert find(ADA) == ADA


def test_password_is_not_found_for_another_user() -> None:
    assert find(ADA, username="bob") is None


def test_username_is_read_from_the_service() -> None:
    assert find(ADA, "https://ada@h.example/simple/") == ADA
    assert find(ADA, "https://bob@h.example/simple/") is None


def test_two_usernames_that_differ_find_nothing() -> None:
    assert find(TOKEN, "https://ada@h.example/simple/", "bob") is None


@pytest.mark.parametrize("credential", [TOKEN, OAUTH])
def test_token_is_the_password_of_the_user_asked_for(credential: Credential) -> None:
    assert find(credential, username="ada") == authshim.BasicHTTP("ada", "s3cret")
    assert find(credential, "https://ada@h.example/simple/") == authshim.BasicHTTP("ada", "s3cret")


def test_token_is_the_password_of_token_if_no_user_is_known() -> None:
    assert find(TOKEN) == authshim.BasicHTTP("__token__", "s3cret")


@pytest.mark.parametrize("username", ["ada\nbob", "ada\rbob", "ada\0"])
def test_username_with_a_line_break_or_nul_finds_nothing(username: str) -> None:
    assert find(TOKEN, username=username) is None


@pytest.mark.parametrize(
    "credential", [authshim.CondaToken("s3cret"), authshim.S3Credentials("key", "s3cret")]
)
def test_credential_that_is_no_password_finds_nothing(credential: Credential) -> None:
    assert find(credential) is None


@pytest.mark.parametrize(
    "service",
    [
        "h.example",
        "h.example:443",
        "//h.example/simple/",
        "http://h.example/simple/",
        "ftp://h.example/",
        "poetry-repository-private",
        "https:///simple/",
        "https://h.example\\@evil.example/",
        "https://h.example/simple/\nhost=evil.example",
        "https://h.example/\0",
        "",
    ],
)
def test_service_that_is_no_clear_https_url_finds_nothing(service: str) -> None:
    assert find(ADA, service) is None


@pytest.mark.parametrize("service", ["http://127.0.0.1/simple/", "http://127.0.0.1:8080/simple/"])
def test_http_url_on_loopback_is_answered(service: str) -> None:
    assert find(ADA, service) == ADA


def test_credential_that_a_server_rejected_is_not_found() -> None:
    chain = authshim.Chain([Fixed({"h.example": ADA})])
    exchange = Exchange(chain, "GET", URL)
    assert exchange.begin() == ADA
    assert exchange.receive(401) is None
    assert ask_basic(lambda: chain, URL) is None


@pytest.mark.parametrize("kind", [DEFAULT, SERVICE])
def test_providers_of_a_default_or_a_service_are_not_used(kind: str) -> None:
    everything = Fixed({}, kinds=[kind])
    everything.find = lambda key, username=None: ADA
    assert ask_basic(lambda: chain_of(everything), URL) is None


def test_repr_of_an_answer_shows_no_secret(no_secret: Callable[..., None]) -> None:
    no_secret(repr(find(ADA)), repr(find(TOKEN, username="ada")))

"""The rules of one request, without a client."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from chain_fakes import Keeper, basic, bearer, default, keyring, sent, through

import authshim
from authshim import BasicHTTP, Chain, Index
from authshim.lookup.exchange import Exchange, is_settled, last_sent
from authshim.urls import HOST

if TYPE_CHECKING:
    from authshim.lookup.cached_credential import CachedCredential

URL = "https://h/x"
CHALLENGE = {"WWW-Authenticate": "Basic"}

A, B = Index("https://h/acme/a/simple", "ada"), Index("https://h/acme/b/simple", "bob")
SHARED = "https://h/acme/files/demo.whl"


def two_indexes() -> Chain:
    """Return a chain with two indexes that may both own a URL."""
    held = {A.url: BasicHTTP("ada", "s3cret"), B.url: BasicHTTP("bob", "s3cret")}
    return Chain([keyring(held)], indexes=[A, B])


def renewing() -> Chain:
    """Return a chain that has a new token after a refusal."""

    class Renewing(Keeper):
        def refresh(self) -> None:
            self.held["h"] = bearer("new")

    return Chain([Renewing({"h": bearer("old")}, answers=[HOST])])


def test_exchange_begins_with_the_credential() -> None:
    assert Exchange(Chain([Keeper({"h": bearer()})]), "GET", URL).begin() == bearer()


def test_exchange_begins_with_nothing_if_nothing_is_found() -> None:
    assert Exchange(Chain([]), "GET", URL).begin() is None


def test_exchange_returns_the_renewed_credential_after_a_refusal() -> None:
    exchange = Exchange(renewing(), "GET", URL)
    exchange.begin()
    assert exchange.receive(401) == bearer("new")
    assert not exchange.keeps
    assert exchange.receive(200) is None
    assert exchange.keeps


def test_exchange_keeps_the_refusal_if_the_body_cannot_be_sent_again() -> None:
    exchange = Exchange(renewing(), "PUT", URL, can_resend=lambda: False)
    exchange.begin()
    assert exchange.receive(401) is None
    assert exchange.keeps


def test_exchange_asks_if_the_body_can_be_sent_only_after_a_refusal() -> None:
    def fail() -> bool:
        raise AssertionError

    exchange = Exchange(renewing(), "PUT", URL, can_resend=fail)
    exchange.begin()
    assert exchange.receive(200) is None


def test_exchange_never_sends_the_same_credential_again() -> None:
    exchange = Exchange(Chain([Keeper({"h": bearer()})]), "GET", URL)
    exchange.begin()
    assert exchange.receive(401) is None


def test_exchange_searches_the_other_index_after_a_404() -> None:
    chain = two_indexes()
    exchange = Exchange(chain, "GET", SHARED)
    assert exchange.begin() == basic("ada")
    assert exchange.receive(404) == basic("bob")
    assert exchange.keeps
    assert exchange.receive(200) is None
    assert exchange.keeps
    assert sent(chain.find(SHARED)) == basic("bob")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_exchange_keeps_the_first_404_if_no_index_has_the_file(status: int) -> None:
    exchange = Exchange(two_indexes(), "GET", SHARED)
    exchange.begin()
    exchange.receive(404)
    assert exchange.receive(status) is None
    assert not exchange.keeps


def test_exchange_searches_nothing_for_an_upload() -> None:
    exchange = Exchange(two_indexes(), "PUT", SHARED)
    exchange.begin()
    assert exchange.receive(404) is None


@pytest.mark.parametrize(
    ("location", "still_sent"),
    [("/login", None), ("/x?X-Amz-Signature=0a1b", bearer())],
)
def test_redirect_accepts_a_credential_if_its_target_is_signed(
    location: str, still_sent: object
) -> None:
    chain = Chain([Keeper({"h": bearer()})])
    first = Exchange(chain, "GET", URL)
    first.begin()
    first.receive(302, {"Location": location})
    second = Exchange(chain, "GET", URL)
    second.begin()
    second.receive(401)
    assert sent(chain.find(URL)) == still_sent


def test_redirect_after_a_refusal_accepts_a_credential() -> None:
    chain = Chain([default(basic())])
    exchange = Exchange(chain, "GET", URL)
    assert exchange.begin() is None
    assert exchange.receive(401, CHALLENGE) == basic()
    exchange.receive(302, {"Location": "/login"})
    assert sent(chain.find(URL)) == basic()


def test_refusal_by_a_server_that_was_only_named_rejects_nothing() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    exchange = Exchange(chain, "GET", URL, named_by=through("https://other.example/", to=URL))
    assert exchange.begin() == bearer()
    assert exchange.receive(401) is None
    assert sent(chain.find(URL)) == bearer()


def test_exchange_lists_the_credentials_that_were_sent() -> None:
    exchange = Exchange(renewing(), "GET", URL)
    exchange.begin()
    exchange.receive(401)
    assert exchange.credentials() == [bearer("old"), bearer("new")]


def tried(chain: Chain, url: str = URL) -> list[CachedCredential]:
    """Return the credential that is sent first, as a client holds it."""
    found = chain.look_up(url)
    return [] if found is None else [found]


def accepted(chain: Chain, url: str = URL) -> Chain:
    """Return the chain after a server has accepted its credential."""
    exchange = Exchange(chain, "GET", url)
    exchange.begin()
    exchange.receive(200)
    return chain


@pytest.mark.parametrize("status", [200, 206, 302, 304, 401, 403, 404, 500])
@pytest.mark.parametrize("held", [{}, {"h": bearer()}])
def test_settled_answer_is_the_last_for_an_exchange(held: dict[str, object], status: int) -> None:
    chain = accepted(Chain([Keeper(held)]))
    sent_first = tried(chain)
    assert is_settled(chain, sent_first, status) == (status not in (401, 403, 404))
    exchange = Exchange(chain, "GET", URL, tried=sent_first)
    assert exchange.receive(status) is None
    assert exchange.keeps


def test_answer_is_not_settled_if_its_credential_was_never_accepted() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    assert not is_settled(chain, tried(chain), 200)
    assert is_settled(accepted(chain), tried(chain), 200)


def test_answer_is_not_settled_if_an_index_may_be_chosen() -> None:
    chain = accepted(two_indexes(), SHARED)
    assert not is_settled(chain, tried(chain, SHARED), 200)


def test_answer_is_not_settled_after_a_rejection() -> None:
    chain = accepted(Chain([Keeper({"h": bearer()})]))
    first = tried(chain)
    Exchange(chain, "GET", URL, tried=first).receive(401)
    assert not is_settled(chain, first, 200)


def test_exchange_adds_to_the_list_of_what_was_tried() -> None:
    chain = renewing()
    first = tried(chain)
    exchange = Exchange(chain, "GET", URL, tried=first)
    assert exchange.receive(401) == bearer("new")
    assert [found.credential for found in first] == [bearer("old"), bearer("new")]
    found = last_sent(first)
    assert found is not None
    assert found.credential == bearer("new")


def test_exchange_shows_no_secret(no_secret: object) -> None:
    exchange = Exchange(Chain([Keeper({"h": bearer()})]), "GET", URL)
    exchange.begin()
    no_secret(exchange)  # type: ignore[operator]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(exchange)


def test_found_is_a_tuple_of_three_without_a_way_into_the_cache() -> None:
    found = Chain([Keeper({"h": bearer()})]).find(URL)
    assert found == (bearer(), "keeper", "h")
    assert not hasattr(found, "entry")
    assert not hasattr(found, "accepted")


def test_pickling_a_found_names_what_to_do_in_the_worker() -> None:
    found = authshim.Found(bearer(), "keeper", "h")
    with pytest.raises(TypeError, match=r"not pickled; call chain\.find in the worker"):
        pickle.dumps(found)

"""The credentials for a URL that only a server named, and their place in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chain_fakes import (
    Clock,
    Keeper,
    Rotating,
    accept,
    basic,
    bearer,
    begin,
    default,
    keyring,
    oauth,
    refused,
    sent,
    through,
)

from authshim import Chain
from authshim.lookup.naming import MANIFEST, SERVER
from authshim.project.repositories import Channel, Index

if TYPE_CHECKING:
    from authshim.lookup.naming import NamedBy

ELSEWHERE = through("https://other.example/", to="https://h/x")


def test_marked_url_gets_the_credential_of_its_host() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    assert sent(chain.find("https://h/x", named_by=ELSEWHERE)) == bearer()


def test_url_of_the_manifest_gets_the_credential_of_a_callers_url() -> None:
    chain = Chain([keyring({"https://h/simple": basic()})], indexes=[Index("https://ada@h/simple")])
    assert sent(chain.find("https://h/simple/x/", named_by=MANIFEST)) == basic()


def test_marked_url_gets_no_netrc_default() -> None:
    chain = Chain([default(basic())])
    assert refused(chain, "https://h/x", status=401, challenge="Basic", named_by=ELSEWHERE) is None


def test_marked_url_gets_no_netrc_default_that_was_accepted_before() -> None:
    chain = Chain([default(basic())])
    pending = refused(chain, "https://h/x", status=401, challenge="Basic")
    assert pending is not None
    accept(chain, "https://h/x", pending)
    assert sent(chain.find("https://h/x")) == basic()
    assert chain.find("https://h/x", named_by=ELSEWHERE) is None
    assert refused(chain, "https://h/x", status=401, challenge="Basic", named_by=ELSEWHERE) is None


@pytest.mark.parametrize("index", ["https://ada@h/simple", "https://h/simple"])
def test_marked_url_starts_no_keyring_command(index: str) -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index(index)])
    assert chain.find("https://h/simple/x", named_by=ELSEWHERE) is None
    assert (
        refused(chain, "https://h/simple/x", status=401, challenge="Basic", named_by=ELSEWHERE)
        is None
    )
    assert command.asked == []


def test_marked_url_gets_a_cached_answer_of_the_keyring() -> None:
    chain = Chain([keyring({"https://h/simple": basic()})], indexes=[Index("https://ada@h/simple")])
    chain.find("https://h/simple/")
    assert sent(chain.find("https://h/x", named_by=ELSEWHERE)) == basic()


def test_refusal_of_a_marked_url_starts_no_keyring_command() -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index("https://ada@h/simple")])
    found = begin(chain, "https://h/simple/")
    command.asked.clear()
    assert refused(chain, "https://h/x", status=401, tried=[found], named_by=ELSEWHERE) is None
    assert command.asked == []
    assert begin(chain, "https://h/simple/") is found


def test_marked_url_leaves_the_keyring_to_the_caller() -> None:
    chain = Chain([keyring({"https://h/simple": basic()})], indexes=[Index("https://ada@h/simple")])
    assert chain.find("https://h/x", named_by=ELSEWHERE) is None
    assert refused(chain, "https://h/x", status=401, named_by=ELSEWHERE) is None
    assert sent(chain.find("https://h/simple/")) == basic()


def test_miss_of_a_marked_url_asks_no_provider_twice() -> None:
    keeper = Keeper()
    chain = Chain([keeper], indexes=[Index("https://ada@h/simple")])
    chain.find("https://h/x", named_by=ELSEWHERE)
    keeper.asked.clear()
    chain.find("https://h/x", named_by=ELSEWHERE)
    assert keeper.asked == []


# Wildcards


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (["https://pub.corp.example/"], bearer()),
        (["https://pypi.example/"], None),
        (["https://pypi.example/", "https://pub.corp.example/"], None),
    ],
    ids=["covered", "not covered", "not all covered"],
)
def test_wildcard_answers_only_for_servers_that_it_covers(way: list[str], expected: object) -> None:
    chain = Chain([Keeper({"*.corp.example": bearer()})])
    url = "https://old.corp.example/x"
    named = through(*way, to=url)
    assert sent(chain.find(url, named_by=named)) == expected
    assert sent(chain.find(url)) == bearer()
    assert sent(chain.find(url, named_by=named)) == expected


def test_wider_wildcard_answers_if_the_nearer_one_does_not_cover_all() -> None:
    chain = Chain([Keeper({"*.b.corp.example": bearer("near"), "*.corp.example": bearer("wide")})])
    url = "https://a.b.corp.example/"
    assert sent(chain.find(url, named_by=through("https://pub.corp.example/", to=url))) == bearer(
        "wide"
    )
    assert sent(chain.find(url)) == bearer("near")


# Plain http


def test_marked_plain_http_url_gets_nothing_and_warns_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chain = Chain([Keeper({"h": bearer()})])
    for path in ("x", "y"):
        url = f"http://h/{path}"
        named = through("https://other.example/", to=url)
        assert chain.find(url, named_by=named) is None
        assert refused(chain, url, status=401, challenge="Basic", named_by=named) is None
    assert caplog.messages == ["the credential for h is not sent: other.example named it over http"]


def test_marked_plain_http_url_without_a_credential_logs_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = "http://h/"
    assert Chain([Keeper()]).find(url, named_by=through("https://other.example/", to=url)) is None
    assert caplog.messages == []


def test_password_of_a_servers_url_is_not_sent_over_plain_http(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = "http://ada:s3cret@h/"
    assert Chain([]).find(url, named_by=through("https://other.example/", to=url)) is None
    assert caplog.messages == ["the credential for h is not sent: other.example named it over http"]


@pytest.mark.parametrize(
    ("way", "url"),
    [
        (["http://h/", "https://other.example/"], "http://h/x"),
        (["https://other.example/"], "http://declared/simple/x"),
        (["http://127.0.0.1/"], "http://localhost:8080/"),
    ],
    ids=["begun there", "in the manifest", "loopback"],
)
def test_marked_plain_http_url_gets_its_credential_for_a_reason(way: list[str], url: str) -> None:
    held = {host: bearer() for host in ("h", "declared", "localhost")}
    chain = Chain([Keeper(held)], indexes=[Index("http://declared/simple")])
    assert sent(chain.find(url, named_by=through(*way, to=url))) == bearer()


def test_plain_http_url_of_an_unknown_server_gets_nothing() -> None:
    assert (
        Chain([Keeper({"localhost": bearer()})]).find("http://localhost/", named_by=SERVER) is None
    )


@pytest.mark.parametrize(
    ("url", "way", "expected"),
    [
        ("http://h/x", ["https://other.example/"], "not sent: other.example named it over http"),
        ("https://h/x", ["https://other.example/"], ""),
        ("http://h/x?sig=1&sv=1", ["https://other.example/"], ""),
        ("nothing", ["https://other.example/"], ""),
    ],
)
def test_chain_returns_the_reason_of_a_withheld_credential(
    url: str, way: list[str], expected: str
) -> None:
    assert Chain([]).withheld(url, named_by=through(*way, to=url)) == expected


# A refusal rejects nothing


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_a_marked_url_rejects_nothing(status: int) -> None:
    chain = Chain([Keeper({"h": bearer()})])
    for _ in range(3):
        found = begin(chain, "https://h/trap", named_by=ELSEWHERE)
        assert found is not None
        assert (
            refused(chain, "https://h/trap", status=status, tried=[found], named_by=ELSEWHERE)
            is None
        )
    assert sent(chain.find("https://h/a")) == bearer()


def test_refusal_of_a_marked_url_leaves_the_renewal_to_the_caller() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    mine = begin(chain, "https://h/a")
    assert mine is not None
    accept(chain, "https://h/a", mine)
    found = begin(chain, "https://h/trap", named_by=ELSEWHERE)
    assert found is not None
    refused(chain, "https://h/trap", status=401, tried=[found], named_by=ELSEWHERE)
    keeper.held["h"] = bearer("new")
    assert sent(refused(chain, "https://h/a", status=401, tried=[mine])) == bearer("new")


def test_marked_url_gets_the_new_answer_of_a_provider() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    found = begin(chain, "https://h/x", named_by=ELSEWHERE)
    assert found is not None
    keeper.held["h"] = bearer("new")
    assert sent(
        refused(chain, "https://h/x", status=401, tried=[found], named_by=ELSEWHERE)
    ) == bearer("new")
    assert sent(chain.find("https://h/x", named_by=ELSEWHERE)) == bearer("new")


def test_refusals_of_marked_urls_ask_providers_once_in_five_minutes() -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper], clock=clock)
    found = begin(chain, "https://h/x", named_by=ELSEWHERE)
    assert found is not None
    for expected in (1, 1, 2):
        refused(chain, "https://h/x", status=401, tried=[found], named_by=ELSEWHERE)
        assert keeper.refreshed == expected
        clock.now += 200


def test_second_refusal_of_a_marked_url_is_final() -> None:
    chain = Chain([Rotating()])
    first = begin(chain, "https://h/x", named_by=ELSEWHERE)
    assert first is not None
    second = refused(chain, "https://h/x", status=401, tried=[first], named_by=ELSEWHERE)
    assert second is not None
    assert (
        refused(chain, "https://h/x", status=401, tried=[first, second], named_by=ELSEWHERE) is None
    )


def test_refusal_of_a_marked_url_renews_no_oauth_login() -> None:
    login = oauth("s3cret")
    keeper = Keeper({"h": login})
    chain = Chain([keeper])
    found = begin(chain, "https://h/x", named_by=ELSEWHERE)
    assert found is not None
    refused(chain, "https://h/x", status=401, tried=[found], named_by=ELSEWHERE)
    assert not any(provider.renewer._refused for provider in chain._lookup.providers)


def several() -> Chain:
    indexes = [Index("https://a:s3cret@h/x/one/simple"), Index("https://b:s3cret@h/x/two/simple")]
    return Chain([Keeper()], indexes=indexes)


def test_marked_url_is_tried_with_the_logins_of_all_its_indexes() -> None:
    chain = several()
    url = "https://h/x/files/y"
    first = begin(chain, url, named_by=ELSEWHERE)
    assert first is not None
    second = refused(chain, url, status=403, tried=[first], named_by=ELSEWHERE)
    assert sent(second) == basic("b")
    assert second is not None
    assert refused(chain, url, status=403, tried=[first, second], named_by=ELSEWHERE) is None
    # Neither index was rejected, so the caller's request tries both again.
    again = begin(chain, url)
    assert again is not None
    assert sent(refused(chain, url, status=403, tried=[again])) == basic("b")


def test_marked_url_is_tried_with_another_index_after_a_404() -> None:
    chain = several()
    url = "https://h/x/files/y"
    first = begin(chain, url, named_by=ELSEWHERE)
    assert first is not None
    assert sent(refused(chain, url, status=404, tried=[first], named_by=ELSEWHERE)) == basic("b")


# The https twin of a declared http index


def test_declared_http_index_covers_its_https_twin() -> None:
    chain = Chain([keyring({"http://h/simple": basic()})], indexes=[Index("http://ada@h/simple")])
    assert sent(chain.find("https://h/simple/x/")) == basic()


def test_declared_http_channel_has_no_https_twin() -> None:
    chain = Chain(
        [keyring({"http://h/acme": basic()})], channels=[Channel("http://ada:s3cret@h/acme")]
    )
    assert chain.find("https://h/acme/noarch/repodata.json") is None


@pytest.mark.parametrize(
    ("indexes", "url"),
    [
        (["http://ada:s3cret@h:8080/simple"], "https://h/simple/"),
        (["http://ada:s3cret@h/simple"], "https://h:8443/simple/"),
        (["http://ada:s3cret@h/simple", "https://h/other"], "https://h/simple/"),
        (["https://ada:s3cret@h/simple"], "http://h/simple/"),
    ],
    ids=["another port", "to another port", "something is declared there", "https to http"],
)
def test_index_on_another_port_or_scheme_has_no_twin(indexes: list[str], url: str) -> None:
    assert Chain([], indexes=[Index(each) for each in indexes]).find(url) is None


# explain


def outcome(chain: Chain, url: str, named: NamedBy) -> str:
    return chain.explain(url, named_by=named).outcome


def test_explain_names_the_server_that_named_a_plain_http_url() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    url = "http://h/x"
    trace = chain.explain(url, named_by=through("https://other.example/", to=url))
    assert trace.outcome == "not sent: other.example named it over http"
    assert trace.found is None
    assert [step.said for step in trace.steps if step.credential] == ["BearerToken(token=****)"]


def test_explain_lists_the_keys_not_asked_for_a_marked_url() -> None:
    command = keyring({"https://h.corp.example/simple": basic()})
    keeper = Keeper({"*.corp.example": bearer()})
    chain = Chain(
        [keeper, command, default(basic())], indexes=[Index("https://ada@h.corp.example/simple")]
    )
    url = "https://h.corp.example/simple/x/"
    trace = chain.explain(url, named_by=through("https://other.example/", to=url))
    assert trace.found is None
    not_asked = [
        (step.provider, str(step.key))
        for step in trace.steps
        if step.said.startswith("not asked: other.ex")
    ]
    assert ("keeper", "*.h.corp.example") in not_asked
    assert ("keyring command", "https://h.corp.example/simple") in not_asked
    assert command.asked == []
    assert (
        "named by other.example: no keyring command is started, and no default entry is used"
        in trace.notes
    )


def test_explain_of_a_marked_url_finds_the_credential_of_its_host() -> None:
    found = outcome(Chain([Keeper({"h": bearer()})]), "https://h/x", ELSEWHERE)
    assert found == "would be sent: BearerToken(token=****) from keeper"

"""Which credential is found for a URL: keys, providers, users, kinds, and what is sent only where it belongs."""

from __future__ import annotations

import logging

import pytest
from chain_fakes import (
    STORE,
    Broken,
    Clock,
    Keeper,
    basic,
    bearer,
    begin,
    keyring,
    oauth,
    refused,
    sent,
)

from authshim import BearerToken, Chain, Channel, CondaToken, Credential, Index, S3Credentials
from authshim.urls import HOST, KINDS, PORT

URL = "https://repo.h.example/acme/simple/demo/"


def find(
    url: str, *providers: object, username: str | None = None, **declared: object
) -> Credential | None:
    return sent(Chain(providers, **declared).find(url, username))


# keys


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("repo.h.example/acme/simple", "repo.h.example/acme"),
        ("repo.h.example:443/acme", "repo.h.example/acme"),
        ("repo.h.example/acme", "repo.h.example:443"),
        ("repo.h.example:443", "repo.h.example"),
        ("repo.h.example", "*.repo.h.example"),
        ("*.repo.h.example", "*.h.example"),
        ("*.h.example", "*.example"),
    ],
)
def test_the_nearer_key_wins(near: str, far: str) -> None:
    assert find(URL, Keeper({far: bearer("far"), near: bearer("near")})) == bearer("near")


def test_key_goes_before_provider() -> None:
    first, second = (
        Keeper({"*.h.example": bearer("first")}),
        Keeper({"repo.h.example": bearer("second")}),
    )
    assert find(URL, first, second) == bearer("second")


def test_for_one_key_the_first_provider_wins() -> None:
    assert find(
        URL, Keeper({"repo.h.example": bearer("1")}), Keeper({"repo.h.example": bearer("2")})
    ) == bearer("1")


def test_after_an_answer_nobody_else_is_asked() -> None:
    second = Keeper()
    find("https://h/", Keeper({"h:443": bearer()}), second)
    assert second.asked == []


def test_a_provider_is_asked_for_the_kinds_that_it_answers_only() -> None:
    netrc = Keeper(answers=[PORT, HOST])
    find(URL, netrc)
    assert netrc.asked == ["repo.h.example:443", "repo.h.example"]


def test_a_path_key_serves_its_own_path_only() -> None:
    chain = Chain([Keeper({"h/acme": bearer("acme"), "h": bearer("all")})])
    assert sent(chain.find("https://h/acme/x")) == bearer("acme")
    assert sent(chain.find("https://h/acmes/x")) == bearer("all")


def test_a_path_key_with_a_port_serves_that_port_only() -> None:
    chain = Chain([Keeper({"h:8443/acme": bearer()})])
    assert sent(chain.find("https://h:8443/acme/x")) == bearer()
    assert chain.find("https://h/acme/x") is None


def test_only_providers_that_have_path_keys_are_asked_for_paths() -> None:
    netrc = Keeper(answers=[PORT, HOST])
    find("https://h/acme/x", Keeper({"h/acme": basic("bob")}), netrc, username="ada")
    assert netrc.asked == ["h:443", "h"]


def test_an_ip_address_has_no_wildcards() -> None:
    assert find("https://10.0.0.1/", Keeper({"*.0.0.1": bearer()})) is None


def test_a_lone_star_matches_nothing() -> None:
    assert find(URL, Keeper({"*": bearer()})) is None


def test_hosts_are_looked_up_in_lower_case_and_punycode() -> None:
    assert find("https://BÜCHER.example/", Keeper({"xn--bcher-kva.example": bearer()})) == bearer()


def test_the_keychain_is_asked_for_a_host_once_per_origin() -> None:
    keychain = Keeper(name="keychain")
    indexes = [Index(f"https://h/{name}/simple") for name in "abc"]
    chain = Chain([keychain, Keeper({"h/a": basic("bob"), "h/x": bearer()})], indexes=indexes)
    for path in ("a", "b", "c", "d", "x", "a/y"):
        chain.find(f"https://h/{path}/")
    assert sorted(set(keychain.asked)) == sorted(keychain.asked)


# user:password@


def test_user_and_password_in_the_url_go_before_every_provider() -> None:
    found = Chain([Keeper({"h": bearer()})]).find("https://ada:p%40w@h/")
    assert found is not None
    assert (found.credential, found.provider, found.key) == (basic("ada", "p@w"), "URL", "h")


def test_where_they_stand_in_the_url_nobody_is_asked() -> None:
    keeper = Keeper(answers=KINDS)
    find("https://ada:s3cret@h/simple/x", keeper)
    assert keeper.asked == []


def test_user_and_password_of_the_declared_index_serve_what_it_covers() -> None:
    index = Index("https://ada:s3cret@h/simple")
    found = Chain([Keeper({"h": bearer()})], indexes=[index]).find("https://h/files/x.whl")
    assert found is not None
    assert (found.credential, found.provider) == (basic(), "manifest")


def test_the_declared_password_serves_a_url_with_the_same_user() -> None:
    assert find("https://ada@h/simple/x", indexes=[Index("https://ada:s3cret@h/simple")]) == basic()


def test_the_declared_password_does_not_serve_another_user() -> None:
    assert find("https://bob@h/simple/x", indexes=[Index("https://ada:s3cret@h/simple")]) is None


def test_those_of_the_url_go_before_those_of_the_index() -> None:
    index = Index("https://ada:s3cret@h/simple")
    assert find("https://bob:other@h/simple/x", indexes=[index]) == basic("bob", "other")


def test_an_empty_password_is_sent() -> None:
    assert find("https://ada:@h/", Keeper({"h": bearer()})) == basic("ada", "")


def test_a_password_that_cannot_be_sent_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain([Keeper({"h": bearer("other")})])
    assert sent(chain.find("https://ada:s3cret%0A@h/")) == bearer("other")
    chain.forget()
    chain.find("https://ada:s3cret%0A@h/")
    assert caplog.messages == [
        "the user:password@ of https://h:443 is not used: the password has a control character (a line break, perhaps)"
    ]


# a known username


def test_a_known_user_rules_out_basic_of_another() -> None:
    assert find("https://ada@h/", Keeper({"h": basic("bob")})) is None


def test_what_is_ruled_out_makes_room_for_the_next() -> None:
    assert find(
        "https://ada@h/", Keeper({"h": basic("bob")}), Keeper({"h": basic("ada")})
    ) == basic("ada")


@pytest.mark.parametrize("credential", [bearer(), CondaToken("s3cret"), oauth()])
def test_a_known_user_rules_out_nothing_else(credential: Credential) -> None:
    assert find("https://ada@h/", Keeper({"h": credential})) == credential


def test_without_a_known_user_anybodys_is_taken() -> None:
    assert find("https://h/", Keeper({"h": basic("bob")})) == basic("bob")


def test_the_user_of_the_declared_index_is_known() -> None:
    assert (
        find(
            "https://h/simple/x",
            Keeper({"h": basic("bob")}),
            indexes=[Index("https://ada@h/simple")],
        )
        is None
    )


def test_the_user_that_the_caller_names_is_known() -> None:
    assert find("https://h/", Keeper({"h": basic("bob")}), username="ada") is None


def test_the_provider_is_told_the_user() -> None:
    keeper = Keeper()
    find("https://a%40b@h/", keeper)
    assert set(keeper.users) == {"a@b"}


def test_the_username_is_compared_as_it_is_decoded() -> None:
    assert find("https://a%40b@h/", Keeper({"h": basic("a@b")})) == basic("a@b")


def test_two_users_of_one_host_have_each_their_own() -> None:
    chain = Chain([keyring({"https://h/simple": basic("given")}), Keeper({"h": basic("ada")})])
    assert sent(chain.find("https://ada@h/simple/")) == basic("ada")
    assert sent(chain.find("https://bob@h/simple/")) == basic("given")


# the keyring command


def test_the_keyring_is_asked_last() -> None:
    command = keyring({"https://h/simple": basic()})
    assert find("https://ada@h/simple/x", command, Keeper({"*.h": bearer()})) == bearer()
    assert command.asked == []


def test_without_a_username_the_keyring_is_not_asked() -> None:
    command = keyring()
    find("https://h/simple/x", command, indexes=[Index("https://h/simple")])
    assert command.asked == []


def test_a_username_in_the_declared_index_switches_it_on() -> None:
    command = keyring({"https://h/simple": basic()})
    assert find("https://h/simple/x", command, indexes=[Index("https://ada@h/simple")]) == basic()
    assert command.users == ["ada"]


def test_keyring_is_asked_for_index_slash_form_host_and_origin() -> None:
    command = keyring()
    find("https://h/a/simple/demo/", command, indexes=[Index("https://ada@h/a/simple/")])
    assert command.asked == ["https://h/a/simple/", "https://h/a/simple", "h", "https://h"]


def test_a_port_of_its_own_is_named_to_it() -> None:
    command = keyring()
    find("https://h:8443/simple/", command, indexes=[Index("https://ada@h:8443/simple")])
    assert command.asked == [
        "https://h:8443/simple",
        "https://h:8443/simple/",
        "h:8443",
        "https://h:8443",
    ]


def test_an_undeclared_url_is_cut_after_simple() -> None:
    command = keyring()
    find("https://ada@h/a/simple/demo/?x", command)
    assert command.asked == ["https://h/a/simple", "https://h/a/simple/", "h", "https://h"]


def test_an_undeclared_url_without_simple_is_known_by_its_origin() -> None:
    command = keyring()
    find("https://ada@h:8443/files/x.whl", command)
    assert command.asked == ["https://h:8443/", "https://h:8443", "h:8443"]


def test_its_answer_is_taken_with_the_username_that_it_gives() -> None:
    assert find(
        "https://ada@h/simple/", keyring({"https://h/simple": basic("token-user")})
    ) == basic("token-user")


def test_an_index_is_asked_for_with_the_index_url_for_files_beside_it() -> None:
    command = keyring({"https://h/a/simple": basic()})
    assert (
        find("https://h/packages/x.whl", command, indexes=[Index("https://ada@h/a/simple")])
        == basic()
    )


def test_a_channel_starts_no_keyring() -> None:
    command = keyring()
    find("https://h/c/noarch/repodata.json", command, channels=[Channel("https://ada@h/c")])
    assert command.asked == []


# kinds of credential


def test_a_conda_token_goes_to_a_channel() -> None:
    token = CondaToken("s3cret")
    assert (
        find("https://h/c/noarch/x", Keeper({"h": token}), channels=[Channel("https://h/c")])
        == token
    )


def test_a_conda_token_goes_to_an_undeclared_url() -> None:
    assert find("https://h/x", Keeper({"h": CondaToken("s3cret")})) == CondaToken("s3cret")


def test_a_conda_token_never_goes_into_an_index() -> None:
    assert (
        find(
            "https://h/simple/x",
            Keeper({"h": CondaToken("s3cret")}),
            indexes=[Index("https://h/simple")],
        )
        is None
    )


def test_behind_a_conda_token_that_is_refused_the_chain_goes_on() -> None:
    providers = Keeper({"h": CondaToken("s3cret")}), Keeper({"h": bearer()})
    assert find("https://h/simple/x", *providers, indexes=[Index("https://h/simple")]) == bearer()


def test_beside_an_index_its_channel_has_the_conda_token() -> None:
    chain = Chain(
        [Keeper({"h": CondaToken("s3cret"), "*.h": bearer()})],
        indexes=[Index("https://h/simple")],
        channels=[Channel("https://h/c")],
    )
    assert sent(chain.find("https://h/c/x")) == CondaToken("s3cret")
    assert sent(chain.find("https://h/d/x")) == bearer()


def test_an_expired_oauth_token_is_passed_over() -> None:
    clock = Clock()
    providers = Keeper({"h": oauth(expires_at=clock.now)}), Keeper({"h": bearer()})
    assert sent(Chain(providers, clock=clock).find("https://h/")) == bearer()


def test_an_oauth_token_that_expires_later_is_passed_over_then() -> None:
    clock = Clock()
    token = oauth(expires_at=clock.now + 10)
    chain = Chain([Keeper({"h": token}), Keeper({"*.h": bearer()})], clock=clock)
    assert sent(chain.find("https://h/")) == token
    clock.now += 10
    assert sent(chain.find("https://h/")) == bearer()


def test_an_oauth_token_that_was_renewed_elsewhere_is_found() -> None:
    clock = Clock()
    keychain = Keeper({"h": oauth("old", clock.now + 10)})
    chain = Chain([keychain], clock=clock)
    chain.find("https://h/")
    keychain.held["h"] = oauth("new", clock.now + 100)
    clock.now += 10
    assert sent(chain.find("https://h/")) == oauth("new", clock.now + 90)


def test_s3_keys_end_the_look_up_and_add_nothing() -> None:
    keys = S3Credentials("id", "s3cret")
    found = find("https://h/", Keeper({"h": keys, "*.h": bearer()}))
    assert found == keys
    assert found.header is None
    assert found.wire_url("https://h/") == "https://h/"


# broken providers


def test_behind_a_broken_provider_the_chain_goes_on() -> None:
    assert find("https://h/", Broken(OSError("s3cret")), Keeper({"h": bearer()})) == bearer()


def test_a_broken_provider_is_asked_once_per_look_up() -> None:
    broken = Broken(OSError())
    find(URL, broken)
    assert broken.asked == ["repo.h.example:443"]


def test_something_that_is_no_credential_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Keeper):
        def find(self, key: str, username: str | None = None) -> object:
            return "s3cret"

    assert find("https://h/", Wrong(name="vault"), Keeper({"h": bearer("other")})) == bearer(
        "other"
    )
    assert caplog.messages == ["cannot read vault: its answer is no Credential"]


def test_an_interrupt_is_no_broken_provider() -> None:
    chain = Chain([Broken(KeyboardInterrupt())])
    for _ in range(2):  # and no lock stays behind
        with pytest.raises(KeyboardInterrupt):
            chain.find("https://h/")


# providers of one's own


def test_a_provider_needs_find_only() -> None:
    class Vault:
        def find(self, key: str, username: str | None = None) -> Credential | None:
            return bearer() if key == "h" else None

    chain = Chain([Vault()])
    assert sent(chain.find("https://h/")) == bearer()
    refused(chain, "https://h/", status=401, tried=[begin(chain, "https://h/")])
    chain.forget()
    assert repr(chain) == "Chain(Vault)"


def test_a_chain_without_providers_finds_nothing() -> None:
    assert find("https://h/") is None


# only where it belongs


@pytest.mark.parametrize(
    "url", ["", "x", "/x", "file:///x", "s3://h/x", "https://", "https://h:x/", "https://h\n/"]
)
def test_what_cannot_be_dialled_gets_nothing(url: str) -> None:
    keeper = Keeper({"h": bearer(), "*.h": bearer()})
    assert find(url, keeper) is None
    assert keeper.asked == []


@pytest.mark.parametrize("url", ["https://h\\@evil.example/", "https://evil.example\\@h/"])
def test_a_url_that_two_parsers_read_in_two_ways_gets_nothing(url: str) -> None:
    assert find(url, Keeper({"evil.example": bearer("evil"), "h": bearer("h")})) is None


def test_scheme_and_port_are_looked_up_apart() -> None:
    chain = Chain([Keeper({"h:8443": bearer()})])
    assert sent(chain.find("https://h:8443/")) == bearer()
    assert chain.find("https://h/") is None
    assert chain.find("http://h/") is None


@pytest.mark.parametrize("query", ["X-Amz-Signature=x", "sv=2020&sig=x", "X-Goog-Signature=x"])
def test_nothing_is_added_to_a_presigned_url(query: str) -> None:
    chain = Chain([Keeper({"h": bearer()})])
    assert chain.find(f"https://h/x?{query}") is None
    assert refused(chain, f"https://h/x?{query}", status=401, challenge="Basic") is None
    assert sent(chain.find("https://h/x?a=b")) == bearer()


# plain http


def test_plain_http_is_served_with_one_warning_per_host(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain([Keeper({"h": bearer(), "g": bearer()})])
    for url in ("http://h/", "http://h:8080/", "http://ada@h/", "http://g/", "https://h/"):
        assert sent(chain.find(url)) == bearer()
    assert caplog.messages == [
        "a credential is sent to h in the clear: use https",
        "a credential is sent to g in the clear: use https",
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_needs_no_warning(host: str, caplog: pytest.LogCaptureFixture) -> None:
    assert find(f"http://{host}/", Keeper({host: bearer()})) == bearer()
    assert caplog.messages == []


def test_a_password_in_an_http_url_is_warned_of_too(caplog: pytest.LogCaptureFixture) -> None:
    find("http://ada:s3cret@h/")
    assert caplog.messages == ["a credential is sent to h in the clear: use https"]


def test_s3_keys_are_not_sent_and_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    find("http://h/", Keeper({"h": S3Credentials("id", "s3cret")}))
    assert caplog.messages == []


# what is logged


def test_a_look_up_says_what_it_found(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chain = Chain([Keeper({"h": basic()})])
    for url in ("https://h/t/s3cret/x", "https://h/y", "https://g:8443/"):
        chain.find(url)
    assert caplog.messages == [
        "https://h:443: Found(BasicHTTP(username='ada', password=****), provider='keeper', key='h')",
        "https://g:8443: no credential",
    ]


def test_a_broken_provider_is_noted_once(caplog: pytest.LogCaptureFixture) -> None:
    from authshim import ProviderError

    chain = Chain([Broken(ProviderError("~/.netrc", "line 3: expected a host name"))])
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == ["cannot read ~/.netrc: line 3: expected a host name"]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_missing_provider_is_noted_once_and_softly(caplog: pytest.LogCaptureFixture) -> None:
    from authshim import ProviderMissing

    caplog.set_level(logging.INFO)
    chain = Chain([Broken(ProviderMissing("OS keychain", "there is no D-Bus session"))])
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == ["no OS keychain here: there is no D-Bus session"]
    assert caplog.records[0].levelno == logging.INFO


def test_an_exception_of_a_foreign_class_is_noted_without_its_words(
    caplog: pytest.LogCaptureFixture, no_secret: object
) -> None:
    class DecodeError(Exception):
        pass

    chain = Chain([Broken(DecodeError("s3cret"), name="vault"), Keeper({"h": BearerToken("x")})])
    found = begin(chain, "https://h/")
    assert "cannot read vault: DecodeError" in caplog.messages
    no_secret(found, str(chain.explain("https://h/")))


def test_what_is_wrong_with_an_entry_is_noted_once(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    keeper.problems = ["~/.netrc: line 3: expected a password"]
    chain = Chain([keeper])
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == ["~/.netrc: line 3: expected a password"]


@pytest.mark.parametrize("name", ["path_keys", "version", "refresh"])
def test_whatever_breaks_in_a_provider_costs_a_sentence(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: object) -> None:
        raise OSError("s3cret")

    provider = type("Odd", (Keeper,), {name: fail})({"h": bearer()}, name="odd", answers=STORE)
    chain = Chain([provider])
    found = begin(chain, "https://h/")
    assert sent(found) == bearer()
    refused(chain, "https://h/", status=401, tried=[found])
    chain.forget()
    assert caplog.messages == ["cannot read odd: OSError"]


def test_no_secret_is_logged(no_secret: object) -> None:
    chain = Chain(
        [
            Keeper({"h": CondaToken("s3cret"), "g": bearer()}),
            keyring({"https://i/simple": basic()}),
        ],
        indexes=[Index("https://ada:s3cret@j/simple")],
    )
    urls = [
        "http://h/",
        "https://g/?x=s3cret",
        "https://ada@i/simple/",
        "https://j/",
        "http://ada:s3cret@k/",
    ]
    found = [begin(chain, url) for url in urls]
    assert all(found)
    refused(chain, urls[1], status=401, tried=[found[1]])
    no_secret(chain, *found, *[str(chain.explain(url)) for url in urls])


@pytest.mark.parametrize("userinfo", ["ada:<password>", "${NAME}:s3cret", "ada:%ADA_PASS%"])
def test_placeholder_in_a_declared_url_is_not_sent(
    userinfo: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = Index(f"https://{userinfo}@h.example/simple")
    chain = Chain([], indexes=[index])
    assert chain.find("https://h.example/simple/demo/") is None
    sentence = "the user:password@ of https://h.example:443 is not filled in"
    assert caplog.messages == [sentence]

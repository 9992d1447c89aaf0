"""The credential of a URL: keys, providers, users, kinds, schemes and ports."""

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
def test_nearer_key_wins(near: str, far: str) -> None:
    assert find(URL, Keeper({far: bearer("far"), near: bearer("near")})) == bearer("near")


def test_key_comes_before_provider() -> None:
    first, second = (
        Keeper({"*.h.example": bearer("first")}),
        Keeper({"repo.h.example": bearer("second")}),
    )
    assert find(URL, first, second) == bearer("second")


def test_first_provider_wins_for_one_key() -> None:
    assert find(
        URL, Keeper({"repo.h.example": bearer("1")}), Keeper({"repo.h.example": bearer("2")})
    ) == bearer("1")


def test_no_provider_is_asked_after_an_answer() -> None:
    second = Keeper()
    find("https://h/", Keeper({"h:443": bearer()}), second)
    assert second.asked == []


def test_provider_is_asked_only_for_the_kinds_that_it_answers() -> None:
    netrc = Keeper(answers=[PORT, HOST])
    find(URL, netrc)
    assert netrc.asked == ["repo.h.example:443", "repo.h.example"]


def test_path_key_serves_only_its_own_path() -> None:
    chain = Chain([Keeper({"h/acme": bearer("acme"), "h": bearer("all")})])
    assert sent(chain.find("https://h/acme/x")) == bearer("acme")
    assert sent(chain.find("https://h/acmes/x")) == bearer("all")


def test_path_key_with_a_port_serves_only_that_port() -> None:
    chain = Chain([Keeper({"h:8443/acme": bearer()})])
    assert sent(chain.find("https://h:8443/acme/x")) == bearer()
    assert chain.find("https://h/acme/x") is None


def test_providers_without_path_keys_are_not_asked_for_paths() -> None:
    netrc = Keeper(answers=[PORT, HOST])
    find("https://h/acme/x", Keeper({"h/acme": basic("bob")}), netrc, username="ada")
    assert netrc.asked == ["h:443", "h"]


def test_ip_address_has_no_wildcards() -> None:
    assert find("https://10.0.0.1/", Keeper({"*.0.0.1": bearer()})) is None


def test_lone_star_matches_nothing() -> None:
    assert find(URL, Keeper({"*": bearer()})) is None


def test_hosts_are_looked_up_in_lower_case_and_punycode() -> None:
    assert find("https://BÜCHER.example/", Keeper({"xn--bcher-kva.example": bearer()})) == bearer()


def test_keychain_is_asked_for_a_host_once_per_origin() -> None:
    keychain = Keeper(name="keychain")
    indexes = [Index(f"https://h/{name}/simple") for name in "abc"]
    chain = Chain([keychain, Keeper({"h/a": basic("bob"), "h/x": bearer()})], indexes=indexes)
    for path in ("a", "b", "c", "d", "x", "a/y"):
        chain.find(f"https://h/{path}/")
    assert sorted(set(keychain.asked)) == sorted(keychain.asked)


# user:password@


def test_userinfo_of_the_url_comes_before_every_provider() -> None:
    found = Chain([Keeper({"h": bearer()})]).find("https://ada:p%40w@h/")
    assert found is not None
    assert (found.credential, found.provider, found.key) == (basic("ada", "p@w"), "URL", "h")


def test_no_provider_is_asked_if_the_url_has_a_password() -> None:
    keeper = Keeper(answers=KINDS)
    find("https://ada:s3cret@h/simple/x", keeper)
    assert keeper.asked == []


def test_userinfo_of_a_declared_index_serves_the_urls_it_covers() -> None:
    index = Index("https://ada:s3cret@h/simple")
    found = Chain([Keeper({"h": bearer()})], indexes=[index]).find("https://h/files/x.whl")
    assert found is not None
    assert (found.credential, found.provider) == (basic(), "manifest")


def test_declared_password_serves_a_url_with_the_same_user() -> None:
    assert find("https://ada@h/simple/x", indexes=[Index("https://ada:s3cret@h/simple")]) == basic()


def test_declared_password_does_not_serve_another_user() -> None:
    assert find("https://bob@h/simple/x", indexes=[Index("https://ada:s3cret@h/simple")]) is None


def test_userinfo_of_the_url_comes_before_the_declared_one() -> None:
    index = Index("https://ada:s3cret@h/simple")
    assert find("https://bob:other@h/simple/x", indexes=[index]) == basic("bob", "other")


def test_empty_password_is_sent() -> None:
    assert find("https://ada:@h/", Keeper({"h": bearer()})) == basic("ada", "")


def test_password_that_cannot_be_sent_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain([Keeper({"h": bearer("other")})])
    assert sent(chain.find("https://ada:s3cret%0A@h/")) == bearer("other")
    chain.forget()
    chain.find("https://ada:s3cret%0A@h/")
    assert caplog.messages == [
        (
            "the user:password@ of https://h:443 is not used: "
            "the password has a control character (a line break, perhaps)"
        )
    ]


# a known username


def test_known_user_rules_out_the_basic_login_of_another() -> None:
    assert find("https://ada@h/", Keeper({"h": basic("bob")})) is None


def test_next_provider_is_asked_after_a_login_of_another_user() -> None:
    assert find(
        "https://ada@h/", Keeper({"h": basic("bob")}), Keeper({"h": basic("ada")})
    ) == basic("ada")


@pytest.mark.parametrize("credential", [bearer(), CondaToken("s3cret"), oauth()])
def test_known_user_rules_out_only_basic_logins(credential: Credential) -> None:
    assert find("https://ada@h/", Keeper({"h": credential})) == credential


def test_login_of_any_user_is_taken_if_no_user_is_known() -> None:
    assert find("https://h/", Keeper({"h": basic("bob")})) == basic("bob")


def test_user_of_the_declared_index_is_known() -> None:
    assert (
        find(
            "https://h/simple/x",
            Keeper({"h": basic("bob")}),
            indexes=[Index("https://ada@h/simple")],
        )
        is None
    )


def test_user_that_the_caller_names_is_known() -> None:
    assert find("https://h/", Keeper({"h": basic("bob")}), username="ada") is None


def test_provider_is_asked_with_the_user() -> None:
    keeper = Keeper()
    find("https://a%40b@h/", keeper)
    assert set(keeper.users) == {"a@b"}


def test_username_is_compared_after_decoding() -> None:
    assert find("https://a%40b@h/", Keeper({"h": basic("a@b")})) == basic("a@b")


def test_two_users_of_one_host_have_their_own_credentials() -> None:
    chain = Chain([keyring({"https://h/simple": basic("given")}), Keeper({"h": basic("ada")})])
    assert sent(chain.find("https://ada@h/simple/")) == basic("ada")
    assert sent(chain.find("https://bob@h/simple/")) == basic("given")


# the keyring command


def test_keyring_is_asked_last() -> None:
    command = keyring({"https://h/simple": basic()})
    assert find("https://ada@h/simple/x", command, Keeper({"*.h": bearer()})) == bearer()
    assert command.asked == []


def test_keyring_is_not_asked_without_a_username() -> None:
    command = keyring()
    find("https://h/simple/x", command, indexes=[Index("https://h/simple")])
    assert command.asked == []


def test_username_of_the_declared_index_switches_the_keyring_on() -> None:
    command = keyring({"https://h/simple": basic()})
    assert find("https://h/simple/x", command, indexes=[Index("https://ada@h/simple")]) == basic()
    assert command.users == ["ada"]


def test_keyring_is_asked_for_index_slash_form_host_and_origin() -> None:
    command = keyring()
    find("https://h/a/simple/demo/", command, indexes=[Index("https://ada@h/a/simple/")])
    assert command.asked == ["https://h/a/simple/", "https://h/a/simple", "h", "https://h"]


def test_keyring_is_asked_for_a_host_with_its_port() -> None:
    command = keyring()
    find("https://h:8443/simple/", command, indexes=[Index("https://ada@h:8443/simple")])
    assert command.asked == [
        "https://h:8443/simple",
        "https://h:8443/simple/",
        "h:8443",
        "https://h:8443",
    ]


def test_undeclared_url_is_cut_after_simple() -> None:
    command = keyring()
    find("https://ada@h/a/simple/demo/?x", command)
    assert command.asked == ["https://h/a/simple", "https://h/a/simple/", "h", "https://h"]


def test_undeclared_url_without_simple_is_known_by_its_origin() -> None:
    command = keyring()
    find("https://ada@h:8443/files/x.whl", command)
    assert command.asked == ["https://h:8443/", "https://h:8443", "h:8443"]


def test_answer_of_the_keyring_keeps_its_own_username() -> None:
    assert find(
        "https://ada@h/simple/", keyring({"https://h/simple": basic("token-user")})
    ) == basic("token-user")


def test_keyring_is_asked_for_the_index_if_a_file_is_outside_simple() -> None:
    command = keyring({"https://h/a/simple": basic()})
    assert (
        find("https://h/packages/x.whl", command, indexes=[Index("https://ada@h/a/simple")])
        == basic()
    )


def test_channel_starts_no_keyring() -> None:
    command = keyring()
    find("https://h/c/noarch/repodata.json", command, channels=[Channel("https://ada@h/c")])
    assert command.asked == []


# kinds of credential


def test_conda_token_goes_to_a_channel() -> None:
    token = CondaToken("s3cret")
    assert (
        find("https://h/c/noarch/x", Keeper({"h": token}), channels=[Channel("https://h/c")])
        == token
    )


def test_conda_token_goes_to_an_undeclared_url() -> None:
    assert find("https://h/x", Keeper({"h": CondaToken("s3cret")})) == CondaToken("s3cret")


def test_conda_token_never_goes_into_an_index() -> None:
    assert (
        find(
            "https://h/simple/x",
            Keeper({"h": CondaToken("s3cret")}),
            indexes=[Index("https://h/simple")],
        )
        is None
    )


def test_next_provider_is_asked_after_a_conda_token_for_an_index() -> None:
    providers = Keeper({"h": CondaToken("s3cret")}), Keeper({"h": bearer()})
    assert find("https://h/simple/x", *providers, indexes=[Index("https://h/simple")]) == bearer()


def test_channel_gets_the_conda_token_at_the_origin_of_an_index() -> None:
    chain = Chain(
        [Keeper({"h": CondaToken("s3cret"), "*.h": bearer()})],
        indexes=[Index("https://h/simple")],
        channels=[Channel("https://h/c")],
    )
    assert sent(chain.find("https://h/c/x")) == CondaToken("s3cret")
    assert sent(chain.find("https://h/d/x")) == bearer()


def test_expired_oauth_token_is_passed_over() -> None:
    clock = Clock()
    providers = Keeper({"h": oauth(expires_at=clock.now)}), Keeper({"h": bearer()})
    assert sent(Chain(providers, clock=clock).find("https://h/")) == bearer()


def test_oauth_token_is_passed_over_once_it_expires() -> None:
    clock = Clock()
    token = oauth(expires_at=clock.now + 10)
    chain = Chain([Keeper({"h": token}), Keeper({"*.h": bearer()})], clock=clock)
    assert sent(chain.find("https://h/")) == token
    clock.now += 10
    assert sent(chain.find("https://h/")) == bearer()


def test_oauth_token_that_was_renewed_elsewhere_is_found() -> None:
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


def test_next_provider_is_asked_after_a_broken_one() -> None:
    assert find("https://h/", Broken(OSError("s3cret")), Keeper({"h": bearer()})) == bearer()


def test_broken_provider_is_asked_once_per_look_up() -> None:
    broken = Broken(OSError())
    find(URL, broken)
    assert broken.asked == ["repo.h.example:443"]


def test_object_that_is_no_credential_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Keeper):
        def find(self, key: str, username: str | None = None) -> object:
            return "s3cret"

    assert find("https://h/", Wrong(name="vault"), Keeper({"h": bearer("other")})) == bearer(
        "other"
    )
    assert caplog.messages == ["cannot read vault: its answer is no Credential"]


def test_interrupt_during_a_question_is_raised() -> None:
    chain = Chain([Broken(KeyboardInterrupt())])
    for _ in range(2):  # twice, since a lock may be left held
        with pytest.raises(KeyboardInterrupt):
            chain.find("https://h/")


# custom providers


def test_provider_needs_only_find() -> None:
    class Vault:
        def find(self, key: str, username: str | None = None) -> Credential | None:
            return bearer() if key == "h" else None

    chain = Chain([Vault()])
    assert sent(chain.find("https://h/")) == bearer()
    refused(chain, "https://h/", status=401, tried=[begin(chain, "https://h/")])
    chain.forget()
    assert repr(chain) == "Chain(Vault)"


def test_chain_without_providers_finds_nothing() -> None:
    assert find("https://h/") is None


# URLs that get nothing


@pytest.mark.parametrize(
    "url", ["", "x", "/x", "file:///x", "s3://h/x", "https://", "https://h:x/", "https://h\n/"]
)
def test_url_that_cannot_be_dialled_gets_nothing(url: str) -> None:
    keeper = Keeper({"h": bearer(), "*.h": bearer()})
    assert find(url, keeper) is None
    assert keeper.asked == []


@pytest.mark.parametrize("url", ["https://h\\@evil.example/", "https://evil.example\\@h/"])
def test_url_that_two_parsers_read_differently_gets_nothing(url: str) -> None:
    assert find(url, Keeper({"evil.example": bearer("evil"), "h": bearer("h")})) is None


def test_schemes_and_ports_are_looked_up_separately() -> None:
    chain = Chain([Keeper({"h:8443": bearer()})])
    assert sent(chain.find("https://h:8443/")) == bearer()
    assert chain.find("https://h/") is None
    assert chain.find("http://h/") is None


@pytest.mark.parametrize("query", ["X-Amz-Signature=x", "sv=2020&sig=x", "X-Goog-Signature=x"])
def test_presigned_url_gets_nothing(query: str) -> None:
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


def test_password_in_an_http_url_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    find("http://ada:s3cret@h/")
    assert caplog.messages == ["a credential is sent to h in the clear: use https"]


def test_s3_keys_for_an_http_url_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    find("http://h/", Keeper({"h": S3Credentials("id", "s3cret")}))
    assert caplog.messages == []


# log


def test_look_up_logs_the_credential_it_found(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chain = Chain([Keeper({"h": basic()})])
    for url in ("https://h/t/s3cret/x", "https://h/y", "https://g:8443/"):
        chain.find(url)
    assert caplog.messages == [
        (
            "https://h:443: Found(BasicHTTP(username='ada', password=****), "
            "provider='keeper', key='h')"
        ),
        "https://g:8443: no credential",
    ]


def test_broken_provider_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    from authshim import ProviderError

    chain = Chain([Broken(ProviderError("~/.netrc", "line 3: expected a host name"))])
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == ["cannot read ~/.netrc: line 3: expected a host name"]
    assert caplog.records[0].levelno == logging.WARNING


def test_missing_provider_is_logged_once_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    from authshim import ProviderMissing

    caplog.set_level(logging.DEBUG)
    chain = Chain([Broken(ProviderMissing("OS keychain", "there is no D-Bus session"))])
    for host in "abc":
        chain.find(f"https://{host}/")
    sentence = "no OS keychain here: there is no D-Bus session"
    levels = [each.levelno for each in caplog.records if each.getMessage() == sentence]
    assert levels == [logging.DEBUG]


def test_foreign_exception_is_logged_without_its_text(
    caplog: pytest.LogCaptureFixture, no_secret: object
) -> None:
    class DecodeError(Exception):
        pass

    chain = Chain([Broken(DecodeError("s3cret"), name="vault"), Keeper({"h": BearerToken("x")})])
    found = begin(chain, "https://h/")
    assert "cannot read vault: DecodeError" in caplog.messages
    no_secret(found, str(chain.explain("https://h/")))


def test_problem_of_a_provider_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    keeper.problems = ["~/.netrc: line 3: expected a password"]
    chain = Chain([keeper])
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == ["~/.netrc: line 3: expected a password"]


@pytest.mark.parametrize("name", ["path_keys", "version", "refresh"])
def test_any_error_of_a_provider_is_logged_and_passed_over(
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
    logged = [record.message for record in caplog.records if record.name == "authshim"]
    assert logged == ["cannot read odd: OSError"]


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

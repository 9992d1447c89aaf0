"""The trace of ``explain``."""

from __future__ import annotations

import pytest
from chain_fakes import STORE, Broken, Keeper, basic, bearer, default, keyring, sent

from authshim import (
    Chain,
    Channel,
    CondaToken,
    Credential,
    Index,
    ProviderError,
    S3Credentials,
    UrlError,
)
from authshim.urls import DEFAULT, HOST, PORT, SERVICE

FULL = """
https://h.example/simple/demo/?****
  covered by the index https://h.example/simple/
  for the user 'ada'

  netrc ~/.netrc   h.example:443              nothing
  OS keychain      h.example                  cannot read OS keychain: it is locked: \
unlock it and try again
  netrc ~/.netrc   h.example                  passed over: it is for another user than 'ada'
  keyring command  https://h.example/simple/  nothing
  keyring command  https://h.example/simple   BasicHTTP(username='token', password=****), \
not of the user 'ada'

would be sent: BasicHTTP(username='token', password=****) from keyring command
"""

GIVEN = """
https://****@h/
  the login in the URL comes first, and nothing replaces it

  keeper  h:443  not asked: there is an answer already

would be sent: BasicHTTP(username='ada', password=****) from URL
"""


def test_str_of_a_trace_is_a_table() -> None:
    netrc = Keeper(
        {"h.example": basic("bob")}, name="netrc ~/.netrc", answers=[PORT, HOST, DEFAULT]
    )
    broken = Broken(
        ProviderError("OS keychain", "it is locked: unlock it and try again"), name="OS keychain"
    )
    broken.answers = frozenset({HOST})
    chain = Chain(
        [broken, netrc, keyring({"https://h.example/simple": basic("token", "s3cret")})],
        indexes=[Index("https://ada@h.example/simple/")],
    )
    assert str(chain.explain("https://h.example/simple/demo/?x=s3cret")) == FULL.strip()


def test_trace_of_a_miss_ends_with_the_reason() -> None:
    assert (
        Chain([Keeper()]).explain("https://h.example/").outcome
        == "no credential: no provider has one"
    )


def test_explain_asks_the_providers_after_the_answer() -> None:
    trace = Chain([Keeper({"h": bearer()}, name="1"), Keeper({"h": basic()}, name="2")]).explain(
        "https://h/"
    )
    assert [(step.provider, step.said) for step in trace.steps if step.key == "h"] == [
        ("1", "BearerToken(token=****)"),
        ("2", "BasicHTTP(username='ada', password=****)"),
    ]
    assert sent(trace.found) == bearer()


def test_explain_runs_no_keyring_command_if_there_is_an_answer() -> None:
    command = keyring()
    trace = Chain([Keeper({"h": bearer()}), command]).explain("https://ada@h/simple/")
    assert command.asked == []
    assert trace.steps[-1].said == "not asked: there is an answer already"


def test_explain_names_a_credential_that_needs_a_refusal() -> None:
    trace = Chain([default(basic())]).explain("https://h/")
    assert (
        trace.outcome
        == "would be sent after a refusal: BasicHTTP(username='ada', password=****) from netrc"
    )


def test_explain_mentions_the_password_of_the_url_without_its_value(no_secret: object) -> None:
    trace = Chain([Keeper({"h": bearer()}, answers=STORE)]).explain("https://ada:s3cret@h/")
    assert str(trace) == GIVEN.strip()
    no_secret(str(trace))


def test_explain_shows_no_token_that_is_the_username(no_secret: object) -> None:
    no_secret(str(Chain([]).explain("https://s3cret:@h/")))


def test_explain_says_why_a_conda_token_does_not_go_to_an_index() -> None:
    chain = Chain([Keeper({"h": CondaToken("s3cret")})], indexes=[Index("https://h/simple")])
    said = [step.said for step in chain.explain("https://h/simple/").steps]
    assert "passed over: a conda token goes to channels, not into the path of an index" in said


def test_explain_names_the_channel() -> None:
    trace = Chain([], channels=[Channel("https://h/t/s3cret/c")]).explain(
        "https://h/t/s3cret/c/noarch/x"
    )
    assert trace.notes == ("covered by the channel https://h/t/****/c",)


def test_explain_lists_several_indexes_in_their_order() -> None:
    chain = Chain(
        [keyring()], indexes=[Index("https://ada@h/x/a/simple"), Index("https://bob@h/x/b/simple")]
    )
    assert chain.explain("https://h/x/files/y.whl").notes == (
        "several indexes cover it; after a refusal the next one is tried:",
        "covered by the index https://h/x/a/simple",
        "for the user 'ada'",
        "covered by the index https://h/x/b/simple",
        "for the user 'bob'",
    )


def test_explain_says_why_a_presigned_url_gets_nothing() -> None:
    assert str(Chain([Keeper({"h": bearer()})]).explain("https://h/x?sv=1&sig=s3cret")) == (
        "https://h/x?****\nno credential: the URL carries its own signature, so nothing is added"
    )


def test_explain_of_a_url_that_cannot_be_dialled_is_an_error() -> None:
    with pytest.raises(UrlError):
        Chain([]).explain("h.example")


def test_explain_asks_every_provider_again() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    chain.find("https://h/")
    keeper.held["h"] = bearer("new")
    assert sent(chain.explain("https://h/").found) == bearer("new")
    assert keeper.refreshed == 1


def test_explain_leaves_the_cache_as_it_is() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    chain.find("https://h/")
    keeper.held["h"] = bearer("new")
    chain.explain("https://h/")
    assert sent(chain.find("https://h/")) == bearer("old")


def test_explain_asks_for_the_user_that_is_named() -> None:
    command = keyring()
    Chain([command]).explain("https://h/simple/demo/", "ada")
    assert command.asked == ["https://h/simple", "https://h/simple/", "h", "https://h"]


def test_explain_shows_the_problem_of_a_provider_with_its_miss() -> None:
    class Cloud(Keeper):
        def find(self, key: str, username: str | None = None) -> Credential | None:
            found = super().find(key, username)
            self.problems = [] if found else [f"keyring command: {key} is none of mine"]
            return found

    cloud = Cloud({"h.example": basic("ada", "s3cret")}, name="keyring command", answers=[SERVICE])
    trace = Chain([cloud]).explain("https://ada@h.example/simple/")
    assert [(str(step.key), step.said) for step in trace.steps] == [
        (
            "https://h.example/simple",
            "nothing: keyring command: https://h.example/simple is none of mine",
        ),
        (
            "https://h.example/simple/",
            "nothing: keyring command: https://h.example/simple/ is none of mine",
        ),
        ("h.example", "BasicHTTP(username='ada', password=****)"),
    ]


def test_explain_says_that_s3_keys_are_for_s3_only() -> None:
    trace = Chain([Keeper({"h": S3Credentials("id", "s3cret")})]).explain("https://h/")
    assert str(trace).splitlines()[-1] == (
        "nothing is sent: "
        "S3Credentials(access_key_id=****, secret_access_key=****, session_token=None) "
        "from keeper, which is for s3:// URLs only"
    )

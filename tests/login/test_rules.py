"""The rules of a login, as pixi has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from authshim.credentials import BearerToken
from authshim.errors import AuthshimError, ProviderMissing, SettingsError, StoreError, UrlError
from authshim.login.parser import parse_login_host, parse_logout_host
from authshim.login.rules import (
    BASIC,
    CONDA,
    OAUTH,
    TOKEN,
    kind_of,
    prefix_dev_of,
    store,
    stores_of,
)
from authshim.providers.auth_file import AuthFile
from authshim.providers.netrc_file import NetrcFile

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "prefix.dev": "*.prefix.dev",
    "MyServer.com": "*.myserver.com",
    "repo.prefix.dev": "repo.prefix.dev",
    "*.prefix.dev": "*.prefix.dev",
    "localhost": "localhost",
    "https://prefix.dev/channels/acme": "*.prefix.dev",
    "https://h.example.com:8443/a": "h.example.com",
    "http://ada:s3cret@h.example.com/": "h.example.com",
    "h.example:8443": "h.example:8443",
    "h.example/acme/": "h.example/acme",
    "h.example/": "*.h.example",
    "127.0.0.1": "127.0.0.1",
    "[::1]": "[::1]",
    "::1": "[::1]",
    "[::1]:8080": "[::1]:8080",
    "bücher.example": "*.xn--bcher-kva.example",
    "prefix.dev.": "*.prefix.dev",
    "repo.prefix.dev.": "repo.prefix.dev",
    "*.h.example.": "*.h.example",
    "h.example.:8443": "h.example:8443",
    "h.example./acme": "h.example/acme",
    "https://h.example.com./acme": "h.example.com",
    "127.0.0.1.": "127.0.0.1",
}


@pytest.mark.parametrize(("words", "key"), KEYS.items(), ids=KEYS)
def test_login_host_has_the_key_of_pixi(words: str, key: str) -> None:
    assert parse_login_host(words).key == key


@pytest.mark.parametrize("words", KEYS)
def test_login_host_warns_of_keys_that_pixi_does_not_read(words: str) -> None:
    ours = KEYS[words] in ("h.example:8443", "h.example/acme", "[::1]:8080")
    assert (
        parse_login_host(words).warning.startswith("pixi does not read keys with a port or a path")
        is ours
    )


WRONG = [
    "",
    "*",
    "ada:s3cret@h.example",
    "h example",
    "h.example:port",
    "*.h.example:80",
    "*.h.example/a",
    "h.example/a?b",
    "h.example?b",
    "h.example#b",
    "h.example\\b",
    "h.example..",
    "https:/h.example",
    "https:/h.example/simple",
    "anaconda.org/ada",
]


@pytest.mark.parametrize("words", [*WRONG, "h\n.example", "a/b c", "*.*.h"])
def test_login_host_is_refused_without_showing_it(words: str) -> None:
    with pytest.raises(SettingsError, match="HOST: ") as caught:
        parse_login_host(words)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("words", ["https://", "ftp://h.example", "https://h ost/"])
def test_login_host_refuses_a_malformed_url(words: str) -> None:
    with pytest.raises(UrlError):
        parse_login_host(words)


FORGOTTEN = {
    "prefix.dev": {"prefix.dev", "*.prefix.dev"},
    "repo.prefix.dev": {"repo.prefix.dev", "*.repo.prefix.dev"},
    "*.prefix.dev": {"prefix.dev", "*.prefix.dev"},
    "h.example:80": {"h.example:80", "*.h.example:80"},
    "h.example/a": {"h.example/a", "*.h.example/a"},
    "https://h.example:80/a": {"h.example", "*.h.example", "https://h.example:80/a"},
    "H.Example": {"h.example", "*.h.example", "H.Example", "*.H.Example"},
    "h.example/": {"h.example", "*.h.example", "h.example/", "*.h.example/"},
    "h.example.": {"h.example", "*.h.example", "h.example.", "*.h.example."},
    "s3://my-bucket": {"my-bucket", "*.my-bucket", "s3://my-bucket"},
    "s3://my.bucket/a": {"my.bucket", "*.my.bucket", "s3://my.bucket/a"},
    "*": {"*"},
    "*.h.example:80": {"*.h.example:80"},
    "https://h ost/": {"https://h ost/"},
}


@pytest.mark.parametrize(("words", "keys"), FORGOTTEN.items(), ids=FORGOTTEN)
def test_logout_removes_the_host_its_wildcard_and_the_given_words(
    words: str, keys: set[str]
) -> None:
    removed = parse_logout_host(words).keys
    assert keys <= set(removed)
    assert {key for key in removed if key not in keys} <= {
        f"*.{words}"
    }  # as pixi has it where a name has one dot
    assert len(set(removed)) == len(removed)


@pytest.mark.parametrize("words", KEYS)
def test_logout_removes_the_entry_of_a_login_with_the_same_words(words: str) -> None:
    assert parse_login_host(words).key in parse_logout_host(words).keys


@pytest.mark.parametrize(
    "words", [words for words in KEYS if not words.startswith("https://h.example.com.")]
)
def test_a_key_is_among_those_of_its_url(words: str) -> None:
    target = parse_login_host(words)
    keys = target.lookup_keys(frozenset([target.key] if "/" in target.key else []))
    assert target.key in keys


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("prefix.dev", "https://prefix.dev"),
        ("repo.prefix.dev", "https://prefix.dev"),
        ("beta.prefix.dev", "https://beta.prefix.dev"),
        ("repo.beta.prefix.dev", "https://beta.prefix.dev"),
    ],
)
def test_prefix_dev_of_a_host_is_its_server(host: str, url: str) -> None:
    assert prefix_dev_of(host) == url


@pytest.mark.parametrize(
    ("host", "given", "kind"),
    [
        ("h.example", {"token"}, TOKEN),
        ("h.example", {"username"}, BASIC),
        ("h.example", {"username", "password"}, BASIC),
        ("h.example", {"conda-token"}, CONDA),
        ("prefix.dev", set(), OAUTH),
        ("repo.prefix.dev", set(), OAUTH),
        ("repo.prefix.dev", {"token"}, TOKEN),
        ("anaconda.org", set(), CONDA),
        ("conda.anaconda.org", {"conda-token"}, CONDA),
        ("notprefix.dev", {"username"}, BASIC),
        *[(host, {"oauth"}, OAUTH) for host in ("h.example", "prefix.dev", "anaconda.org")],
    ],
)
def test_kind_of_a_login_follows_its_options_and_host(
    host: str, given: set[str], kind: str
) -> None:
    assert kind_of(host, given) == kind


@pytest.mark.parametrize(
    ("host", "given", "sentence"),
    [
        (
            "h.example",
            {"token", "username", "password"},
            "--token: cannot go together with --username",
        ),
        ("h.example", {"token", "conda-token"}, "--token: cannot go together with --conda-token"),
        (
            "h.example",
            {"username", "conda-token"},
            "--username: cannot go together with --conda-token",
        ),
        ("h.example", {"token", "oauth"}, "--token: cannot go together with --oauth"),
        ("h.example", {"password"}, "--password: goes together with --username"),
        ("h.example", {"password", "token"}, "--password: goes together with --username"),
        (
            "h.example",
            set(),
            "say how: add --username NAME, --token, --conda-token or --oauth",
        ),
        (
            "prefix.dev",
            {"username", "password"},
            "--username: prefix.dev takes --oauth or --token and nothing else",
        ),
        (
            "prefix.dev",
            {"conda-token"},
            "--conda-token: prefix.dev takes --oauth or --token and nothing else",
        ),
        ("anaconda.org", {"token"}, "--token: anaconda.org takes --conda-token and nothing else"),
    ],
)
def test_kind_of_refuses_the_combinations_that_pixi_refuses(
    host: str, given: set[str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        kind_of(host, given)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("https:/h.example", "a URL has two slashes behind its scheme"),
        ("anaconda.org/ada", "log in at conda.anaconda.org/ada or at anaconda.org"),
    ],
)
def test_host_that_serves_nothing_is_refused_with_the_right_one(words: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        parse_login_host(words)


def test_kind_of_a_login_names_the_user_of_the_url_if_it_is_missing() -> None:
    target = parse_login_host("http://user:s3cret@h.example/")
    with pytest.raises(SettingsError, match="add --username user, --token") as caught:
        kind_of(target.host, (), target.username)
    assert "s3cret" not in str(caught.value)


def test_login_host_shows_no_username_that_is_a_token() -> None:
    assert "s3cret" not in repr(parse_login_host("https://glpat-s3cret@h.example/"))


class Shelf:
    """A store that keeps in memory, or raises."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error, self.problems = name, error, ()
        self.kept: dict[str, BearerToken] = {}

    def find(self, key: str, username: str | None = None) -> BearerToken | None:
        return self.kept.get(key)

    def forget(self, key: str) -> bool:
        return False

    def list(self) -> dict[str, None]:
        return {}

    def save(self, key: str, credential: BearerToken) -> None:
        if self.error:
            raise self.error
        self.kept[key] = credential


TOK = BearerToken("s3cret")
GONE = ProviderMissing("OS keychain", "there is no D-Bus session")


def test_store_keeps_a_credential_in_the_first_store() -> None:
    first, second = Shelf("a"), Shelf("b")
    assert store([first, second], "h", TOK) == (first, [], None)
    assert (first.kept, second.kept) == ({"h": TOK}, {})


def test_store_returns_the_credential_that_it_replaced() -> None:
    shelf = Shelf("a")
    shelf.kept["h"] = BearerToken("old")
    assert store([shelf], "h", TOK).replaced == BearerToken("old")


def test_store_replaces_an_entry_that_it_cannot_read(tmp_path: Path) -> None:
    file = AuthFile(str(tmp_path / "auth.json"))
    (tmp_path / "auth.json").write_text('{"h.example": {"NewKind": 1}}', encoding="utf-8")
    assert store([file], "h.example", TOK).replaced is None
    assert file.find("h.example") == TOK


def test_store_passes_over_a_missing_store_and_names_it() -> None:
    second = Shelf("b")
    assert store([Shelf("a", GONE), second], "h", TOK) == (
        second,
        ["no OS keychain here: there is no D-Bus session"],
        None,
    )


def test_store_raises_if_the_first_store_is_locked() -> None:
    second = Shelf("b")
    with pytest.raises(StoreError):
        store([Shelf("a", StoreError("a", "it is locked")), second], "h", TOK)
    assert second.kept == {}


def test_store_raises_if_there_is_no_store() -> None:
    with pytest.raises(AuthshimError) as caught:
        store([Shelf("a", GONE)], "h", TOK)
    assert str(caught.value) == (
        "no OS keychain here: there is no D-Bus session; "
        "there is no file to store it in; name one by --auth-file"
    )


def test_stores_of_leaves_out_providers_that_cannot_be_written() -> None:
    first, second = AuthFile("a"), AuthFile("b")
    assert stores_of([first, object(), NetrcFile(["n"]), second]) == [first, second]

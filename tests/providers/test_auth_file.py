from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

from authshim.credentials import (
    BasicHTTP,
    BearerToken,
    CondaToken,
    Credential,
    OAuth,
    S3Credentials,
)
from authshim.errors import ProviderError
from authshim.providers.auth_file import AuthFile
from authshim.urls import HOST, PATH, PORT, WILDCARD, Key, host_keys, parse

Write = Callable[..., AuthFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an auth file, from text, bytes or what becomes JSON, and return its provider."""

    def write(content: object, **options: Any) -> AuthFile:
        path = tmp_path / "credentials.json"
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return AuthFile(str(path), **options)

    return write


def listed(provider: AuthFile) -> dict[str, Credential | None]:
    """Return the entries of a file that only its owner can read."""
    Path(provider.path).chmod(0o600)
    return dict(provider.list())


def bearer(token: str) -> dict[str, str]:
    return {"BearerToken": token}


class TestTheContract(ProviderContract):
    planted = {
        Key("bearer.example", HOST): BearerToken("s3cret-1"),
        Key("basic.example", HOST): BasicHTTP("ada", "s3cret-2"),
        Key("*.conda.example", WILDCARD): CondaToken("s3cret-3"),
        Key("s3.example:9000", PORT): S3Credentials("id", "s3cret-4", None),
        Key("h.example/acme/feed", PATH): OAuth(
            "s3cret-5", "s3cret-6", 2e9, "https://h.example/token", None, "id"
        ),
    }

    @pytest.fixture
    def provider(self, write: Write) -> AuthFile:
        return write({key: credential.to_json() for key, credential in self.planted.items()})


def test_file_is_read_at_the_first_question_and_after_a_refresh(write: Write) -> None:
    provider = write({"h.example": bearer("old")})
    write({"h.example": bearer("first")})
    assert provider.find("h.example") == BearerToken("first")
    write({"h.example": bearer("second")})
    assert provider.find("h.example") == BearerToken("first")
    provider.refresh()
    assert provider.find("h.example") == BearerToken("second")


def test_another_file_is_another_version(write: Write, tmp_path: Path) -> None:
    provider = write({})
    before = provider.version()
    (tmp_path / "new").write_text('{"h.example": {"BearerToken": "t"}}')
    (tmp_path / "new").replace(provider.path)
    assert provider.version() != before
    Path(provider.path).unlink()
    assert provider.version() is None


def test_name_says_which_file(write: Write) -> None:
    provider = write({})
    assert provider.name == f"auth file {provider.path}"
    assert write({}, name="~/.rattler/credentials.json").name == "~/.rattler/credentials.json"


def test_repr_shows_the_path_alone(write: Write) -> None:
    provider = write({})
    assert repr(provider) == f"AuthFile({provider.path!r})"


# Keys.


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("EXAMPLE.com", "example.com"),
        ("*.Example.COM", "*.example.com"),
        ("Example.com:8443", "example.com:8443"),
        ("Example.com/Acme/Feed/", "example.com/Acme/Feed"),
        ("example.com/", "example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("*.münchen.example", "*.xn--mnchen-3ya.example"),
    ],
)
def test_key_is_compared_in_lower_case_and_punycode(write: Write, written: str, key: str) -> None:
    assert write({written: bearer("t")}).find(key) == BearerToken("t")


@pytest.mark.parametrize("turn", [1, -1])
def test_exact_key_overrides_a_key_in_another_case(write: Write, turn: int) -> None:
    entries = [("example.com", bearer("exact")), ("EXAMPLE.com", bearer("other"))]
    assert write(dict(entries[::turn])).find("example.com") == BearerToken("exact")


def test_last_of_duplicate_keys_wins(write: Write) -> None:
    text = '{"h.example": {"BearerToken": "first"}, "h.example": {"BearerToken": "last"}}'
    assert write(text).find("h.example") == BearerToken("last")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("*", "* matches nothing; name a host behind it"),
        (
            "https://h.example",
            "https://h.example is a URL and matches nothing; write the host alone",
        ),
        (
            "https://h.example/acme",
            "https://h.example/acme is a URL and matches nothing; write the host alone",
        ),
        (
            "https://ada:s3cret@h.example",
            "****@h.example is a URL and matches nothing; write the host alone",
        ),
        (
            "https://ada:s3cret/s3cret@h.example",
            "****@h.example is a URL and matches nothing; write the host alone",
        ),
    ],
)
def test_key_that_matches_nothing_is_reported(write: Write, written: str, sentence: str) -> None:
    provider = write({written: bearer("s3cret"), "good.example": bearer("t")})
    assert [provider.find(key) for key in host_keys(parse("https://h.example/acme"))] == [None] * 4
    assert provider.find("good.example") == BearerToken("t")
    assert provider.problems == [f"{provider.path}: {sentence}"]
    assert list(provider.path_keys()) == []


@pytest.mark.parametrize(
    "key",
    [
        "*.h.example/ada",
        "h.example/ch1/*",
        "ada@h.example",
        " h.example",
        "h.example ",
        "*h.example",
        "h.*",
        "*.*.h.example",
        "h.example:http",
        "h.example?x=1",
    ],
)
def test_dead_key_is_reported_once(write: Write, key: str) -> None:
    provider = write({key: bearer("s3cret"), "good.example": bearer("s3cret")})
    assert list(listed(provider)) == ["good.example"]
    (problem,) = provider.problems
    assert "matches nothing" in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    "key", ["h.example", "*.h.example", "h.example:8080/a", "[::1]:80", "[::1]", "h.example/a/"]
)
def test_good_key_is_not_reported(write: Write, key: str) -> None:
    provider = write({key: bearer("s3cret")})
    assert len(listed(provider)) == 1
    assert provider.problems == []


def test_s3_url_with_s3_credentials_is_listed(write: Write) -> None:
    entry = S3Credentials("id", "s3cret", None)
    provider = write({"s3://bucket/ch": entry.to_json()})
    assert listed(provider) == {"s3://bucket/ch": entry}
    assert (provider.problems, list(provider.path_keys())) == ([], [])


def test_s3_url_with_another_kind_is_reported(write: Write) -> None:
    provider = write({"s3://bucket": bearer("s3cret")})
    assert listed(provider) == {}
    assert provider.problems == [
        f"{provider.path}: s3://bucket is for s3:// URLs, which take S3Credentials only"
    ]


@pytest.mark.parametrize(
    "token", ["<token>", "${TOKEN}", "%TOKEN%", "{token}", "****", "your-token"]
)
def test_placeholder_in_an_entry_is_reported_and_not_sent(write: Write, token: str) -> None:
    provider = write({"h.example": bearer(token), "b.example": BasicHTTP("ada", token).to_json()})
    assert (provider.find("h.example"), provider.find("b.example")) == (None, None)
    assert provider.problems == [
        f"{provider.path}: h.example: its BearerToken is not filled in",
        f"{provider.path}: b.example: its password is not filled in",
    ]


def test_token_that_begins_with_bearer_is_reported(write: Write) -> None:
    provider = write({"h.example": bearer("Bearer s3cret")})
    assert provider.find("h.example") is not None
    sentence = "its token begins with Bearer; leave that word out"
    assert provider.problems == [f"{provider.path}: h.example: {sentence}"]


def test_path_keys_are_listed_as_they_are_looked_up(write: Write) -> None:
    names = (
        "h.example",
        "H.example/Acme/",
        "h.example:8443/acme",
        "slash.example/",
        "https://h.example/acme",
    )
    assert sorted(write({name: bearer("t") for name in names}).path_keys()) == [
        "h.example/Acme",
        "h.example:8443/acme",
    ]


# The file.


def test_missing_file_has_no_credentials(tmp_path: Path) -> None:
    provider = AuthFile(str(tmp_path / "no" / "file.json"))
    assert provider.find("h.example") is None
    assert list(provider.path_keys()) == []
    assert provider.problems == []


def test_named_file_that_does_not_exist_is_reported_once(tmp_path: Path) -> None:
    provider = AuthFile(str(tmp_path / "file.json"), named=True)
    assert provider.find("h.example") is None
    assert provider.find("h.example") is None
    assert provider.problems == [f"{provider.path} does not exist"]


def test_byte_order_mark_is_ignored(write: Write) -> None:
    text = json.dumps({"h.example": bearer("t")})
    assert write(b"\xef\xbb\xbf" + text.encode()).find("h.example") == BearerToken("t")
    assert write(text.encode("utf-16")).find("h.example") == BearerToken("t")


BROKEN = {
    "empty": (b"", "it is empty; write {} into it, or remove it"),
    "blank": (b" \n", "it is empty; write {} into it, or remove it"),
    "a list": (b'["s3cret"]', "it is not a JSON object"),
    "text": (b'"s3cret"', "it is not a JSON object"),
    "null": (b"null", "it is not a JSON object"),
    "not JSON": (b"s3cret", "line 1: this is not JSON (expecting value)"),
    "a comma is missing": (
        b'{"a": 1\n"s3cret": 2}',
        "line 2: this is not JSON (expecting ',' delimiter)",
    ),
    "a line break in a token": (
        b'{"a":\n"s3cret\n"}',
        "line 2: this is not JSON (invalid control character at)",
    ),
    "a wrong escape": (b'{"a": "s3cret\\s"}', "line 1: this is not JSON (invalid \\escape)"),
    "two values": (b'{}\n{"a": "s3cret"}', "line 2: this is not JSON (extra data)"),
    "half written": (
        b'{"h.example":\n{"BearerToken": "s3c',
        "line 2: the file ends too early; it was perhaps half written",
    ),
    "half an object": (
        b'{"h.example":\n{"BearerToken": "s3cret"}\n',
        "line 3: the file ends too early; it was perhaps half written",
    ),
    "deep": (b"[" * 200_000, "its JSON is nested too deeply"),
    "binary": (bytes(range(256)), "line 1: this is not JSON (expecting value)"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_file_is_reported_in_one_sentence(write: Write, content: bytes, reason: str) -> None:
    provider = write(content)
    with pytest.raises(ProviderError) as caught:
        provider.find("h.example")
    assert str(caught.value) == f"cannot read auth file {provider.path}: {reason}"
    assert caught.value.__context__ is None
    assert_no_secret(caught.value, provider)


def test_message_has_no_character_that_the_json_parser_shows(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InPython(json.JSONDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.parse_string = json.decoder.py_scanstring
            self.scan_once = json.scanner.py_make_scanner(self)

    monkeypatch.setattr(json, "loads", InPython().decode)
    with pytest.raises(ProviderError) as caught:
        write('{"a": "s3cret\\q"}').find("h.example")
    assert caught.value.reason == "line 1: this is not JSON (invalid \\escape)"


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_truncated_file_shows_nothing(write: Write, cut: int) -> None:
    text = json.dumps({"h.example": {"BasicHTTP": {"username": "ada", "password": "s3cret"}}})
    provider = write(text[:cut])
    with pytest.raises(ProviderError, match="line 1: the file ends too early") as caught:
        provider.find("h.example")
    assert_no_secret(caught.value)


def test_broken_file_is_broken_until_the_refresh(write: Write) -> None:
    provider = write("{")
    for _ in range(2):
        with pytest.raises(ProviderError):
            provider.find("h.example")
        write({"h.example": bearer("t")})
    assert list(provider.path_keys()) == []
    provider.refresh()
    assert provider.find("h.example") == BearerToken("t")


def test_folder_is_no_auth_file(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="cannot read auth file"):
        AuthFile(str(tmp_path)).find("h.example")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not here")
def test_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProviderError, match="it is not a regular file"):
        AuthFile(str(tmp_path / "pipe")).find("h.example")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_file_of_somebody_else_is_reported_in_one_sentence(write: Write) -> None:
    provider = write({})
    Path(provider.path).chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # nothing is forbidden to root
    try:
        with pytest.raises(ProviderError, match="permission denied"):
            provider.find("h.example")
    finally:
        os.seteuid(me)


def test_name_that_no_file_can_have_is_reported_in_one_sentence() -> None:
    with pytest.raises(ProviderError, match="its name cannot be used"):
        AuthFile("a\0b").find("h.example")


# Entries.

UNUSABLE = {
    "an unknown kind": ({"Kerberos": "s3cret"}, "is of a kind that authshim does not know"),
    "no kind": ({}, "is not one credential"),
    "two kinds": ({"BearerToken": "s3cret", "CondaToken": "s3cret"}, "is not one credential"),
    "a list": (["s3cret"], "is not one credential"),
    "null": (None, "is not one credential"),
    "a number for a token": ({"BearerToken": 5}, "the token is not text"),
    "a line break": (
        {"BearerToken": "s3cret\r\nX: y"},
        "the token has a control character (a line break, perhaps)",
    ),
    "no password": ({"BasicHTTP": {"username": "s3cret"}}, "is a BasicHTTP without password"),
    "no fields": ({"BasicHTTP": "s3cret"}, "is a BasicHTTP without fields"),
    "half a pair of surrogates": (
        {"BasicHTTP": {"username": "ada", "password": "s3cret\ud800"}},
        "the username or password is not Unicode text",
    ),
}


@pytest.mark.parametrize(("entry", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_bad_entry_is_skipped_alone(write: Write, entry: object, why: str) -> None:
    provider = write({"bad.example": entry, "good.example": bearer("t")})
    assert provider.find("bad.example") is None
    assert provider.find("bad.example") is None
    assert provider.find("good.example") == BearerToken("t")
    assert provider.problems == [f"{provider.path}: bad.example: {why}"]
    assert_sentences(provider.problems)


def test_fields_that_are_not_known_are_passed_over(write: Write) -> None:
    provider = write(
        {"h.example": {"BasicHTTP": {"username": "ada", "password": "p", "realm": "r"}}}
    )
    assert provider.find("h.example") == BasicHTTP("ada", "p")


@pytest.mark.parametrize(
    "key", ["ada:s3cret@h.example", "h.example?sig=s3cret", "h.example/t/s3cret/c"]
)
def test_secret_in_a_key_is_not_shown(write: Write, key: str) -> None:
    provider = write({key: None})
    assert provider.find(key) is None
    assert len(provider.problems) == 1
    assert_sentences(provider.problems)
    assert_no_secret(provider)


def test_unprintable_key_is_shown_in_escapes(write: Write) -> None:
    provider = write('{"\\ud800\\n.example": null}')
    assert provider.find("\ud800\n.example") is None
    assert provider.problems == [f"{provider.path}: \\ud800?.example: is not one credential"]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_malformed_number_drops_only_its_entry(write: Write, number: str) -> None:
    provider = write(
        f'{{"bad.example": {{"BearerToken": {number}}}, "good.example": {{"BearerToken": "t"}}}}'
    )
    assert provider.find("bad.example") is None
    assert provider.find("good.example") == BearerToken("t")


def test_number_that_python_refuses_to_read_is_reported_in_one_sentence(write: Write) -> None:
    provider = write(f'{{"bad.example": {"9" * 5000}}}')
    if hasattr(sys, "set_int_max_str_digits"):
        with pytest.raises(ProviderError, match="it has a number that is too long"):
            provider.find("good.example")
    else:
        assert provider.find("good.example") is None


def test_credentials_are_made_only_for_hosts_that_are_asked_for(
    write: Write,
) -> None:
    provider = write({f"h{number}.example": bearer("") for number in range(10_000)})
    assert provider.find("h5.example") is None
    assert len(provider.problems) == 1

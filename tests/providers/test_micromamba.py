from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

import authshim
from authshim.credentials import BasicHTTP, BearerToken, CondaToken
from authshim.errors import ProviderError
from authshim.providers import micromamba
from authshim.providers.micromamba import Micromamba
from authshim.urls import PREFIX, Key

if TYPE_CHECKING:
    from pathlib import Path

Write = Callable[[Any], Micromamba]


def token(text: str = "s3cret") -> dict[str, str]:
    return {"type": "BearerToken", "token": text}


def password(text: str = "s3cret") -> dict[str, str]:
    encoded = base64.b64encode(text.encode()).decode()
    return {"type": "BasicHTTPAuthentication", "user": "ada", "password": encoded}


@pytest.fixture
def write(home: Path) -> Write:
    """Write micromamba's file, and return its provider."""

    def write(content: Any) -> Micromamba:
        path = home / ".mamba/auth/authentication.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        path.write_text(text, encoding="utf-8")
        return Micromamba(str(path))

    return write


class TestTheContract(ProviderContract):
    planted = {
        Key("https://h.example", PREFIX): BearerToken("s3cret-1"),
        Key("https://h.example:8443/chan", PREFIX): BasicHTTP("ada", "s3cret-2é"),
        Key("https://c.example/p", PREFIX): CondaToken("s3cret-3"),
    }

    @pytest.fixture
    def provider(self, write: Write) -> Micromamba:
        return write(
            {
                "H.example": token("s3cret-1"),
                "h.example:8443/chan": password("s3cret-2é"),
                "c.example/p/": {"type": "CondaToken", "token": "s3cret-3"},
            }
        )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h.example/x", "host"),
        ("https://h.example/chan/noarch/repodata.json", "path"),
        ("https://h.example/channel", "host"),
        ("https://h.example:8443/chan", "port"),
        ("http://h.example/x", None),
        ("https://sub.h.example/x", None),
        ("https://bob@h.example/x", None),
    ],
)
def test_url_gets_the_login_of_its_longest_key(
    url: str, expected: str | None, write: Write
) -> None:
    keys = {"host": "h.example", "path": "h.example/chan", "port": "h.example:8443"}
    write({key: token(name) for name, key in keys.items()})
    found = authshim.Chain.from_environment(keyring_provider="disabled").find(url)
    assert (found and found.credential.token) == expected


def test_key_with_a_slash_comes_first(write: Write) -> None:
    provider = write({"h.example/p": token("a"), "h.example/p/": token("b")})
    assert provider.find(Key("https://h.example/p", PREFIX)) == BearerToken("b")


def test_url_with_a_token_gets_no_other_one(write: Write) -> None:
    write({"h.example": {"type": "CondaToken", "token": "s3cret"}})
    chain = authshim.Chain.from_environment()
    assert chain.find("https://h.example/t/tk/acme") is None
    assert chain.find("https://h.example/acme").credential == CondaToken("s3cret")


def test_explain_tells_the_line_of_a_login(write: Write) -> None:
    provider = write({"g.example": token(), "h.example/p": token()})
    steps = authshim.Chain.from_environment().explain("https://h.example/p/x").steps
    said = [step.said for step in steps if step.provider == provider.name]
    assert said == ["BearerToken(token=****) (line 6)"]


def test_lines_of_many_logins_are_read_at_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    places = micromamba._places
    monkeypatch.setattr(micromamba, "_places", lambda text: read.append(1) or places(text))
    provider = write({f"h{number}.example": token() for number in range(50)})
    assert [login.place for login in provider.entries()][:2] == ["line 2", "line 6"]
    assert read == [1]


@pytest.mark.parametrize(
    ("key", "entry", "reason"),
    [
        ("b.example", ["s3cret"], "is not one credential"),
        ("b.example", {"type": "s3cret"}, "is of a kind that authshim does not know"),
        ("b.example", {"type": "CondaToken"}, "has no token"),
        ("b.example", {"type": "BearerToken", "token": 3}, "the token is not text"),
        ("b.example", {**password(), "password": "s3cret!"}, "its password is not base64 of text"),
        ("b.example", {**password(), "password": "/w=="}, "its password is not base64 of text"),
        ("b.example", {**password(), "password": 3}, "its password is not base64 of text"),
        ("ada:s3cret@b.example", token(), "its key is not a host"),
        ("b.example?s3cret", token(), "its key is not a host"),
        ("ftp://b.example", token(), "its key is not a host"),
        ("", token(), "its key is not a host"),
    ],
)
def test_bad_entry_is_a_problem_and_costs_no_other(
    key: str, entry: object, reason: str, write: Write
) -> None:
    provider = write({key: entry, "h.example": token()})
    assert [each for each, *_ in provider.entries()] == ["https://h.example"]
    (problem,) = provider.problems
    assert reason in problem
    assert_sentences([problem])


@pytest.mark.parametrize("text", ["{", "[]", "", '{"h.example": s3cret', "[" * 100_000])
def test_file_that_is_no_json_object_is_broken(text: str, write: Write) -> None:
    provider = write(text)
    with pytest.raises(ProviderError) as caught:
        provider.path_keys()
    assert_no_secret(caught.value)


def test_missing_file_has_no_logins(tmp_path: Path) -> None:
    assert Micromamba(str(tmp_path / "authentication.json")).entries() == []


def test_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"regular file|is a directory|permission denied"):
        Micromamba(str(tmp_path)).entries()


def test_key_with_an_escape_has_no_line(write: Write) -> None:
    provider = write('{"h.ex\\u0061mple": {"type": "BearerToken", "token": "s3cret"}}')
    assert provider.place("https://h.example") == ""
    assert provider.place("https://g.example") == ""

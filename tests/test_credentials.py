"""The five kinds of credential: what is sent, what is shown, and rattler's JSON."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import assert_no_secret

from authshim import (
    BasicHTTP,
    BearerToken,
    Chain,
    Channel,
    CondaToken,
    Credential,
    CredentialError,
    Index,
    OAuth,
    S3Credentials,
    UrlError,
)
from authshim.credentials.from_json import from_json

OAUTH: dict[str, Any] = {
    "access_token": "s3cret-a",
    "refresh_token": "s3cret-r",
    "expires_at": 1700000000,
    "token_endpoint": "https://h.example/token",
    "revocation_endpoint": None,
    "client_id": "pixi",
}

ENTRIES: list[dict[str, Any]] = [
    {"BearerToken": "s3cret"},
    {"CondaToken": "s3cret"},
    {"BasicHTTP": {"username": "ada", "password": "s3cret"}},
    {
        "S3Credentials": {
            "access_key_id": "s3cret-id",
            "secret_access_key": "s3cret",
            "session_token": "s3cret-t",
        }
    },
    {"OAuth": OAUTH},
]

EVERY = [from_json(entry) for entry in ENTRIES]

names = pytest.mark.parametrize(
    "credential", EVERY, ids=lambda credential: type(credential).__name__
)


# what is sent


def test_bearer_token_is_sent_as_authorization() -> None:
    assert BearerToken("s3cret").header == "Bearer s3cret"


def test_basic_is_sent_in_utf_8() -> None:
    header = BasicHTTP("ädä", "s3crét").header or ""
    assert base64.b64decode(header[len("Basic ") :]).decode("utf-8") == "ädä:s3crét"


def test_long_password_makes_one_line() -> None:
    assert "\n" not in (BasicHTTP("ada", "s3cret" * 100).header or "")


def test_empty_username_and_password_can_be_sent() -> None:
    assert BasicHTTP("", "").header == "Basic Og=="


def test_oauth_token_is_sent_as_bearer() -> None:
    assert from_json({"OAuth": OAUTH}).header == "Bearer s3cret-a"


@pytest.mark.parametrize("kind", ["CondaToken", "S3Credentials"])
def test_these_send_no_header(kind: str) -> None:
    assert next(item for item in EVERY if type(item).__name__ == kind).header is None


@names
def test_only_a_conda_token_changes_the_url(credential: Credential) -> None:
    changed = credential.wire_url("https://h.example/a") != "https://h.example/a"
    assert changed == isinstance(credential, CondaToken)


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("https://h.example/c/noarch/x.json", "https://h.example/t/tk/c/noarch/x.json"),
        ("https://h.example:8443/c?q=/x#f", "https://h.example:8443/t/tk/c?q=/x#f"),
        ("https://h.example", "https://h.example/t/tk/"),
        ("https://h.example?q=1", "https://h.example/t/tk/?q=1"),
        ("https://h.example/", "https://h.example/t/tk/"),
        ("https://[::1]:8443/c", "https://[::1]:8443/t/tk/c"),
        ("https://h.example/t/other/c", "https://h.example/t/tk/t/other/c"),
        ("https://ada@h.example/c", "https://ada@h.example/t/tk/c"),
    ],
)
def test_conda_token_stands_before_the_path(url: str, wire: str) -> None:
    assert CondaToken("tk").wire_url(url) == wire


def test_conda_token_is_percent_encoded_if_it_must_be() -> None:
    assert CondaToken("a?b#c d").wire_url("https://h/c") == "https://h/t/a%3Fb%23c%20d/c"


@pytest.mark.parametrize(
    ("now", "expired"), [(1699999999.0, False), (1700000000.0, True), (1700000001.0, True)]
)
def test_oauth_token_expires(now: float, expired: bool) -> None:
    token = from_json({"OAuth": OAUTH})
    assert isinstance(token, OAuth)
    assert token.expired(now) == expired


def test_oauth_token_without_a_time_does_not_expire() -> None:
    assert not OAuth("s3cret", None, None, "https://h/token", None, "pixi").expired(1e12)


def test_unknown_fields_of_an_oauth_login_are_kept_and_not_shown() -> None:
    entry = {"OAuth": {**OAUTH, "scopes": ["s3cret"], "oidc": {"id_token_verified": True}}}
    credential = from_json(entry)
    assert credential.to_json() == entry
    assert_no_secret(credential)


# what is shown


@names
def test_repr_shows_no_secret(credential: Credential) -> None:
    assert_no_secret(repr(credential), str(credential), f"{credential}")


def test_repr_shows_the_other_fields() -> None:
    assert repr(BasicHTTP("ada", "s3cret")) == "BasicHTTP(username='ada', password=****)"
    assert repr(BearerToken("s3cret")) == "BearerToken(token=****)"
    assert repr(from_json({"OAuth": OAUTH})) == (
        "OAuth(access_token=****, refresh_token=****, expires_at=1700000000, "
        "token_endpoint='https://h.example/token', revocation_endpoint=None, client_id='pixi')"
    )


def test_token_that_stands_as_the_username_is_not_shown() -> None:
    credential = BasicHTTP("s3cret", "")
    assert_no_secret(repr(credential))
    assert credential.shown_username is None


@pytest.mark.parametrize("kind", [BasicHTTP, BearerToken, CondaToken, OAuth, S3Credentials])
def test_repr_works_in_the_middle_of_the_constructor(kind: type[Credential]) -> None:
    assert repr(kind.__new__(kind)).startswith(f"{kind.__name__}(")


def test_username_is_shown_if_it_is_no_secret() -> None:
    assert BasicHTTP("ada", "s3cret").shown_username == "ada"
    assert BearerToken("s3cret").shown_username is None


@names
def test_credential_is_not_pickled(credential: Credential) -> None:
    with pytest.raises(TypeError) as caught:
        pickle.dumps(credential)
    assert_no_secret(str(caught.value))


@names
def test_copy_is_the_same(credential: Credential) -> None:
    assert copy.copy(credential) is credential
    assert copy.deepcopy(credential) is credential


@names
def test_credential_cannot_be_changed(credential: Credential) -> None:
    with pytest.raises(AttributeError):
        credential.header = "Basic x"
    with pytest.raises(AttributeError):
        del credential.header


def test_equal_credentials_are_equal() -> None:
    assert BearerToken("a") == BearerToken("a")
    assert hash(BearerToken("a")) == hash(BearerToken("a"))
    assert BearerToken("a") != BearerToken("b")


def test_another_kind_is_another_credential() -> None:
    assert BearerToken("a") != CondaToken("a")
    assert BearerToken("a") != "a"


# rattler's JSON


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: next(iter(entry)))
def test_json_goes_there_and_back(entry: dict[str, Any]) -> None:
    assert json.loads(json.dumps(from_json(entry).to_json())) == entry


def test_fields_that_are_not_known_are_passed_over() -> None:
    entry = {"BasicHTTP": {"username": "ada", "password": "s3cret", "more": 1}}
    assert from_json(entry) == BasicHTTP("ada", "s3cret")


def test_session_token_may_be_absent() -> None:
    entry = {"S3Credentials": {"access_key_id": "id", "secret_access_key": "s3cret"}}
    assert from_json(entry) == S3Credentials("id", "s3cret", None)


@pytest.mark.parametrize("name", ["refresh_token", "expires_at", "revocation_endpoint"])
def test_these_fields_of_oauth_may_be_absent(name: str) -> None:
    entry = {key: value for key, value in OAUTH.items() if key != name}
    assert getattr(from_json({"OAuth": entry}), name) is None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("s3cret", "is not one credential"),
        ({}, "is not one credential"),
        ({"BearerToken": "s3cret", "CondaToken": "s3cret"}, "is not one credential"),
        ({"s3cret": "s3cret"}, "is of a kind that authshim does not know"),
        ({"BasicHTTP": "s3cret"}, "is a BasicHTTP without fields"),
        ({"BasicHTTP": {"username": "s3cret"}}, "is a BasicHTTP without password"),
        ({"BasicHTTP": {"username": "ada", "password": 7}}, "the password is not text"),
        (
            {"BasicHTTP": {"username": "ada", "password": "s3cret\ud800"}},
            "the username or password is not Unicode text",
        ),
        ({"BearerToken": {"token": "s3cret"}}, "the token is not text"),
        ({"BearerToken": ""}, "the token is empty, or has characters that no token has"),
        ({"BearerToken": " s3cret"}, "the token is empty, or has characters that no token has"),
        (
            {"BearerToken": "s3crét s3cret"},
            "the token is empty, or has characters that no token has",
        ),
        (
            {"CondaToken": "s3cret\r\nX: y"},
            "the token has a control character (a line break, perhaps)",
        ),
        ({"OAuth": {**OAUTH, "expires_at": "s3cret"}}, "expires_at is not a number of seconds"),
        ({"OAuth": {**OAUTH, "expires_at": True}}, "expires_at is not a number of seconds"),
    ],
)
def test_error_about_an_entry_hides_its_content(entry: object, said: str) -> None:
    with pytest.raises(CredentialError) as caught:
        from_json(entry)
    assert str(caught.value) == said
    assert_no_secret(str(caught.value), repr(caught.value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: BasicHTTP("ada", "s3cret\n"),
        lambda: BasicHTTP("ada", password="s3cret\udc80"),
        lambda: BasicHTTP(password="s3cret"),  # type: ignore[call-arg]
        lambda: BearerToken("s3cret\n"),
        lambda: CondaToken(token="s3cret s3cret\n"),
        lambda: S3Credentials("s3cret\n", "s3cret", "s3cret"),
        lambda: OAuth("s3cret", "s3cret\n", None, "https://h.example/", None, "c"),
        lambda: OAuth("s3cret", "s3cret", 1e20, "https://h.example/", None, "c"),
    ],
)
def test_frames_of_a_constructor_error_hold_no_secret(make: Callable[[], Credential]) -> None:
    with pytest.raises((CredentialError, TypeError)) as caught:
        make()
    assert_no_secret(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Index("https://ada:s3cret\n@h.example/"),
        lambda: Channel("https://ada:s3cret\\@h.example/"),
        lambda: Chain([]).explain("https://ada:s3cret@h example/"),
    ],
)
def test_frames_of_a_url_error_hold_no_password(
    make: Callable[[], object],
) -> None:
    with pytest.raises(UrlError) as caught:
        make()
    assert_no_secret(caught.value)


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\x1f", "\x7f"])
def test_control_character_is_refused(char: str) -> None:
    for make in (
        BearerToken,
        CondaToken,
        lambda text: BasicHTTP(text, "x"),
        lambda text: BasicHTTP("x", text),
    ):
        with pytest.raises(CredentialError):
            make(f"a{char}b")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(list(OAUTH)), inner)
    ),
    max_leaves=8,
)


@pytest.mark.unmeasured
@given(
    json_values
    | st.dictionaries(
        st.sampled_from([next(iter(entry)) for entry in ENTRIES]), json_values, max_size=2
    )
)
def test_any_entry_is_a_credential_or_a_credential_error(entry: object) -> None:
    try:
        header = from_json(entry).header
    except CredentialError:
        return
    assert header is None or (header.isascii() and header.isprintable())

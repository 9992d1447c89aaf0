"""The checks of a username and a secret that were typed."""

from __future__ import annotations

import pytest

from authshim.errors import SettingsError
from authshim.login.inputs import check_secret, check_username


@pytest.mark.parametrize(
    ("option", "secret", "sentence"),
    [
        ("--token", "", "it is empty, so nothing was stored"),
        ("--conda-token", "", "it is empty, so nothing was stored"),
        ("--password", "", "it is empty, so nothing was stored"),
        ("--token", "s3cret ", "it has a blank"),
        ("--token", "s3c ret", "it has a blank"),
        ("--token", "Bearer s3cret", "leave out the word Bearer"),
        ("--conda-token", "s3crét", "it has characters that are not ASCII"),
    ],
)
def test_check_secret_refuses_a_secret_without_showing_it(
    option: str, secret: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        check_secret(option, secret)
    assert str(caught.value).startswith(f"{option}: {sentence}")
    assert "s3c" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "secret"), [("--token", "s3cret"), ("--password", "Bearer of a s3crét ")]
)
def test_check_secret_takes_a_good_secret(option: str, secret: str) -> None:
    check_secret(option, secret)


@pytest.mark.parametrize("username", ["", "ada:s3cret"])
def test_check_username_refuses_an_empty_one_and_a_colon(username: str) -> None:
    with pytest.raises(SettingsError, match="--username: ") as caught:
        check_username(username)
    assert "s3cret" not in str(caught.value)

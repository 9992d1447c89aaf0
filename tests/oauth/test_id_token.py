"""The claims of an ID token."""

from __future__ import annotations

import pytest
from oauth.authorization_server import jwt

from authshim.oauth.id_token import claims_of, name_in


def test_claims_are_those_of_the_token() -> None:
    assert claims_of(jwt(sub="ada", nonce="n")) == {"sub": "ada", "nonce": "n"}


@pytest.mark.parametrize(
    "token",
    [None, 1, "", "a.b.c", "ey.b", "ey.!.c", "ey.W10.c", "ey.bnVsbA.c", "ey.b.c.d.e", "ey.ü.c"],
)
def test_claims_are_empty_if_the_token_is_no_jwt(token: object) -> None:
    assert claims_of(token) == {}


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        (
            {"sub": "1", "name": "Ada", "preferred_username": "ada", "email": "a@h.example"},
            "a@h.example",
        ),
        ({"sub": "1", "name": "Ada", "preferred_username": "ada"}, "ada"),
        ({"sub": "1", "name": "Ada"}, "Ada"),
        ({"sub": "1"}, "1"),
        ({"email": "", "sub": "1"}, "1"),
        ({"email": 7, "sub": "1"}, "1"),
        ({"email": "a\x1b[2J", "sub": "1"}, "1"),
        ({"sub": "a" * 200}, "a" * 100),
        ({}, ""),
    ],
)
def test_name_is_the_first_that_can_be_shown(claims: dict[str, object], name: str) -> None:
    assert name_in(claims) == name

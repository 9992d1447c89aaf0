"""Which usernames are shown as ``****``: those that are tokens."""

from __future__ import annotations

import pytest

from authshim.redact import looks_like_token, shown_user

TOKENS = [
    "pypi-AgEIcHlwaS5vcmc",
    "glpat-s3cret",
    "ghp_s3cret",
    "github_pat_s3cret",
    "hf_s3cret",
    "1RKjr9abcDEF0123456789xyz",
    "aA0-_" * 4,
    "0123456789abcdef" * 2,
    "0123456789ABCDEF" * 4,
]

NAMES = [
    "",
    "ada",
    "ada.lovelace",
    "Ada1@Example-of-a-long-host",
    "DOMAIN\\Ada1lovelace-the-first",
    "robot$Project1+Reader0123456789",
    "gitlab+deploy-token-1",
    "gitlab-ci-token",
    "__token__",
    "x-access-token",
    # What vendors' index URLs are written with.
    "VssSessionToken",
    "oauth2accesstoken",
    "aws",
    # A GUID, as Azure's tenants and services have.
    "0f8fad5b-d9cb-469f-a165-70867728950E",
    # One character or one kind of character short.
    ("aA0-_" * 4)[:-1],
    "a0-_" * 8,
    "A0-_" * 8,
    "aA-_" * 8,
    ("0123456789abcdef" * 2)[:-1],
    "1RKjr9abcDEF0123456789xyz:",
    "1RKjr9abcDEF0123456789xyz\n",
    "glpat.s3cret@h.example",
]


@pytest.mark.parametrize("name", TOKENS)
def test_token_is_told_from_a_name(name: str) -> None:
    assert looks_like_token(name)
    assert shown_user(name) == "****"


@pytest.mark.parametrize("name", NAMES)
def test_name_is_shown_as_it_is(name: str) -> None:
    assert not looks_like_token(name)
    assert shown_user(name) == name

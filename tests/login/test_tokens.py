from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest

from authshim.credentials import (
    BasicHTTP,
    BearerToken,
    CondaToken,
    Credential,
    OAuth,
    S3Credentials,
)
from authshim.login.tokens import bare_token, expires_at


def jwt(claims: object) -> str:
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims)
    ]
    return ".".join([*parts, "c2ln"])


def oauth(token: str, expires: float | None) -> OAuth:
    return OAuth(token, None, expires, "https://h.example/t", None, "c")


@pytest.mark.parametrize(
    ("credential", "token"),
    [
        (BearerToken("t"), "t"),
        (CondaToken("t"), "t"),
        (oauth("t", None), "t"),
        (BasicHTTP("ada", "t"), None),
        (S3Credentials("id", "t"), None),
    ],
)
def test_the_bare_token(credential: Credential, token: str | None) -> None:
    assert bare_token(credential) == token


@pytest.mark.parametrize(
    ("credential", "expires"),
    [
        (oauth("t", 7.5), 7.5),
        (oauth(jwt({"exp": 8}), None), 8.0),
        (BearerToken(jwt({"exp": 9})), 9.0),
        (BasicHTTP("aws", jwt({"exp": 9})), 9.0),
        (BearerToken("pfx_abc"), None),
        (BearerToken("ey.b.c"), None),
        (BearerToken("ey.W10.c"), None),
        (BearerToken(jwt({"exp": "soon"})), None),
        (BearerToken(jwt({})), None),
        (BearerToken(jwt({"exp": 1e300})), None),
        (S3Credentials("id", "t"), None),
    ],
)
def test_when_a_credential_expires(credential: Credential, expires: float | None) -> None:
    assert expires_at(credential) == expires

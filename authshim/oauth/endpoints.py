"""The requests to the endpoints of an OAuth login: renew it (RFC 6749), revoke it (RFC 7009)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authshim.credentials import OAuth
from authshim.errors import CredentialError
from authshim.oauth import http
from authshim.oauth.http import EndpointError, LoginEnded
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authshim.oauth.http import Answer, Request

MAX_REVOCATION_SECONDS = 30.0

_MAX_LIFETIME_SECONDS = 10**10
"""A longer lifetime is taken for none."""

_NO_TOKEN = "answered without a token"  # noqa: S105 - a sentence


def renew(
    credential: OAuth,
    *,
    seconds: float,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
) -> OAuth:
    """Return the credential that the token endpoint gives for the refresh token.

    :param seconds: the timeout.
    :raises LoginEnded: the user has to log in again.
    :raises EndpointError: there is no new credential.
    """
    asked_at = clock()
    request = _renewal(credential)
    answer = http.send(request, seconds=seconds, environ=environ)
    given = _read(credential.token_endpoint, answer)
    return login_of(
        given,
        asked_at,
        refresh_token=credential.refresh_token,
        token_endpoint=credential.token_endpoint,
        revocation_endpoint=credential.revocation_endpoint,
        client_id=credential.client_id,
        audience=credential.audience,
        more=credential.more,
    )


def login_of(
    given: Mapping[str, Any],
    asked_at: float,
    *,
    token_endpoint: str,
    revocation_endpoint: str | None,
    client_id: str,
    refresh_token: str | None = None,
    audience: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> OAuth:
    """Return the login that a token endpoint gives.

    ``expires_at`` is a whole number of seconds: rattler refuses a file with any other.

    :param asked_at: in Unix seconds.
    :param refresh_token: the one that stays if the endpoint gives none.
    :raises EndpointError: the answer has no access token.
    """
    expires_at = None
    seconds = lifetime(given.get("expires_in"))
    if seconds is not None:
        expires_at = int(asked_at + seconds)
    try:
        return OAuth(
            given["access_token"],
            given.get("refresh_token") or refresh_token,
            expires_at,
            token_endpoint,
            revocation_endpoint,
            client_id,
            audience,
            more=more,
        )
    except (CredentialError, KeyError):
        raise EndpointError(token_endpoint, _NO_TOKEN) from None


def _renewal(credential: OAuth) -> Request:
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": credential.refresh_token,
        "client_id": credential.client_id,
        "audience": credential.audience,
    }
    return http.form(credential.token_endpoint, fields)


def _read(endpoint: str, answer: Answer) -> dict[str, Any]:
    given = answer.json()
    if 200 <= answer.status < 300:
        return given
    reason = f"answered HTTP {answer.status}"
    is_client_error = 400 <= answer.status < 500
    if is_client_error and given.get("error") == "invalid_grant":
        raise LoginEnded(endpoint, reason)
    raise EndpointError(endpoint, reason)


def lifetime(value: object) -> float | None:
    """Return ``expires_in`` in seconds, or None if it is not a lifetime."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    if not 0 <= seconds <= _MAX_LIFETIME_SECONDS:
        return None
    return seconds


def revoke(credential: OAuth) -> str:
    """Revoke the tokens of a login, the refresh token first.

    :returns: the reason if that failed, else an empty string.
    """
    endpoint = credential.revocation_endpoint
    if endpoint is None:
        return ""
    for hint in ("refresh_token", "access_token"):
        reason = _revoke(credential, endpoint, hint)
        if reason:
            return f"the tokens could not be revoked at {redact(endpoint)}: it {reason}"
    return ""


def _revoke(
    credential: OAuth,
    endpoint: str,
    hint: str,
) -> str:
    if not getattr(credential, hint):
        return ""
    request = _form(credential, endpoint, hint)
    try:
        answer = http.send(request, seconds=MAX_REVOCATION_SECONDS)
    except EndpointError as error:
        return error.reason
    if answer.status != 200:
        return f"answered HTTP {answer.status}"
    return ""


def _form(
    credential: OAuth,
    endpoint: str,
    hint: str,
) -> Request:
    fields = {
        "token": getattr(credential, hint),
        "token_type_hint": hint,
        "client_id": credential.client_id,
    }
    return http.form(endpoint, fields)

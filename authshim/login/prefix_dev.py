"""The server of prefix.dev, which tells whose a token is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.errors import LoginError, SettingsError
from authshim.oauth import http
from authshim.oauth.http import EndpointError
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.credentials import Credential
    from authshim.oauth.http import Answer

MAX_VIEWER_SECONDS = 30.0

_QUERY = {"query": "query { viewer { login } }"}


def viewer(
    token: Credential,
    url: str,
    environ: Mapping[str, str] | None = None,
) -> str:
    """Return the name of the user whose token this is.

    :param url: of prefix.dev, or the value of ``PREFIX_DEV_API_URL``.
    :param environ: names proxies and certificates, as for ``http.send``.
    :raises LoginError: the token is not accepted, or the server cannot be asked.
    :raises SettingsError: the URL is not an https URL.
    """
    reason = http.unsafe(url)
    if reason:
        raise SettingsError("PREFIX_DEV_API_URL", f"it {reason}")
    shown = redact(url)
    root = url.rstrip("/")
    request = http.query(f"{root}/api/graphql", _QUERY, token.header)
    try:
        answer = http.send(request, seconds=MAX_VIEWER_SECONDS, environ=environ)
    except EndpointError as error:
        raise LoginError(_unchecked(shown, error.reason)) from None
    login = _login(answer)
    if login:
        return login
    if answer.status in (200, 401, 403):
        raise LoginError(f"{shown} does not accept the token")
    raise LoginError(_unchecked(shown, f"answered HTTP {answer.status}"))


def _unchecked(url: str, reason: str) -> str:
    """Return the sentence about a token that was not checked, and is not stored."""
    host = url.partition("://")[2]
    unreachable = "cannot be reached"
    if reason.startswith(unreachable):
        reason = f"{unreachable} to check the token{reason[len(unreachable) :]}"
    else:
        reason += ", so the token was not checked"
    return f"nothing was stored: {host} {reason}"


def _login(answer: Answer) -> str:
    """Return the name of the user, or an empty string."""
    try:
        login = answer.json()["data"]["viewer"]["login"]
    except (LookupError, TypeError):
        return ""
    if not isinstance(login, str) or not login.isprintable():
        return ""
    return login

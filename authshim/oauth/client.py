"""A client of an authorization server: how it authenticates, and how it asks for tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authshim.oauth import http
from authshim.oauth.http import EndpointError
from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authshim.oauth.discovery import Server
    from authshim.oauth.http import Answer, Request

CLIENT_ID = "rattler"
"""The client that rattler, and so pixi, is at prefix.dev."""

MAX_TOKEN_SECONDS = 30.0

_CODES = (
    # RFC 6749, sections 4.1.2.1 and 5.2
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    # RFC 8628, section 3.5
    "authorization_pending",
    "expired_token",
    "slow_down",
    # OpenID Connect Core 1.0, section 3.1.2.6
    "consent_required",
    "interaction_required",
    "login_required",
)
"""The error codes that are shown; any other text of a server may hold what was sent."""


class Client(SecretHolder):
    """An OAuth client by its ID; a confidential one has a secret."""

    __slots__ = ("id", "secret")

    def __init__(self, id: str, secret: str | None = None) -> None:  # noqa: A002 - RFC 6749's name
        self.id = id
        self.secret = secret

    def form(
        self,
        server: Server,
        url: str,
        fields: Mapping[str, str | None],
    ) -> Request:
        """Return a POST of a form in which the client authenticates (RFC 6749, section 2.3)."""
        if self.secret is not None and server.takes_basic:
            authorization = self._basic(self.secret)
            return http.form(url, fields, authorization=authorization)
        all_fields = {
            "client_id": self.id,
            # Without a secret the client only names itself.
            "client_secret": self.secret,
            **fields,
        }
        return http.form(url, all_fields)

    def _basic(self, secret: str) -> str:
        from base64 import b64encode
        from urllib.parse import quote_plus

        pair = f"{quote_plus(self.id)}:{quote_plus(secret)}"
        encoded = b64encode(pair.encode())
        return f"Basic {encoded.decode()}"


class Tokens(SecretHolder):
    """The answer of a token endpoint, and when it was asked, in Unix seconds."""

    __slots__ = ("asked_at", "given")

    def __init__(
        self,
        given: Mapping[str, Any],
        asked_at: float,
    ) -> None:
        self.given = given
        self.asked_at = asked_at


class Refused(EndpointError):
    """An endpoint that answered with an error.

    ``code`` is one that an RFC names, or an empty string.
    """

    def __init__(self, endpoint: str, answer: Answer) -> None:
        given = answer.json()
        self.status = answer.status
        self.code = error_code(given.get("error"))
        reason = f"answered HTTP {answer.status}"
        if self.code:
            reason = f"{reason} ({self.code})"
        super().__init__(endpoint, reason)


class UnusableTokens(EndpointError):
    """An answer of a token endpoint that no retry changes."""


def error_code(value: object) -> str:
    """Return an error code that an RFC names, or an empty string."""
    if isinstance(value, str) and value in _CODES:
        return value
    return ""


def ask_for_tokens(
    server: Server,
    client: Client,
    fields: Mapping[str, str | None],
    environ: Mapping[str, str] | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> Tokens:
    """Return what the token endpoint gives for a grant.

    :raises Refused: it answered with an error.
    :raises EndpointError: it did not answer.
    """
    asked_at = clock()
    request = client.form(server, server.token_endpoint, fields)
    answer = http.send(request, seconds=MAX_TOKEN_SECONDS, environ=environ)
    if not 200 <= answer.status < 300:
        raise Refused(server.token_endpoint, answer)
    given = answer.json()
    token_type = str(given.get("token_type", "Bearer"))
    if token_type.lower() != "bearer":
        raise UnusableTokens(server.token_endpoint, "gives tokens of another kind than Bearer")
    return Tokens(given, asked_at)

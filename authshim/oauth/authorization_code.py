"""The authorization code grant of a native app (RFC 8252), with PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from authshim.errors import LoginError
from authshim.oauth.client import ask_for_tokens, error_code
from authshim.oauth.id_token import claims_of
from authshim.oauth.listener import Listener
from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.oauth.client import Client, Tokens
    from authshim.oauth.discovery import Server
    from authshim.oauth.interaction import Interaction
    from authshim.oauth.listener import Redirect

MAX_REDIRECT_SECONDS = 300.0
"""Seconds in which the browser has to come back; rattler's."""


class NoBrowser(Exception):
    """A browser that cannot be started."""


class _Once(SecretHolder):
    """The random values of one login."""

    __slots__ = ("nonce", "state", "verifier")

    def __init__(self) -> None:
        self.state = secrets.token_urlsafe(32)
        self.nonce = secrets.token_urlsafe(32)
        self.verifier = secrets.token_urlsafe(48)

    @property
    def challenge(self) -> str:
        """The S256 of the verifier (RFC 7636, section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        encoded = base64.urlsafe_b64encode(digest)
        return encoded.rstrip(b"=").decode()


class CodeFlow:
    """A login by an authorization code, in a browser on this machine.

    :param interaction: opens the browser.
    :param redirect_uri: as ``Listener`` takes it.
    """

    def __init__(
        self,
        server: Server,
        client: Client,
        interaction: Interaction,
        *,
        redirect_uri: str | None = None,
        environ: Mapping[str, str] | None = None,
        seconds: float = MAX_REDIRECT_SECONDS,
    ) -> None:
        self._server = server
        self._client = client
        self._interaction = interaction
        self._redirect_uri = redirect_uri
        self._environ = environ
        self._seconds = seconds

    def run(self, scope: str) -> Tokens:
        """Return the tokens, as soon as the browser has come back.

        :raises NoBrowser: no browser can be started.
        :raises LoginError: the user denied the login, or did not end it in time.
        :raises EndpointError: the server refused the code, or did not answer.
        """
        endpoint = self._server.authorization_endpoint
        if endpoint is None:
            issuer = self._server.issuer
            raise LoginError(f"{issuer} has no login in a browser: use --oauth-flow device-code")
        once = _Once()
        listener = Listener(self._redirect_uri)
        query = self._query(scope, once, listener.redirect_uri)
        try:
            self._open(_with_query(endpoint, query))
            redirect = listener.wait(self._seconds, self._interaction.tick)
        finally:
            listener.close()
        return self._exchange(redirect, once, listener.redirect_uri)

    def _query(
        self,
        scope: str,
        once: _Once,
        redirect_uri: str,
    ) -> dict[str, str]:
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": once.state,
            "nonce": once.nonce,
            "code_challenge": once.challenge,
            "code_challenge_method": "S256",
        }
        if "offline_access" in scope.split():
            # rattler asks for no prompt. Without one oidc-provider gives no refresh token, and may
            # not (OpenID Connect Core 1.0, section 11), so that the login could not be renewed.
            query["prompt"] = "consent"
        return query

    def _open(self, url: str) -> None:
        if not self._interaction.open_browser(url):
            raise NoBrowser
        self._interaction.show_page(url)

    def _exchange(
        self,
        redirect: Redirect | None,
        once: _Once,
        redirect_uri: str,
    ) -> Tokens:
        fields = {
            "grant_type": "authorization_code",
            "code": self._code_in(redirect, once),
            "redirect_uri": redirect_uri,
            "code_verifier": once.verifier,
        }
        tokens = ask_for_tokens(
            self._server,
            self._client,
            fields,
            self._environ,
        )
        id_token = tokens.given.get("id_token")
        if id_token is None:
            return tokens
        claims = claims_of(id_token)
        if claims.get("nonce") != once.nonce:
            raise LoginError("the ID token belongs to another login; nothing is stored")
        return tokens

    def _code_in(self, redirect: Redirect | None, once: _Once) -> str:
        """Return the code of a redirect, after a check of who sent it."""
        if redirect is None:
            raise LoginError("the browser did not come back in time; nothing is stored")
        fields = redirect.fields
        state = fields["state"].encode()
        if not hmac.compare_digest(state, once.state.encode()):
            raise LoginError("the browser came back from another login; nothing is stored")
        issuer = self._server.issuer
        if fields.get("iss", issuer) != issuer:
            raise LoginError("the browser came back from another issuer; nothing is stored")
        if "code" not in fields:
            raise _denied(error_code(fields.get("error")))
        return fields["code"]


def _with_query(endpoint: str, query: Mapping[str, str]) -> str:
    """Return the endpoint with a query behind the one that it may have (RFC 6749, 3.1)."""
    mark = "?"
    if "?" in endpoint:
        mark = "&"
    return f"{endpoint}{mark}{urlencode(query)}"


def _denied(code: str) -> LoginError:
    if code == "access_denied":
        return LoginError("the login was denied in the browser; nothing is stored")
    reason = "the browser came back without a login"
    if code:
        reason = f"{reason} ({code})"
    return LoginError(f"{reason}; nothing is stored")

"""An OAuth login as rattler does it: discovery, one of two grants, and a login to store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import LoginError, SettingsError
from authshim.oauth.authorization_code import CodeFlow, NoBrowser
from authshim.oauth.device_code import DeviceFlow
from authshim.oauth.discovery import discover, unusable_issuer
from authshim.oauth.endpoints import login_of
from authshim.oauth.http import EndpointError, Unanswered
from authshim.oauth.id_token import claims_of, name_in
from authshim.oauth.interaction import AUTH_CODE, DEVICE_CODE
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authshim.credentials import OAuth
    from authshim.oauth.client import Client, Tokens
    from authshim.oauth.discovery import Server
    from authshim.oauth.interaction import Interaction

SCOPES = ("openid", "profile", "offline_access")
PREFIX_DEV_SCOPES = (*SCOPES, "channel:read", "channel:upload")


class Login(NamedTuple):
    """A login that can be stored, and the name of its user, which may be empty."""

    credential: OAuth
    name: str


class LoginFlow:
    """A login at an authorization server.

    :param interaction: shows the user where to confirm it.
    :param environ: in place of ``os.environ``.
    """

    def __init__(
        self,
        issuer: str,
        client: Client,
        interaction: Interaction,
        *,
        scopes: Sequence[str] = SCOPES,
        flow: str = DEVICE_CODE,
        redirect_uri: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if reason := unusable_issuer(issuer):
            raise SettingsError("--oauth-issuer-url", f"it {reason}")
        self._issuer = issuer
        self._client = client
        self._interaction = interaction
        self._scope = " ".join(scopes)
        self._flow = flow
        self._redirect_uri = redirect_uri
        self._environ = environ

    @clears_frames
    def run(self) -> Login:
        """Log in.

        :raises LoginError: there is no login.
        :raises SettingsError: an option cannot be used.
        """
        server = self._discover()
        try:
            tokens = self._tokens(server)
            return self._login(server, tokens)
        except EndpointError as error:
            raise LoginError(f"{error}; nothing is stored{_next_step(error)}") from None

    def _discover(self) -> Server:
        try:
            return discover(self._issuer, self._environ)
        except EndpointError as error:
            step = "name the issuer by --oauth-issuer-url"
            if isinstance(error, Unanswered):
                step = f"check the network, or {step}"
            raise LoginError(f"{error}; {step}") from None

    def _tokens(self, server: Server) -> Tokens:
        if self._flow == DEVICE_CODE:
            return self._by_device_code(server)
        try:
            return self._by_browser(server)
        except NoBrowser:
            if self._flow == AUTH_CODE:
                raise LoginError("no browser starts: use --oauth-flow device-code") from None
        return self._by_device_code(server)

    def _by_browser(self, server: Server) -> Tokens:
        flow = CodeFlow(
            server,
            self._client,
            self._interaction,
            redirect_uri=self._redirect_uri,
            environ=self._environ,
        )
        return flow.run(self._scope)

    def _by_device_code(self, server: Server) -> Tokens:
        flow = DeviceFlow(
            server,
            self._client,
            self._interaction,
            environ=self._environ,
        )
        return flow.run(self._scope)

    def _login(self, server: Server, tokens: Tokens) -> Login:
        """Return a login without the client's secret, which rattler does not store either."""
        credential = login_of(
            tokens.given,
            tokens.asked_at,
            token_endpoint=server.token_endpoint,
            revocation_endpoint=server.revocation_endpoint,
            client_id=self._client.id,
        )
        claims = claims_of(tokens.given.get("id_token"))
        return Login(credential, name_in(claims))


def _next_step(error: EndpointError) -> str:
    steps = {
        "invalid_client": "correct --oauth-client-id and --oauth-client-secret",
        "unauthorized_client": "use another --oauth-flow or --oauth-client-id",
        "invalid_scope": "correct --oauth-scope",
    }
    step = steps.get(getattr(error, "code", ""))
    if step is None:
        return ""
    return f": {step}"

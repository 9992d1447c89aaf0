"""The command that replaces an OAuth login that has ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim.oauth.client import CLIENT_ID

if TYPE_CHECKING:
    from authshim.credentials import OAuth

_ORIGIN = r"https?://[^/@?#\s]+"
_PREFIX_DEV = re.compile(r"https://([\w-]+\.)*prefix\.dev/.*")
_ISSUERS = (
    # GitLab has /oauth/token, Dex and oidc-provider have /token.
    re.compile(rf"({_ORIGIN})(?:/oauth)?/token"),
    # Keycloak
    re.compile(rf"({_ORIGIN}/[^?#\s]+)/protocol/openid-connect/token"),
)
"""The token endpoints of which the issuer is known; no store keeps the issuer itself."""


def login_command(host: str, login: OAuth) -> str:
    """Return the command that logs in again.

    >>> from authshim.credentials import OAuth
    >>> login_command("h.example", OAuth("a", "r", 1, "https://h.example/token", None, "rattler"))
    'authshim auth login h.example --oauth'
    >>> login_command("h.example", OAuth("a", "r", 1, "https://id.example/x/token", None, "me"))
    'authshim auth login h.example --oauth --oauth-issuer-url ISSUER --oauth-client-id me'
    """
    from shlex import quote

    command = f"authshim auth login {host}"
    if login.client_id == CLIENT_ID and _is_prefix_dev(host, login):
        return command
    command = f"{command} --oauth"
    issuer = _issuer_of(login.token_endpoint)
    if issuer != f"https://{host}":
        command = f"{command} --oauth-issuer-url {quote(issuer)}"
    if login.client_id != CLIENT_ID:
        command = f"{command} --oauth-client-id {quote(login.client_id)}"
    return command


def _is_prefix_dev(host: str, login: OAuth) -> bool:
    """Return True for a login that needs no option."""
    is_host = f".{host}".endswith(".prefix.dev")
    return is_host and _PREFIX_DEV.fullmatch(login.token_endpoint) is not None


def _issuer_of(token_endpoint: str) -> str:
    """Return the issuer of a token endpoint, or ``ISSUER`` if it cannot be known."""
    for pattern in _ISSUERS:
        if found := pattern.fullmatch(token_endpoint):
            return found[1]
    return "ISSUER"

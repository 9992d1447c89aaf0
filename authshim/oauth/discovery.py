"""The metadata of an OpenID provider (OpenID Connect Discovery 1.0): its endpoints.

Invariants:

1. The document comes from the issuer itself: no redirect is followed, and it names the same issuer.
2. Every endpoint in it is an https URL, or a URL of this machine if the issuer is one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.errors import UrlError
from authshim.oauth import http
from authshim.oauth.http import EndpointError, Request
from authshim.urls import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DISCOVERY_SECONDS = 30.0

_PATH = ".well-known/openid-configuration"


class Server(NamedTuple):
    """An authorization server, by its issuer and its endpoints; a missing endpoint is None."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str | None
    device_authorization_endpoint: str | None
    revocation_endpoint: str | None
    takes_basic: bool = True
    """False if a client secret is sent in the form, and not as Basic."""


def discover(
    issuer: str,
    environ: Mapping[str, str] | None = None,
) -> Server:
    """Return the authorization server that an issuer describes.

    :raises EndpointError: the issuer does not answer, or its document cannot be used.
    """
    url = f"{issuer.rstrip('/')}/{_PATH}"
    request = Request("GET", url)
    answer = http.send(request, seconds=MAX_DISCOVERY_SECONDS, environ=environ)
    if answer.status != 200:
        raise EndpointError(url, f"answered HTTP {answer.status}")
    document = answer.json()
    _check_issuer(url, issuer, document.get("issuer"))
    token_endpoint = _endpoint(url, document, "token_endpoint")
    if token_endpoint is None:
        raise EndpointError(url, "names no token_endpoint")
    methods = document.get("token_endpoint_auth_methods_supported")
    device_endpoint = _endpoint(url, document, "device_authorization_endpoint")
    return Server(
        issuer,
        token_endpoint,
        authorization_endpoint=_endpoint(url, document, "authorization_endpoint"),
        device_authorization_endpoint=device_endpoint,
        revocation_endpoint=_endpoint(url, document, "revocation_endpoint"),
        takes_basic=_takes_basic(methods),
    )


def unusable_issuer(issuer: str) -> str:
    """Return why a URL cannot be an issuer's, or an empty string."""
    reason = http.unsafe(issuer)
    if reason:
        return reason
    if "?" in issuer or "#" in issuer:
        return "has a query or a fragment"
    if parse(issuer).username is not None:
        return "has a username"
    return ""


def _check_issuer(
    url: str,
    issuer: str,
    named: object,
) -> None:
    if named == issuer:
        return
    bare_issuer = issuer.rstrip("/")
    if isinstance(named, str) and named.rstrip("/") == bare_issuer:
        raise EndpointError(url, f"names the issuer with another ending: {named}")
    raise EndpointError(url, "names another issuer than the one that was asked")


def _endpoint(
    url: str,
    document: Mapping[str, Any],
    name: str,
) -> str | None:
    """Return an endpoint of a document, or None if the document does not have it.

    :raises EndpointError: nothing may be sent to it.
    """
    endpoint = document.get(name)
    if endpoint is None:
        return None
    if isinstance(endpoint, str) and _is_allowed(url, endpoint):
        return endpoint
    raise EndpointError(url, f"names a {name} that cannot be used")


def _is_allowed(url: str, endpoint: str) -> bool:
    """Return False if an endpoint is not as safe as the document that names it."""
    try:
        parsed = parse(endpoint)
    except UrlError:
        return False
    if parsed.username is not None or "#" in endpoint:
        return False
    if not endpoint.isprintable():
        return False
    if parsed.scheme == "https":
        return True
    if http.unsafe(endpoint):
        return False
    return parse(url).scheme == "http"


def _takes_basic(methods: object) -> bool:
    """Return False if a server lists ``client_secret_post`` alone; the default is Basic."""
    if not isinstance(methods, list):
        return True
    return "client_secret_basic" in methods or "client_secret_post" not in methods

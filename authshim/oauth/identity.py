"""The identity of a CI job (OpenID Connect), exchanged for a token of prefix.dev.

rattler does the same (``trusted_publishing.rs``). The identity is for prefix.dev alone, and a job
that runs on Google's machines never sends that machine's identity instead of its own.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials import BearerToken
from authshim.errors import CredentialError
from authshim.oauth import http
from authshim.oauth.http import EndpointError
from authshim.oauth.id_token import expiry_of
from authshim.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIENCE = "prefix.dev"

MINT_PATH = "/api/oidc/mint_token"
"""The path at which a host of prefix.dev takes an identity, and gives a token."""

MAX_IDENTITY_SECONDS = 30.0
"""The timeout of the question to the CI."""

MAX_MINT_SECONDS = 30.0

EXPIRY_MARGIN_SECONDS = 60.0
"""The time before its expiry at which a token is used no more."""

_DETECTORS = {
    "GitHub": "detect_github",
    "GitLab": "detect_gitlab",
    "CircleCI": "detect_circleci",
    "Buildkite": "detect_buildkite",
}
"""The functions of the package ``id``, by the CI. Its public function may answer for Google."""

_GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
"""The variable with the URL to which the package ``id`` sends the token of the job."""

_NEEDS = {
    ("GitHub", "GitHubOidcPermissionCredentialError"): (
        "the job needs the permission id-token: write"
    ),
    ("GitLab", "AmbientCredentialError"): (
        "the job needs id_tokens: PREFIX_DEV_ID_TOKEN, with aud: prefix.dev"
    ),
}
"""The settings that a job lacks, by the CI and the exception of the package."""


class IdentityError(Exception):
    """An identity that the CI does not give. The message shows nothing of its answer."""


def is_prefix_dev(host: str) -> bool:
    """Return True for prefix.dev and its subdomains."""
    return f".{host}".endswith(f".{AUDIENCE}")


def detect(service: str) -> Secret:
    """Return the identity that a CI gives its job.

    :param service: "GitHub", "GitLab", "CircleCI" or "Buildkite".
    :raises IdentityError: it gives none.
    """
    try:
        found = call_with_timeout(MAX_IDENTITY_SECONDS, lambda: _ask(service))
    except TimedOut:
        found = f"{service} did not answer in time"
    if isinstance(found, str):
        raise IdentityError(found)
    return found


def _ask(service: str) -> Secret | str:
    """Return the identity, or why there is none: the package's exceptions show the answer."""
    try:
        package = importlib.import_module("id._internal.oidc.ambient")
    except ImportError:
        return "its package is missing: pip install 'authshim[ci]'"
    url = os.environ.get(_GITHUB_URL)
    if service == "GitHub" and url:
        reason = http.unsafe(url)
        if reason:
            return f"{_GITHUB_URL} {reason}"
    no_identity = f"{service} gives the job no identity"
    detect = getattr(package, _DETECTORS[service])
    try:
        token = detect(AUDIENCE)
    except Exception as error:  # noqa: BLE001 - also of urllib3 and subprocess
        kind = type(error).__name__
        return _NEEDS.get((service, kind), no_identity)
    if not token:
        return no_identity
    return Secret(token)


def mint(
    url: str,
    identity: Secret,
    environ: Mapping[str, str] | None = None,
) -> BearerToken:
    """Return the token that a host of prefix.dev gives for an identity.

    :param url: ends with ``MINT_PATH``.
    :raises EndpointError: it gives none.
    """
    request = http.query(url, {"token": identity.text}, None)
    answer = http.send(request, seconds=MAX_MINT_SECONDS, environ=environ)
    if not 200 <= answer.status < 300:
        raise EndpointError(url, f"answered HTTP {answer.status}")
    token = None
    with suppress(UnicodeDecodeError, CredentialError):
        text = answer.body.decode("ascii")
        token = BearerToken(text.strip())
    if token is None:
        raise EndpointError(url, "answered without a token")
    return token


def usable_until(credential: object) -> float | None:
    """Return when to exchange an identity again, in Unix seconds, or None if that is not known."""
    expires = expiry_of(getattr(credential, "token", None))
    if expires is None:
        return None
    return expires - EXPIRY_MARGIN_SECONDS

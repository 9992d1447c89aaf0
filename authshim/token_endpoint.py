"""One request to an OAuth token endpoint: a refresh token goes in, a new credential comes out (RFC 6749 section 6).

Over https or to this machine only, to no place that a redirect names, and within a time. No
error here holds a token, or anything of what the server answered but its status.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authshim.credentials import OAuth
from authshim.errors import CredentialError, UrlError
from authshim.urls import is_loopback, parse, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMIT = 1024 * 1024
"""Bytes of an answer that are read at most."""

_LONGEST = 10**10
"""Seconds; a lifetime beyond it is no lifetime."""

_NO_TOKEN = "answered with what is no token"  # noqa: S105 - a sentence


class EndpointError(Exception):
    """No new credential was had; the message names the endpoint, and what it did."""

    def __init__(self, endpoint: str, what: str) -> None:
        super().__init__(f"{redact(endpoint)} {what}")


class LoginEnded(EndpointError):
    """The server takes the refresh token no more: it has expired, was revoked, or was used before."""


def renew(
    credential: OAuth, *, seconds: float, environ: Mapping[str, str], clock: Callable[[], float] = time.time
) -> OAuth:
    """Return the credential that the endpoint gives for the refresh token.

    ``expires_at`` is a whole number of seconds: rattler refuses a file with any other.

    :param seconds: all that it may take.
    :param environ: names the proxies and the certificates, as requests has them.
    :raises LoginEnded: its user has to log in again.
    :raises EndpointError: it did not work out this time.
    """
    endpoint = credential.token_endpoint
    _check(endpoint)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": credential.refresh_token,
        "client_id": credential.client_id,
        "audience": credential.audience,
    }
    asked_at = clock()
    given = {name: value for name, value in form.items() if value is not None}
    status, body = _bounded(endpoint, given, seconds, environ)
    answer = _read(endpoint, status, body)
    lifetime = _lifetime(answer.get("expires_in"))
    try:
        return OAuth(
            answer["access_token"],
            answer.get("refresh_token") or credential.refresh_token,
            None if lifetime is None else int(asked_at + lifetime),
            endpoint,
            credential.revocation_endpoint,
            credential.client_id,
            credential.audience,
            more=credential.more,
        )
    except (CredentialError, KeyError):
        raise EndpointError(endpoint, _NO_TOKEN) from None


def _check(endpoint: str) -> None:
    try:
        url = parse(endpoint)
    except UrlError:
        raise EndpointError("the token endpoint", "is no URL") from None
    if url.scheme != "https" and not is_loopback(url.host):
        raise EndpointError(endpoint, "is not asked: a token endpoint must be https")


def _read(endpoint: str, status: int, body: bytes) -> dict[str, Any]:
    import json

    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not 200 <= status < 300:
        ended = isinstance(answer, dict) and answer.get("error") == "invalid_grant"
        raise (LoginEnded if ended and 400 <= status < 500 else EndpointError)(endpoint, f"answered {status}")
    if not isinstance(answer, dict):
        raise EndpointError(endpoint, _NO_TOKEN)
    return answer


def _lifetime(value: object) -> float | None:
    """Return ``expires_in`` in seconds; None where it is none."""
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LONGEST else None


def _bounded(endpoint: str, form: Mapping[str, str], seconds: float, environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Ask in a thread of its own: a name that does not resolve, or an answer byte by byte, keeps no timeout."""
    import threading

    answers: list[tuple[int, bytes] | str] = []

    def ask() -> None:
        try:
            answers.append(_post(endpoint, form, seconds, environ))
        except Exception as error:  # noqa: BLE001 - urllib3, ssl and sockets raise all sorts, and may show what was sent
            answers.append(_reason(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    answer = answers[0] if answers else "did not answer in time"
    if isinstance(answer, str):
        raise EndpointError(endpoint, answer)
    return answer


def _post(endpoint: str, form: Mapping[str, str], seconds: float, environ: Mapping[str, str]) -> tuple[int, bytes]:
    from urllib.parse import urlencode

    import urllib3

    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "authshim",
    }
    with _pool(endpoint, environ) as pool:
        response = pool.request(
            "POST",
            endpoint,
            body=urlencode(form),
            headers=headers,
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            body: bytes = response.read(LIMIT + 1, decode_content=False)
        finally:
            response.close()
    return response.status, b"" if len(body) > LIMIT else body


def _pool(endpoint: str, environ: Mapping[str, str]) -> Any:
    import urllib3

    trusted = _certificates(environ) if endpoint.lower().startswith("https") else {}
    proxy = _proxy(endpoint, environ)
    if proxy is None:
        return urllib3.PoolManager(**trusted)
    userinfo = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=_unquoted(userinfo)) if userinfo else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **trusted)


def _certificates(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what requests would verify a server by."""
    import os

    import certifi

    named = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or certifi.where()
    return {"cert_reqs": "CERT_REQUIRED", "ca_cert_dir" if os.path.isdir(named) else "ca_certs": named}


def _proxy(endpoint: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment names for an endpoint; none for this machine."""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    url = parse(endpoint)
    lower = {name.lower(): value for name, value in environ.items() if value and name.lower().endswith("_proxy")}
    bypassed = proxy_bypass_environment(f"{url.host}:{url.port}", {"no": lower.get("no_proxy", "")})
    if bypassed or is_loopback(url.host):
        return None
    named = lower.get(f"{url.scheme}_proxy") or lower.get("all_proxy")
    return named if named is None or "://" in named else f"http://{named}"


def _unquoted(userinfo: str) -> str:
    from urllib.parse import unquote

    return unquote(userinfo)


def _reason(error: Exception) -> str:
    """Say what failed, by the error's class: its words may hold what was sent."""
    from urllib3 import exceptions

    slow = isinstance(error, exceptions.TimeoutError) and not isinstance(error, exceptions.NewConnectionError)
    return "did not answer in time" if slow else f"cannot be reached ({type(error).__name__})"

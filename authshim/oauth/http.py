"""The one HTTP client for requests that authshim makes for a login, and not for its user.

Invariants:

1. A request goes over https, or to this machine.
2. No redirect is followed, and no credential is added: the caller gives all that is sent.
3. At most ``MAX_BODY_BYTES`` of an answer are read.
4. A request ends after its timeout, even if a name does not resolve or the answer trickles.
5. No error holds what was sent, or more of an answer than its status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.errors import UrlError
from authshim.redact import redact
from authshim.secret import SecretHolder, related_exceptions
from authshim.urls import is_loopback, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 1024 * 1024

_REASONS = (
    (("Proxy", "SOCKS"), "its proxy does not connect"),
    (("Certificate", "CertVerification"), "its TLS certificate does not verify"),
    (("SSL",), "it does not speak TLS"),
    (("NameResolution", "gaierror"), "its name is not known to DNS"),
    (("NewConnection",), "the connection was refused"),
)
"""Reasons by parts of the names of exceptions; the first that fits counts."""

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class EndpointError(Exception):
    """A request that failed; the message names the endpoint and the reason."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{redact(endpoint)} {reason}")
        self.reason = reason


class Unanswered(EndpointError):
    """A request without an answer."""


class LoginEnded(EndpointError):
    """A refresh token that the server refuses: it has expired, was revoked, or was used before."""


class Request(SecretHolder):
    """A request with its secrets, so that no frame on the way holds them."""

    __slots__ = ("body", "headers", "method", "url")

    def __init__(
        self,
        method: str,
        url: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.body = body
        self.headers = {
            "Accept": _JSON,
            "Accept-Encoding": "identity",
            "User-Agent": "authshim",
            **(headers or {}),
        }


class Answer(SecretHolder):
    """A status and a body."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, or an empty one if there is none."""
        import json

        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        return found


def form(
    url: str,
    fields: Mapping[str, str | None],
    *,
    authorization: str | None = None,
) -> Request:
    """Return a POST of a form; a field that is None is left out, and so is the header."""
    from urllib.parse import urlencode

    given = {name: value for name, value in fields.items() if value is not None}
    headers = {"Content-Type": _FORM}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = urlencode(given)
    return Request("POST", url, body=body, headers=headers)


def query(
    url: str,
    data: object,
    authorization: str | None,
) -> Request:
    """Return a POST of JSON, with an ``Authorization`` header unless that is None."""
    import json

    headers = {"Content-Type": _JSON}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = json.dumps(data)
    return Request("POST", url, body=body, headers=headers)


def send(
    request: Request,
    *,
    seconds: float,
    environ: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request and return the answer, whatever its status is.

    :param seconds: the timeout of the whole request.
    :param environ: names proxies and certificates as for requests; by default the process's own
        environment and the proxies of the system.
    :raises EndpointError: there is no answer.
    """
    reason = unsafe(request.url)
    if reason:
        raise EndpointError(request.url, reason)

    def exchange() -> Answer | str:
        return _exchange(request, seconds, environ)

    try:
        answer = call_with_timeout(seconds, exchange)
    except TimedOut:
        answer = "did not answer in time"
    if isinstance(answer, str):
        raise Unanswered(request.url, answer)
    return answer


def unsafe(url: str) -> str:
    """Return why nothing may be sent to a URL, or an empty string."""
    try:
        parsed = parse(url)
    except UrlError:
        return "is not a URL"
    if parsed.scheme == "https" or is_loopback(parsed.host):
        return ""
    return "is not an https URL"


def _exchange(
    request: Request,
    seconds: float,
    environ: Mapping[str, str] | None,
) -> Answer | str:
    """Return the answer, or why there is none: the exceptions of urllib3 show what was sent."""
    try:
        answer = _request(request, seconds, environ)
    except Exception as error:  # noqa: BLE001 - urllib3, ssl and sockets raise many kinds
        return _reason(error)
    if len(answer.body) > MAX_BODY_BYTES:
        return f"answered with more than {MAX_BODY_BYTES >> 20} MiB"
    return answer


def _request(
    request: Request,
    seconds: float,
    environ: Mapping[str, str] | None,
) -> Answer:
    import urllib3

    from authshim.oauth.pool import pool_for

    with pool_for(request.url, environ) as pool:
        response = pool.request(
            request.method,
            request.url,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            body: bytes = response.read(MAX_BODY_BYTES + 1, decode_content=False)
        finally:
            response.close()
    return Answer(response.status, body)


def _reason(error: Exception) -> str:
    """Return why a request failed, by the classes of its error: their words may hold a secret."""
    from urllib3 import exceptions

    is_slow = isinstance(error, exceptions.TimeoutError)
    if is_slow and not isinstance(error, exceptions.NewConnectionError):
        return "did not answer in time"
    if isinstance(error, (exceptions.ProtocolError, ConnectionError)):
        return "broke off the connection"
    # urllib3 1.26 tells an unknown name by the context of its error only.
    related = related_exceptions(error, None)
    names = " ".join(type(part).__name__ for part in related)
    for parts, reason in _REASONS:
        if any(part in names for part in parts):
            return f"cannot be reached ({reason})"
    return f"cannot be reached ({type(error).__name__})"

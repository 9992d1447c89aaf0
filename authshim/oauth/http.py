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

_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that name trusted certificates. The first one that is set counts."""

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class EndpointError(Exception):
    """A request that failed; the message names the endpoint and the reason."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{redact(endpoint)} {reason}")
        self.reason = reason


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
        return found if isinstance(found, dict) else {}


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
    return Request("POST", url, body=urlencode(given), headers=headers)


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
    return Request("POST", url, body=json.dumps(data), headers=headers)


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
    if reason := unsafe(request.url):
        raise EndpointError(request.url, reason)
    try:
        answer = call_with_timeout(seconds, lambda: _exchange(request, seconds, environ))
    except TimedOut:
        answer = "did not answer in time"
    if isinstance(answer, str):
        raise EndpointError(request.url, answer)
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

    with _pool(request.url, environ) as pool:
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


def _pool(url: str, environ: Mapping[str, str] | None) -> Any:
    import urllib3

    trusted = {}
    if parse(url).scheme == "https":
        trusted = _certificates(environ)
    proxy = _proxy(url, environ)
    if proxy is None:
        return urllib3.PoolManager(**trusted)
    if proxy.lower().startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy, **trusted)
    return urllib3.ProxyManager(proxy, proxy_headers=_proxy_headers(proxy), **trusted)


def _proxy_headers(proxy: str) -> dict[str, str]:
    from urllib.parse import unquote

    import urllib3

    userinfo = urllib3.util.parse_url(proxy).auth
    if not userinfo:
        return {}
    return dict(urllib3.make_headers(proxy_basic_auth=unquote(userinfo)))


def _certificates(environ: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the options by which a server is verified."""
    import os

    import certifi

    if environ is None:
        environ = os.environ
    path = next(filter(None, map(environ.get, _CERTIFICATES)), certifi.where())
    if os.path.isdir(path):
        return {"cert_reqs": "CERT_REQUIRED", "ca_cert_dir": path}
    return {"cert_reqs": "CERT_REQUIRED", "ca_certs": path}


def _proxy(url: str, environ: Mapping[str, str] | None) -> str | None:
    """Return the proxy for a URL, or None; this machine needs none."""
    parsed = parse(url)
    if is_loopback(parsed.host):
        return None
    proxies = _proxies(f"{parsed.host}:{parsed.port}", environ)
    named = proxies.get(parsed.scheme) or proxies.get("all")
    if named and "://" not in named:
        return f"http://{named}"
    return named or None


def _proxies(
    netloc: str,
    environ: Mapping[str, str] | None,
) -> dict[str, str]:
    """Return the proxies for a host and port, by the scheme of the URL."""
    from urllib import request

    if environ is None:
        return {} if request.proxy_bypass(netloc) else request.getproxies()
    proxies = {}
    for name, value in environ.items():
        scheme, _, suffix = name.lower().rpartition("_")
        if suffix == "proxy" and value:
            proxies[scheme] = value
    no_proxy = {"no": proxies.get("no", "")}
    if request.proxy_bypass_environment(netloc, no_proxy):  # type: ignore[attr-defined]
        return {}
    return proxies


def _reason(error: Exception) -> str:
    """Return why a request failed, by the classes of its error: their words may hold a secret."""
    from urllib3 import exceptions

    is_slow = isinstance(error, exceptions.TimeoutError)
    if is_slow and not isinstance(error, exceptions.NewConnectionError):
        return "did not answer in time"
    if isinstance(error, (exceptions.ProtocolError, ConnectionError)):
        return "broke off the connection"
    # urllib3 1.26 tells an unknown name by the context of its error only.
    names = " ".join(type(part).__name__ for part in related_exceptions(error, None))
    for parts, reason in _REASONS:
        if any(part in names for part in parts):
            return f"cannot be reached ({reason})"
    return f"cannot be reached ({type(error).__name__})"

"""What became of a request that got no answer, in words for people."""

from __future__ import annotations

import os

import requests

from authshim.redact import redact
from authshim.secret import related_exceptions

MAX_CONNECT_SECONDS = 10

MAX_READ_SECONDS = 30
"""Seconds to the next bytes of an answer."""

TIMEOUT = (MAX_CONNECT_SECONDS, MAX_READ_SECONDS)
"""The timeout as ``requests`` takes it."""

TOTAL_TIMEOUT = 60.0
"""Seconds for the heads of all the answers to one question, redirects and refusals included."""


class TooSlow(requests.Timeout):
    """Bytes come, but not the end of what they are a part of."""


_KNOWN = (
    (
        ("Proxy", "SOCKS"),
        "{proxy} does not connect",
        "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    ),
    (("InvalidSchema",), "it redirects to what is not http(s)", "correct the URL"),
    (
        ("SSL", "Certificate"),
        "its TLS certificate does not verify",
        "set REQUESTS_CA_BUNDLE to the file of your company's CA",
    ),
    (
        ("NameResolution", "gaierror"),
        "its name is not known to DNS",
        "check the host name, and the network or VPN",
    ),
    (
        ("TooSlow",),
        "no whole answer within {whole:g} s",
        "try again later, or tell the server's owner",
    ),
    (("Timeout",), "no answer within {seconds} s", "try again later, or check the network or VPN"),
    (("TooManyRedirects",), "it redirects without end", "correct the URL"),
    (
        ("InvalidHeader", "BadStatusLine", "LineTooLong", "InvalidChunk", "HTTPException"),
        "its answer is not HTTP",
        "check the port, and http or https",
    ),
    (
        ("Location", "InvalidURL", "Unicode", "ValueError"),
        "a redirect or the proxy names a host that cannot be dialled",
        "correct the URL, HTTPS_PROXY or HTTP_PROXY",
    ),
    (
        ("RemoteDisconnected", "ConnectionReset"),
        "the server closed the connection, or it speaks https",
        "check the port, and http or https",
    ),
    (("Decod",), "it is not packed as it says", "try again later, or tell the server's owner"),
)
"""Parts of the names of errors, the first that fits, and what is said of them."""


def describe(error: Exception) -> tuple[str, str]:
    """Say why nothing was answered, and what to do about it: two phrases without a secret.

    :param error: of requests, urllib3 or the system.
    """
    proxy = _proxy_of(error)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return (
            "the file of trusted certificates is not there",
            "correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE",
        )
    # urllib3 1.26 tells an unknown name by the context of its error only.
    words = " ".join(type(part).__name__ for part in related_exceptions(error, None))
    # Only its text tells the InvalidSchema of an unusable SOCKS proxy from any other.
    words += " SOCKS" if "SOCKS" in str(error) else ""
    seconds = TIMEOUT[0] if "ConnectTimeout" in words else TIMEOUT[1]
    for names, reason, step in _KNOWN:
        if any(name in words for name in names):
            return reason.format(seconds=seconds, whole=TOTAL_TIMEOUT, proxy=proxy), step
    return "the connection was refused or broke", "check the host and port, and the network or VPN"


def _proxy_of(error: Exception) -> str:
    """Return the proxy of a failed request without its password, and the variable that sets it."""
    request = getattr(error, "request", None)
    scheme = str(getattr(request, "url", "")).partition(":")[0].lower()
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = os.environ.get(variable)
            if value:
                url = value if "://" in value else f"http://{value}"
                return f"the proxy {redact(url)} (from {variable})"
    return "the proxy"
